# SPDX-License-Identifier: Apache-2.0
# Installs, starts, upgrades and removes the .deb, above the machine's files.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
say() { echo "## $*"; }
trap 'st=$?; [ $st = 0 ] || cat /run/log /run/dpkg' EXIT
touch /run/log
# What systemd does with the unit, as far as it can be done by hand: user,
# directory, core limit, no capability, no new privilege, and the command itself.
start() {
	command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/lateral@.service | sed "s/%i/$1/g; s/ \$LATERAL_FLAGS//")
	(umask 0077; ulimit -n "$(ulimit -Hn)"; ulimit -c 0
	exec setpriv --reuid lateral --regid lateral --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
		env -i $command) 2>>/run/log &
	pid=$!
	lateral mesh --wait 20s --nodes 1 --runtime-dir /run/lateral >/dev/null
}
dpkg -i /run/lateral_1.0.0_amd64.deb >/run/dpkg 2>&1 || { cat /run/dpkg; exit 1; }
say installed "$(lateral version)"
say user "$(getent passwd lateral | cut -d: -f1,6,7)"
say etc "$(stat -c '%a %U %G' /etc/lateral)"
mkdir /etc/lateral/web
printf 'jcs.default=LTCP\njcs.region.R=LTCP\njcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\njcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes\njcs.auxiliary.LTCP.attributes.TcpListenerHost=127.0.0.1\njcs.auxiliary.LTCP.attributes.TcpListenerPort=57462\njcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=false\n' >/etc/lateral/web/cache.ccf
start web
say runs as "$(stat -c %U /proc/$pid)" with capabilities "$(sed -n 's/^CapEff:\s*//p' /proc/$pid/status)"
kill -HUP "$pid"
lateral put R k v && say got "$(lateral get R k)"
dpkg -i /run/lateral_1.1.0_amd64.deb >/run/dpkg 2>&1 || { cat /run/dpkg; exit 1; }
say upgraded "$(lateral version)"
say still "$(lateral get R k)"
kill -TERM "$pid"; wait "$pid" && say old one ended 0
start web
say restarted "$(lateral stats --json | sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' | head -1)"
kill -TERM "$pid"; wait "$pid" && say new one ended 0
grep -q 'reload: done' /run/log && say reloaded
dpkg -r lateral >/run/dpkg 2>&1 || { cat /run/dpkg; exit 1; }
say removed "$(ls /usr/bin/lateral /lib/systemd/system/lateral@.service 2>/dev/null | wc -l)" files left
say kept "$(ls /etc/lateral/web)"
dpkg -P lateral >/run/dpkg 2>&1 || { cat /run/dpkg; exit 1; }
say purged, and kept "$(ls /etc/lateral/web)"

# SPDX-License-Identifier: Apache-2.0
# The service of a systemd that runs as process 1: the .deb and its unit as on
# a machine, on a network that systemd-networkd keeps.
set -eu
say() { echo "## $*"; }
trap 'st=$?; [ $st = 0 ] || { journalctl --no-pager -o short-monotonic | tail -150; cat /run/far.log; }' EXIT
wait_for() { # SECONDS COMMAND…
	n=$(($1 * 20)); shift
	until "$@" >/dev/null 2>&1; do
		n=$((n - 1)); [ $n -gt 0 ] || { echo "not so: $*"; "$@"; return 1; }
		sleep 0.05
	done
}
prop() { systemctl show --value -p "$2" "lateral@$1"; }
logged() { journalctl -u "lateral@$1" -o cat --no-pager | grep -q "$2"; }
say boots "$(cat /proc/1/comm)" "$(systemctl show --value -p Version)"

# A network: eth0 and, behind it, a host.
ip netns add far
ip link add eth0 type veth peer name eth0 netns far
ip -n far addr add 10.0.0.2/24 dev eth0
ip -n far link set lo up
ip -n far link set eth0 up
ip -n far route add 224.0.0.0/8 dev eth0
printf '[Match]\nName=eth0\n[Network]\nAddress=10.0.0.1/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' >/etc/systemd/network/10-lan.network
systemctl start systemd-networkd
configured() { networkctl status eth0 | grep -q '(configured)'; }
wait_for 20 configured
ip addr add 10.0.0.1/24 dev eth0 2>/dev/null && say "networkd did not configure it"

# Installed, and two services.
rm -f /var/lib/man-db/auto-update # its trigger reads all pages of the machine
dpkg -i /run/lateral_1.0.0_amd64.deb
say user "$(getent passwd lateral | cut -d: -f1,6,7)"
say knows "$(systemctl list-unit-files --no-legend 'lateral@.service' | tr -s ' ')"
lateral keygen /etc/lateral/secret
chgrp lateral /etc/lateral/secret
chmod 640 /etc/lateral/secret
for service in a b far; do
	mkdir -p /etc/lateral/$service
	cat >/etc/lateral/$service/cache.ccf <<END
jcs.default=LTCP
jcs.region.SessionCache=LTCP
jcs.region.SessionCache.cacheattributes.MaxObjects=1000
jcs.region.SessionCache.cacheattributes.Acks=linked
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerPort=5746$(expr index abf $service)
jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.LTCP.attributes.ClusterSecretFile=/etc/lateral/secret
END
done
cat >>/etc/lateral/a/cache.ccf <<END
jcs.region.Files=DISK,LTCP
jcs.auxiliary.DISK=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheFactory
jcs.auxiliary.DISK.attributes=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheAttributes
jcs.auxiliary.DISK.attributes.DiskPath=/var/lib/lateral/a
END
lateral config check /etc/lateral/a
systemctl start lateral@missing
say "without files: $(prop missing ActiveState), $(prop missing ConditionResult)"

# A secret that the service may not have: the journal says whose it should be.
systemctl start lateral@a && say started without its secret
mend=$(journalctl -u lateral@a -p err -o cat --no-pager | sed -n 's/.*run: \(chown [^"]*\)".*/\1/p' | head -1)
say "fails: $(prop a ExecMainStatus), do $mend"
eval "$mend"
cp /etc/lateral/secret /run/far.secret
sed -i s,/etc/lateral/secret,/run/far.secret, /etc/lateral/far/cache.ccf
systemctl reset-failed lateral@a

# No route for multicast: doctor says so, and what it says is done.
systemctl enable --now lateral@a lateral@b
say is "$(prop a ActiveState)" "$(prop a SubState)", enabled "$(systemctl is-enabled lateral@a)"
lateral doctor >/run/doctor || true
grep -A4 '✗ multicast-route' /run/doctor
route=$(sed -n 's/^ *run: \(ip route add .*\)/\1/p' /run/doctor | head -1)
file=$(sed -n 's/.*to keep it, with systemd-networkd, in \(.*\):$/\1/p' /run/doctor | head -1)
mkdir -p "$(dirname "$file")"
sed -n '/to keep it, with systemd-networkd/,/or name/s/^ \{27,\}//p' /run/doctor >"$file"
networkctl reload
networkctl reconfigure eth0
routed() { kept=$(ip route | grep '^224.0.0.0/8 dev eth0 proto static'); } # networkd takes it away and sets it again, once or twice
wait_for 20 routed
say "kept by networkd: $kept" for "$route"
ip netns exec far lateral run --service far --host oxfar --config /etc/lateral/far --runtime-dir /run/far 2>/run/far.log &
far=$!
wait_for 20 lateral mesh --nodes 3
say "linked $(lateral mesh --json | tr -d ' \n' | grep -o '"complete":[a-z]*' | head -1)"

# Interface down: networkctl up, which asks networkd by the bus.
ip link set eth0 down
lateral doctor >/run/doctor || true
up=$(sed -n 's/.*with all that is configured for it: //p' /run/doctor | head -1)
say down, do "$up"
$up
wait_for 20 routed
say "doctor sees $(lateral doctor | grep -c '^✗') failures, keygen $(lateral keygen --show /etc/lateral/secret | grep -c sends)"
lateral doctor --json >/run/doctor || true
say "up, and $(tr -d ' \n' </run/doctor | grep -o '"check":"multicast-route","severity":"[a-z]*"' | head -1)"
wait_for 20 lateral mesh --nodes 3

# What it runs as.
pid=$(prop a MainPID)
say runs as "$(stat -c %U /proc/$pid)" "$(sed -n 's/^\(CapEff\|NoNewPrivs\|Seccomp\):\s*/\1=/p' /proc/$pid/status | tr '\n' ' ')"
inside() { nsenter -t $pid -m -- "$@"; }
for dir in /usr /etc /var/lib; do
	if inside touch $dir/x 2>/dev/null; then say "$dir can be written to"; fi
done
inside touch /var/lib/lateral/a/x && say its state can be written to, "$(stat -c '%U %a' /var/lib/lateral/a)"
lateral put SessionCache k v --acks 2 --service a
lateral put Files f v --service a
say the other host has "$(lateral get SessionCache k --runtime-dir /run/far)"

# Reload; the journal with its priorities.
systemctl reload lateral@a
wait_for 20 logged a 'reload: done'
say warnings: "$(journalctl -u lateral@b -p warning -o cat --no-pager | grep -q 'beacon: no route' && echo some), $(journalctl -u lateral@b -p warning -o cat --no-pager | grep -c 'level=\(INFO\|DEBUG\)') that are none, $(journalctl -u lateral@a -o cat --no-pager | grep -c '^<[0-9]>') with a number"

# Killed, and stuck: systemd starts it again.
kill -9 "$pid"
again() { [ "$(prop a ActiveState)" = active ] && [ "$(prop a MainPID)" != "$pid" ]; }
wait_for 20 again
wait_for 20 lateral mesh --nodes 3
say killed, and back with "$(lateral get SessionCache k --service a)"
pid=$(prop a MainPID)
mkdir -p /run/systemd/system/lateral@a.service.d
printf '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=200ms\nRestartSec=100ms\n' >/run/systemd/system/lateral@a.service.d/test.conf
systemctl daemon-reload
systemctl restart lateral@a
wait_for 20 lateral mesh --nodes 3
pid=$(prop a MainPID)
seen=$(prop a WatchdogTimestampMonotonic)
fed() { [ "$(prop a WatchdogTimestampMonotonic)" -gt $((seen + 2500000)) ]; } # longer than the watchdog waits
wait_for 20 fed
[ "$(prop a MainPID)" = "$pid" ] && say watched, and left alone
kill -STOP "$pid"
wait_for 20 again
logged a 'Watchdog timeout' && say stuck, and started again

# Upgraded: what runs goes on, until it is restarted.
dpkg -i /run/lateral_1.1.0_amd64.deb >/run/dpkg
grep 'systemctl restart' /run/dpkg
wait_for 20 lateral mesh --nodes 3
say "upgraded $(lateral version | cut -d' ' -f2), runs $(lateral stats --json --service b | sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' | head -1)"
systemctl restart lateral@b
wait_for 20 lateral mesh --nodes 3
say "restarted $(lateral stats --json --service b | sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' | head -1)"

# Stopped, with a goodbye; removed.
systemctl stop lateral@b
say stopped "$(prop b Result) $(prop b ExecMainStatus)" and the other one "$(prop a ActiveState)", sockets "$(ls /run/lateral | tr '\n' ' ')"
grep -c 'discover: member left.*/b' /run/far.log >/dev/null && say goodbye
systemctl start lateral@b
printf 'jcs.region.R=NOTHERE\n' >>/etc/lateral/b/cache.ccf
systemctl restart lateral@b && say started with a broken file
say "broken: $(journalctl -u lateral@b -p err -o cat --no-pager | grep -c 'cache.ccf:.*NOTHERE.*do=')"
dpkg -r lateral
say removed, and "$(prop a ActiveState)", "$(ls /etc/lateral/a)" is kept
kill $far
wait $far
say end

# SPDX-License-Identifier: Apache-2.0
# Installs, upgrades and removes the .rpm with its scripts, above the machine's
# files. --nodeps: this machine's rpm does not know that it has a shell.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
say() { echo "## $*"; }
trap 'st=$?; [ $st = 0 ] || cat /run/rpm' EXIT
rpm="rpm --dbpath /run/rpmdb --nodeps"
$rpm -i /run/lateral-1.0.0-1.x86_64.rpm >/run/rpm 2>&1
say installed "$(lateral version)"
say user "$(getent passwd lateral | cut -d: -f1,6,7)"
say etc "$(stat -c '%a %U %G' /etc/lateral)"
say unit "$(stat -c '%a %U' '/usr/lib/systemd/system/lateral@.service')"
say page "$(zcat /usr/share/man/man1/lateral.1.gz | sed -n 's/^\.TH LATERAL 1 \(\S*\) .*/\1/p')"
say verified "$($rpm -V lateral | wc -l)" differences
mkdir /etc/lateral/web
echo jcs.default= >/etc/lateral/web/cache.ccf
$rpm -U /run/lateral-1.1.0-1.x86_64.rpm >/run/rpm 2>&1
say upgraded "$(lateral version)"
$rpm -e lateral >/run/rpm 2>&1
say removed "$(ls /usr/bin/lateral /usr/lib/systemd/system/lateral@.service /usr/share/bash-completion/completions/lateral 2>/dev/null | wc -l)" files left
say kept "$(ls /etc/lateral/web)"

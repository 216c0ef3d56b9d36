# SPDX-License-Identifier: Apache-2.0
# Runs with namespaces of its own, of control groups and processes too: boots
# the systemd of this machine as process 1, from the machine's files with a
# layer in memory above them and none of the machine's own services. It runs
# one service, the script, and ends with it.
# $1 scratch directory, $2 the script, the others packages, which it finds in
# /run. What the script prints is in $1/out/log; its exit status is that of all.
set -eu
ip link set lo up
layer=$1/layer root=$1/layer/root
mkdir "$1/out" "$layer"
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/up" "$layer/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/up,workdir=$layer/work" "$root"
# As systemd's documents ask of a container: /sys that can't be written (so there is no udev), a /dev and a cgroup of its own.
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys" # the kernel's settings are the machine's, except those of the network
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for d in null zero full random urandom tty; do
	touch "$root/dev/$d"
	mount --bind "/dev/$d" "$root/dev/$d"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
rm -rf "$root"/etc/systemd/system "$root"/etc/systemd/network "$root"/var/log/journal "$root"/etc/rc?.d
mkdir -p "$root/etc/systemd/system" "$root/etc/systemd/network" "$root/out"
mount --bind "$1/out" "$root/out"
: >"$root/etc/machine-id"
: >"$root/etc/fstab"
cat >"$root/etc/systemd/system/script.service" <<'END'
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
DefaultDependencies=no
Requires=sysinit.target dbus.socket
Wants=basic.target
After=basic.target
[Service]
Type=oneshot
Environment=LC_ALL=C
ExecStart=/bin/sh /run/inside.sh
StandardOutput=file:/out/log
StandardError=file:/out/log
TimeoutStartSec=110s
END
cp "$2" "$root/run/inside.sh"
shift 2
[ $# = 0 ] || cp "$@" "$root/run/"
cd "$root"
pivot_root . . # the machine's own files are out of reach, also for who enters a service's namespace
umount -l .
exec chroot . env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=script.service --log-target=journal --show-status=no

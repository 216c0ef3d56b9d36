# SPDX-License-Identifier: Apache-2.0
# Runs with namespaces of its own (mounts, network, processes): the machine's
# files with a layer in memory above them, into which packages go.
# $1 scratch directory, $2 the script that installs them, the others packages,
# which it finds in /run.
set -eu
ip link set lo up
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
root=$1/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
cp "$2" "$root/run/inside.sh"
shift 2
cp "$@" "$root/run/"
chroot "$root" sh /run/inside.sh

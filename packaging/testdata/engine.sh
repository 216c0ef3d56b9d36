# SPDX-License-Identifier: Apache-2.0
# Runs with namespaces of its own: starts Docker's engine, whose bridge and
# filters stay in them, and does with compose.yaml what its operators do.
# $1 scratch directory, $2 where packages were made.
set -eu
dir=$1 file=../contrib/container/compose.yaml
say() { echo "## $*"; }
wait_for() { timeout 60 sh -c 'until "$@" >/dev/null 2>&1; do sleep 0.1; done' wait "$@" || { echo "not so: $*"; return 1; }; }
ip link set lo up
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/init "$dir/data"
echo 0 >/sys/fs/cgroup/init/cgroup.procs
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs "$dir/data"
unset DOCKER_HOST DOCKER_CONTEXT
export DOCKER_CONFIG="$dir" DOCKER_BUILDKIT=1
engine() {
	dockerd --group root --storage-driver vfs --data-root "$dir/data" --exec-opt native.cgroupdriver=cgroupfs --oom-score-adjust 0 >>"$dir/dockerd.log" 2>&1 &
	dockerd=$!
	wait_for docker version
}
trap 'st=$?; [ $st = 0 ] || { tail -30 "$dir/dockerd.log"; docker ps -a; for s in lateral1 lateral2; do docker logs --tail 20 "$(id $s)"; done; } 2>&1' EXIT
engine
say engine "$(docker version -f '{{.Server.Version}}'), $(docker-compose version | head -1)"
docker build -q -f ../contrib/container/Containerfile -t lateral "$2"
CGO_ENABLED=0 go build -o "$dir/web" ./testdata/web
printf 'FROM scratch\nCOPY web /web\nENTRYPOINT ["/web"]\n' >"$dir/Containerfile"
docker build -q -f "$dir/Containerfile" -t web -t "$(sed -n 's/^  image: \(.*pause.*\)/\1/p' $file)" "$dir"

compose() { timeout 60 docker-compose -p lateral -f $file "$@"; }
id() { compose ps -qa "$1" 2>/dev/null || compose ps -q "$1"; } # docker-compose 1.29 lists what is stopped, too
until_is() { wait_for sh -c 'docker inspect -f "$2" "$1" | grep -qx "$3"' is "$(id "$1")" "$2" "$3"; }
lat() { docker exec "$(id "$1")" /usr/bin/lateral "$2" --wait 40s; }
ask() { docker exec "$(id "$1")" /web "$2" | tr -d '\r' | grep -v '^+OK\|^\$'; }
compose up -d
lat lateral1 ready
say "$(lat lateral1 mesh | tail -1)"
docker exec "$(id web1)" /web 'SET s anna EX 600' >/dev/null
say "the other has $(ask web2 'GET s')"
for n in 1 2; do until_is lateral$n '{{.State.Health.Status}}' healthy; done
say healthy

kill -9 "$(docker inspect -f '{{.State.Pid}}' "$(id lateral1)")"
until_is lateral1 '{{.RestartCount}} {{.State.Running}}' '1 true'
lat lateral1 ready
say "killed by the kernel, and back with $(ask web1 'GET s')"
docker kill "$(id lateral1)" >/dev/null
compose up -d
lat lateral1 ready
say "killed by hand, and up with $(ask web1 'GET s')"

fresh() { printf 'FROM %s\nLABEL build=%s\n' "$1" "$2" | docker build -q -t "$1" -; }
old=$(id web1)
fresh web 2
compose up -d
[ "$(id web1)" = "$old" ] || say "a new image of web, and there is $(ask web1 'GET s') and $(ask web2 'GET s')"
old=$(id lateral1)
fresh lateral 2
for n in 1 2; do
	compose up -d lateral$n
	lat lateral$n ready
done
[ "$(id lateral1)" = "$old" ] || say "a new image of Lateral, and there is $(ask web1 'GET s') and $(ask web2 'GET s')"
compose stop lateral2
say "stopped $(docker inspect -f '{{.State.ExitCode}}' "$(id lateral2)")"

kill $dockerd
wait $dockerd || true
engine
compose up -d # it may have started what is in a pod before the pod
for n in 1 2; do lat lateral$n ready; done
say "the engine again: $(lat lateral1 mesh | tail -1)"
compose down
kill $dockerd
wait $dockerd || true
say end

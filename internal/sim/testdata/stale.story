# What an invalidated region does while a peer's removals cannot arrive.
set regions Inv
set link-timeout 3s
set stale-max 2s
nodes 2
start 1
start 2
wait 2s
load 1 Inv k 0s 0s
	0
part 1 2
update 2 Inv k 0s 0s
	done
wait 3500ms
get 1 Inv k    # the link is down by now: old, but younger than StaleMax
	0
wait 2500ms
get 1 Inv k    # older than that
	nothing
load 1 Inv k 0s 0s
	1
heal
wait 8s
get 1 Inv k    # the removal has arrived
	nothing
load 1 Inv k 0s 0s
	1
get 1 Inv k
	1

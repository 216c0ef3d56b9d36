# A node says goodbye on a connection that delivers nothing any more: what it
# invalidated last does not arrive. Its peer never hears the goodbye, finds the
# link dead, serves what it has for StaleMax, and no longer.
set regions Inv
set link-timeout 3s
set stale-max 2s
nodes 2
start 1
start 2
wait 2s
load 1 Inv k 0s 0s
	0
block 2 1
update 2 Inv k 0s 0s
	done
stop 2
get 1 Inv k
	0
wait 2900ms
get 1 Inv k
	0
wait 2200ms
get 1 Inv k
	nothing
load 1 Inv k 0s 0s
	1
heal
# Until it is forgotten memory is bypassed; then nothing old is left.
wait 30s
show Inv
	h1:
load 1 Inv k 0s 0s
	1
show Inv
	h1: k=1

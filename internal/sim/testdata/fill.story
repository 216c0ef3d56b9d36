# A value is read from the source before a change and arrives after it. Who
# asked gets it; nobody keeps it.
set regions Inv
nodes 2
start 1
start 2
wait 2s
go load 1 Inv k 0s 100ms
wait 20ms
update 2 Inv k 0s 0s
	done
join
	load 1 Inv k 0s 100ms: 0
show Inv
	h1:
	h2:
load 1 Inv k 0s 0s
	1
show Inv
	h1: k=1
	h2:
# The same within one node.
go load 2 Inv k 0s 100ms
wait 20ms
update 2 Inv k 0s 0s
	done
join
	load 2 Inv k 0s 100ms: 1
show Inv
	h1:
	h2:

# Two Lateral nodes that do not hear each other's answer to the first question
# take each other for Java nodes, which say nothing. A third tells them of each
# other, and ends; then they forget each other. When they can hear each other
# they are linked, though nobody has anything new to tell.
set regions Rep
nodes 3
delay 1 2 100ms
delay 2 1 100ms
start 1
start 2
start 3
wait 300ms
part 1 2
wait 2s
stop 3
wait 120s
put 1 Rep a from-1
	done
put 2 Rep b from-2
	done
heal
equal Rep
	yes
show Rep
	h1: a=from-1 b=from-2
	h2: a=from-1 b=from-2

# Two halves of a cluster lose sight of each other. Both go on writing; when
# they see each other again the newer of every two writes is everywhere, and
# what one side removed does not come back from the other.
set regions Rep
nodes 3
start 1
start 2
start 3
wait 2s
put 1 Rep gone old
	done
put 1 Rep both old
	done
wait 100ms
show Rep
	h1: both=old gone=old
	h2: both=old gone=old
	h3: both=old gone=old

part 1 3
part 2 3
put 1 Rep both from-1
	done
wait 1s
put 3 Rep both from-3
	done
remove 2 Rep gone
	done
put 2 Rep left two
	done
wait 20s
show Rep
	h1: both=from-1 left=two
	h2: both=from-1 left=two
	h3: both=from-3 gone=old

# A prefix is removed on one side, and written to on the other, before and after.
put 3 Rep p:1 early
	done
wait 1s
remove 1 Rep p:
	done
wait 1s
put 3 Rep p:2 late
	done
heal
equal Rep
	yes
show Rep
	h1: both=from-3 left=two p:2=late
	h2: both=from-3 left=two p:2=late
	h3: both=from-3 left=two p:2=late

# A write that one peer has acknowledged survives the end of the node that took
# it; the node comes back with empty memory and is given everything.
set regions Ses
set acks 1
nodes 3
start 1
start 2
start 3
wait 2s
put 1 Ses anna cart
	done
put 1 Ses bert basket
	done
remove 1 Ses bert
	done
crash 1
get 2 Ses anna
	cart
get 3 Ses anna
	cart
get 2 Ses bert
	nothing
wait 3s
start 1
wait 2s
show Ses
	h1: anna=cart
	h2: anna=cart
	h3: anna=cart
# Alone, a node says that it cannot keep the promise.
crash 2
crash 3
put 1 Ses anna more
	not replicated: stored here, but of 1 peers wanted only 0 that hold region Ses are linked

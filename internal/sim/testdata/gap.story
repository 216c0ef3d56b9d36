# More is written during an outage than the log holds. Replicated regions are
# brought together by a sync, invalidated ones start empty.
set regions Rep,Inv
set log 64
nodes 2
start 1
start 2
wait 2s
put 1 Rep gone v
	done
put 2 Rep there v
	done
load 2 Inv x 0s 0s
	0
load 1 Inv y 0s 0s
	0
wait 100ms
part 1 2
remove 1 Rep gone
	done
put 1 Rep k1 v*30000
	done
put 1 Rep k2 v*30000
	done
put 1 Rep k3 v*30000
	done
put 1 Rep k4 v*30000
	done
wait 10s
put 2 Rep other side
	done
heal
equal Rep
	yes
show Rep
	h1: k1=v*30000 k2=v*30000 k3=v*30000 k4=v*30000 other=side there=v
	h2: k1=v*30000 k2=v*30000 k3=v*30000 k4=v*30000 other=side there=v
show Inv
	h1: y=0
	h2:

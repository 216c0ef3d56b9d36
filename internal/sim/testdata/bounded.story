# A bounded replicated region keeps the newest, on all nodes the same. A
# removal takes a place too: it must keep what it removed from coming back.
set regions Top
set bound 3
nodes 2
start 1
start 2
wait 2s
put 1 Top a 1
	done
put 2 Top b 2
	done
wait 10ms
put 1 Top c 3
	done
wait 10ms
show Top
	h1: a=1 b=2 c=3
	h2: a=1 b=2 c=3
remove 2 Top b
	done
wait 10ms
show Top
	h1: a=1 c=3
	h2: a=1 c=3
part 1 2
put 1 Top d 4
	done
wait 1s
put 2 Top e 5
	done
wait 1s
put 1 Top f 6
	done
show Top
	h1: d=4 f=6
	h2: c=3 e=5
wait 10s
heal
equal Top
	yes
show Top
	h1: d=4 e=5 f=6
	h2: d=4 e=5 f=6

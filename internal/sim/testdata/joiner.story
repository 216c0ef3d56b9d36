# A node joins while the others write. It gets what was there before it came,
# removals included, and every write that happened meanwhile.
set regions Rep
nodes 3
start 1
start 2
wait 2s
put 1 Rep a 1
	done
put 2 Rep b 2
	done
put 1 Rep p:x 3
	done
wait 10ms
remove 2 Rep p:
	done
remove 1 Rep b
	done
delay 1 3 40ms
delay 3 1 40ms
start 3
go put 1 Rep c 4
go put 2 Rep d 5
go remove 2 Rep a
join
	put 1 Rep c 4: done
	put 2 Rep d 5: done
	remove 2 Rep a: done
wait 50ms
put 1 Rep e 6
	done
put 3 Rep f 7
	done
equal Rep
	yes
show Rep
	h1: c=4 d=5 e=6 f=7
	h2: c=4 d=5 e=6 f=7
	h3: c=4 d=5 e=6 f=7

// SPDX-License-Identifier: Apache-2.0

// Command jcs compares Lateral with Apache JCS 1.3 and 3.2.1 in one run: two
// processes of each on loopback, the same cache.ccf but for class names, the
// same keys and values, in turn (JCS 1.3, JCS 3.2.1, Lateral, and again), so
// that whatever else the machine does falls on all three.
//
//	go run ./benchmarks/jcs              all of it, about ten minutes
//	go run ./benchmarks/jcs -json        the same as JSON
//	go run ./benchmarks/jcs throughput   one or more of throughput latency get recovery
//
//	go run ./benchmarks/jcs mixed        Lateral and Java in one cluster: 1.3, 2.2.1, 3.2.1 (or those named); throughput, latency, misses; a quarter of an hour
//
// It needs java, a compiler for it (JDK) and mvn, which fetches JCS as it is
// configured to. Four things are measured, each with a fresh pair of processes
// A and B that know each other by TcpServers, UDP discovery off; only A writes.
// Each pair is warmed up before what is timed.
//
//   - throughput: A puts; the rate at which its puts return, and the rate at
//     which B applied what arrived; how many updates never did, and how many
//     keys lack their last value at B in the end. B is given up on when nothing
//     has arrived for -quiet.
//   - latency: A puts at a steady rate. Seen twice: by a reader at B that asks
//     for the key every 50 µs (the same loop in all three; its resolution is
//     what the machine makes of a sleep of 50 µs, about 0.1 ms), and as the
//     system tells: in JCS, the moment the peer's memory stores it, by a hook
//     (java/src/jcs*/Counting.java); in Lateral, A's receipt of B's
//     acknowledgement, which is later by the way back: an upper bound.
//   - get: reads of random keys that are all there, by one and two threads.
//   - recovery: B is killed (kill -9), started anew on its port a second later;
//     how long after that start a put of A made since B was ready is seen at B.
//     A puts every 10 ms all the while. Given up after -giveup: "never".
//
// Mixed pairs are Java → Java, Java → Lateral and Lateral → Java of each
// generation, in turn: the rate at which a burst arrives, what each end spends
// of CPU on a message (of the whole process: compilers, collectors and what the
// writer does besides), and what a get costs its caller that the other node can't answer.
//
// JCS 3.2.1 is known to give up a write that takes more than SocketTimeOut
// (1 s) with half a message sent, to end its listener at half a length, and to
// "repair" a lost peer with the same dead socket. When updates are lost, the
// notes of a report quote what the JVMs logged; -keep keeps all of it.
//
// JCS 1.3 cannot bind its listener to an address: while it runs, its port is
// open on all interfaces of the machine.
package main

// SPDX-License-Identifier: Apache-2.0

// Package sim runs whole clusters of real nodes through seeded faults and
// judges what they did: the same root package, regions, log, mesh and
// discovery that ship, over an in-memory network, in virtual time.
//
// A Plan is what happens when: nodes that start, crash, come back as another
// incarnation or leave, ways between hosts that drop silently in one direction
// or in both, connections that break with bytes in flight, clocks that are off
// or jump, processes that read slowly, and in between the puts, removals,
// loads and updates of an application. Make draws one from a seed; a story
// (testdata/*.story) is one written by hand, in the same words. Run carries it
// out in a testing/synctest bubble and returns what was done and seen.
//
// # What is judged
//
// Of replicated regions, after everything is healed and a bounded time of
// quiet:
//
//   - Convergence: all live nodes have equal digests and equal contents, and
//     one connection joins every two of them.
//   - No loss, no resurrection: what is held under a key is the newest of the
//     writes that had to survive, or something newer. These are the writes of
//     nodes that live, those that a live node was seen to hold, and those that
//     K peers had acknowledged, if no more than K nodes ended since.
//   - At any time: a node never goes back. A value that a removal known to a
//     node covered does not reappear there, nor an older value in place of a
//     newer one.
//
// Of invalidated regions, whose values come from a source with versions:
//
//   - At any time: what is served is never older than a change whose
//     invalidation was issued longer ago than LinkTimeout and StaleMax (and
//     the way of the message); on the node that issued it, never older at all.
//   - After the quiet time: nothing stale is held. That is where a fill
//     without its ticket would be found.
//
// Of strict regions: what is served, and the changes at the source, are
// linearizable by key (porcupine), whatever happens to the network.
//
// Of sessions (Acks): as soon as a write returns, as many peers as asked for
// hold it, or something newer. A value is taken (Take) once at most. What one
// client is told who goes from node to node, while no more of them end than the
// acknowledgements allow for, is linearizable.
//
// # What a seed repeats
//
// The plan is a function of the seed alone. The order of goroutines, of select
// and of maps is the Go runtime's, which draws it at random. The seeded build
// (tag simseed, and an overlay of files of the runtime, see overlay_test.go)
// has it drawn from the seed as well, orders nothing by address, and lets nobody
// be preempted: with GOMAXPROCS=1, and no garbage collection during a run, a
// seed then repeats a run exactly, which TestSeedRepeats keeps. The tests that
// run many schedules build and use that binary. Without it a seed repeats the
// faults only.
//
// # Not imitated
//
// Disks, TLS, multicast (every node lists the others; discovery by datagrams
// has its own tests), bandwidth, and processes that stop without their host.
package sim

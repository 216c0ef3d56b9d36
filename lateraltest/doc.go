// SPDX-License-Identifier: Apache-2.0

// Package lateraltest is a cluster in memory, for tests of programs that embed
// a node: real nodes with all that they do, on a network that is a data
// structure. What takes minutes on a LAN – a partition, a killed service, the
// lifetime of a session – takes milliseconds, and nothing leaves the process.
//
// Use it in a bubble of testing/synctest, where time is virtual: it goes on
// when all goroutines wait, so time.Sleep(time.Hour) returns at once and
// a test means the same on a slow machine.
//
//	func TestLogin(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			c := lateraltest.New(t, 3)
//			…
//			c.Partition(0)
//			c.Heal()
//			c.AssertConverged()
//		})
//	}
//
// All goroutines must have ended when the bubble does: end what you have
// started, also handlers and clients; the nodes end by themselves. Real sockets
// and files must not be waited for in a bubble: hand requests to handlers with
// httptest.NewRecorder. Outside a bubble a cluster works just so, in real time.
//
// # What is real and what is not
//
// Nodes are those of lateral.Open, with discovery by multicast, links,
// heartbeats, syncs, acknowledgements and lifetimes. The network has delays and
// loses connections, but no bandwidth, and knows addresses only: TcpServers and
// DnsPeers by name find nobody. All nodes share one clock and one process, so
// a killed node's goroutines end in an orderly way, though nobody hears of it.
package lateraltest

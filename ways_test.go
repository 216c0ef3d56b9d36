// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/secret"
)

// A way is how the nodes of a cluster are told of each other.
type way struct {
	*cluster
	rnd     *rand.Rand
	lines   []string // of each node's file
	slow    bool     // packets take up to 80 ms
	named   bool     // TcpServers gives names
	listed  bool     // TcpServers gives anything
	adverts string   // AdvertiseHost: "", "name" or "address"
	sender  int      // has Receive=false, and is listed nowhere; 0: none
	at      map[int]netip.Addr
}

// newWay draws one by which everybody can be found.
func newWay(c *cluster, seed uint64, nodes int) *way {
	w := &way{cluster: c, rnd: rand.New(rand.NewPCG(seed, 7)), at: map[int]netip.Addr{}}
	c.net.Seed(seed)
	if w.rnd.IntN(3) == 0 {
		w.sender = nodes
	}
	var list []string
	w.slow, w.named = w.rnd.IntN(2) == 0, w.rnd.IntN(2) == 0
	for i := 1; i <= nodes; i++ {
		w.move(i, hostAddr(i))
		switch {
		case i == w.sender:
		case w.named:
			list = append(list, fmt.Sprintf("ox%d:57462", i))
		default:
			list = append(list, hostAddr(i).String()+":57462")
		}
	}
	switch w.rnd.IntN(4) {
	case 0: // discovery only
	case 1: // and a list
		w.listed, w.lines = true, append(w.lines, "TcpServers="+strings.Join(list, ","))
	case 2: // some are listed
		w.listed, w.lines = true, append(w.lines, "TcpServers="+strings.Join(list[:1+w.rnd.IntN(len(list))], ","))
	case 3: // no discovery
		w.listed, w.lines = true, append(w.lines, "TcpServers="+strings.Join(list, ","), "UdpDiscoveryEnabled=false")
	}
	if w.rnd.IntN(3) == 0 {
		w.lines = append(w.lines, "ClusterSecretFile="+secretFile(c.t, secret.New()))
	}
	w.adverts = []string{"", "", "name", "address"}[w.rnd.IntN(4)]
	return w
}

// move gives a node's name to an address.
func (w *way) move(i int, to netip.Addr) {
	w.at[i] = w.net.Host(to).Addr()
	w.net.Name(fmt.Sprint("ox", i), to)
	if !w.slow {
		return
	}
	for _, other := range w.at {
		d := time.Duration(w.rnd.IntN(80)) * time.Millisecond
		w.net.SetDelay(to, other, d)
		w.net.SetDelay(other, to, d)
	}
}

func (w *way) open(i int) {
	lines := slices.Clone(w.lines)
	if i == w.sender {
		lines = append(lines, "Receive=false")
	}
	switch w.adverts {
	case "name":
		lines = append(lines, fmt.Sprint("AdvertiseHost=ox", i))
	case "address":
		lines = append(lines, "AdvertiseHost="+w.at[i].String())
	}
	w.ownAt(i, w.at[i], lines...)
}

// restart ends a node, with a goodbye or without, and opens it again; where nobody has its
// address from a file, and it said goodbye, maybe at another one. Who has no address is not
// killed: nothing would tell that it is the one that was.
func (w *way) restart(i int) string {
	said := "killed"
	if w.rnd.IntN(2) == 0 && i != w.sender {
		w.kill(fmt.Sprint(i))
	} else {
		said = "stopped"
		w.stop(fmt.Sprint(i))
		if (w.named || !w.listed) && w.rnd.IntN(2) == 0 {
			w.move(i, hostAddr(10+10*w.rnd.IntN(2)+i))
			said += ", back at " + w.at[i].String()
		}
	}
	time.Sleep(time.Duration(w.rnd.IntN(4)) * 700 * time.Millisecond)
	w.open(i)
	return said
}

// TestEveryWay: however nodes are told of each other, in whatever order they start and
// come back, the mesh becomes complete and has no member too many.
func TestEveryWay(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(c *cluster) {
				nodes := 2 + int(seed%4)
				w := newWay(c, seed, nodes)
				t.Log(w.lines, w.adverts)
				for _, i := range w.rnd.Perm(nodes) {
					w.open(i + 1)
					time.Sleep(time.Duration(w.rnd.IntN(3)) * 400 * time.Millisecond)
				}
				w.settle(nodes)
				for range 3 {
					i := 1 + w.rnd.IntN(nodes)
					t.Log(i, w.restart(i))
					w.settle(nodes)
				}
			})
		})
	}
}

func (w *way) settle(nodes int) {
	w.t.Helper()
	w.within(8*time.Second, nodes)
	time.Sleep(time.Second)
	w.within(0, nodes)
	w.onePerPair(nodes * (nodes - 1) / 2)
}

// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// nextRow reads frames until one is a row.
func nextRow(t *testing.T, in *input) (f rowFrame, size int) {
	t.Helper()
	for {
		ft, p, err := readFrame(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ft == frameRow {
			if err := json.Unmarshal(p, &f); err != nil {
				t.Fatal(err)
			}
			return f, len(p)
		}
	}
}

// A peer of before version 5 is told all of each member, a later one its id and,
// if it asks, the rest.
func TestRowsByID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		old, in := greet(t, n, 3, a, func(h *hello) { h.Version = 4 })
		if f, _ := nextRow(t, in); !f.Whole || len(f.Up) != 2 || len(f.IDs) != 0 || f.Up[0].Addr == "" {
			t.Errorf("an old peer is told %+v", f)
		}
		late, in := greet(t, n, 4, a, func(h *hello) { h.Version = rowVersion })
		f, _ := nextRow(t, in)
		if ids := nodesOf(f.IDs); !f.Whole || len(f.Up) != 0 || len(ids) != 3 {
			t.Errorf("a late one is told %+v", f)
		}
		late.Write(appendJSON(nil, frameRow, rowFrame{Who: bytesOf([]cache.NodeID{2, 99, 2})}))
		for {
			if f, _ = nextRow(t, in); len(f.Up) > 0 {
				break
			}
		}
		if len(f.Up) != 1 || f.Up[0].ID != 2 || f.Up[0].Addr == "" || f.Up[0].Host != b.c.Host || f.Whole {
			t.Errorf("asked who 2 is it said %+v", f)
		}
		old.Close()
		late.Close()
		a.close()
		b.close()
	})
}

// Who is named by id and not known is asked of, once; who is known is not.
func TestAskedWho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		a.book.fixed = append(a.book.fixed, Peer{ID: 7, Addrs: []string{"10.0.0.7:1"}})
		a.book.Learn(Peer{ID: 7, Addrs: []string{"10.0.0.7:1"}})
		c, in := greet(t, n, 3, a, func(h *hello) { h.Version = rowVersion })
		nextRow(t, in)
		c.Write(appendJSON(nil, frameRow, rowFrame{Whole: true, IDs: bytesOf([]cache.NodeID{1, 2, 7, 8})}))
		for {
			f, _ := nextRow(t, in)
			if len(f.Who) == 0 {
				continue
			}
			if who := fmt.Sprint(nodesOf(f.Who)); who != fmt.Sprint([]cache.NodeID{8}) {
				t.Errorf("asked of %s", who)
			}
			break
		}
		c.Write(appendJSON(nil, frameRow, rowFrame{Up: []seen{{identity: identity{ID: 8, Host: "h8", Port: 5}, Addr: "10.0.0.8:5"}}}))
		synctest.Wait()
		if p, ok := a.book.Peer(8); !ok || p.Host != "h8" || fmt.Sprint(a.peer(103).matrixRow().Up) != "[0000000000000001 0000000000000002 0000000000000007 0000000000000008]" {
			t.Errorf("%+v, %+v", p, a.peer(103).matrixRow())
		}
		c.Close()
		a.close()
		b.close()
	})
}

// What a link is told is what has changed since, in whatever order that was.
func TestOwnRow(t *testing.T) {
	to := &link{conn: void{}, peerHello: hello{Version: rowVersion}}
	at := func(n int) (s seen) { s.ID = id(n); return s }
	up := map[cache.NodeID]seen{1: at(1), 2: at(2)}
	var r ownRow
	r.update(up, map[string]string{"x": "refused"})
	f, told, more := r.tell(0, to)
	if !f.Whole || len(nodesOf(f.IDs)) != 2 || f.Down["x"] != "refused" || more {
		t.Errorf("%+v", f)
	}
	if f, now, _ := r.tell(told, to); f != nil || now != told {
		t.Errorf("nothing has changed: %+v", f)
	}
	delete(up, 1)
	up[3] = at(3)
	r.update(up, nil)
	if f, told, _ = r.tell(told, to); f.Whole || fmt.Sprint(nodesOf(f.IDs), f.Gone) != fmt.Sprint([]cache.NodeID{3}, []id{1}) || f.Down["x"] != "" || len(f.Down) != 1 {
		t.Errorf("%+v", f)
	}
	for i := range 2 * maxGone { // each comes and goes
		r.update(map[cache.NodeID]seen{cache.NodeID(10 + i): at(10 + i)}, nil)
	}
	if f, _, _ = r.tell(told, to); !f.Whole || len(nodesOf(f.IDs)) != 1 || len(f.Gone) != 0 || len(r.up) > maxGone+1 {
		t.Errorf("after more than is listed: %+v, %d entries", f, len(r.up))
	}
}

// A link that a peer names and we do not have is asked about again.
func TestRelearn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a := newStation(t, n, 1, 1, func(c *Config) { c.LinkTimeout = time.Minute })
		a.run()
		c, in := greet(t, n, 3, a, func(h *hello) { h.Version = rowVersion })
		nextRow(t, in)
		c.Write(appendJSON(nil, frameRow, rowFrame{Whole: true, IDs: bytesOf([]cache.NodeID{8})}))
		for asked := 0; asked < 2; {
			if f, _ := nextRow(t, in); len(f.Who) > 0 {
				asked++
			}
		}
		c.Close()
		if since := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); since > 2*relearnEvery {
			t.Errorf("after %v", since)
		}
		a.close()
	})
}

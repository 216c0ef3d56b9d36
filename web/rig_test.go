// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lateral/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is as much of a node as a front needs: one region, and what was asked.
type node struct {
	mu    sync.Mutex
	held  map[string]cache.Element
	asked []cache.Command
	err   error // answers everything, if set
	count uint64
}

func newNode() *node { return &node{held: map[string]cache.Element{}} }

func (n *node) do(_ context.Context, c cache.Command) (cache.Reply, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, c)
	if n.err != nil {
		return cache.Reply{}, n.err
	}
	n.count++
	stamp := cache.Stamp{Time: 1_800_000_000_000<<16 | n.count, Node: 0xabc}
	e, found := n.held[c.Key]
	rep := cache.Reply{Found: found, Stamp: stamp}
	switch c.Op {
	case cache.Get:
		return cache.Reply{Found: found, Element: e}, nil
	case cache.Put, cache.Update, cache.PutIfAbsent:
		if c.Op == cache.PutIfAbsent && found {
			return rep, nil
		}
		a := c.Attr
		if a == nil {
			a = &cache.DefaultAttributes
		}
		n.held[c.Key] = cache.Element{Key: c.Key, Value: c.Value, Attr: a, Stamp: stamp, Accessed: 1_800_000_000_001}
	case cache.Remove:
		delete(n.held, c.Key)
	case cache.RemoveAll:
		rep.Count = len(n.held)
		clear(n.held)
	case cache.RemoveGroup:
		for k := range n.held {
			if g, _, ok := cache.SplitGroup(k); ok && g == c.Key {
				delete(n.held, k)
				rep.Count++
			}
		}
	case cache.RemoveTag:
		for k, e := range n.held {
			if e.Attr.Tagged(c.Key) {
				delete(n.held, k)
				rep.Count++
			}
		}
	case cache.GetMatching:
		re, err := regexp.Compile("^(?s:" + c.Pattern + ")$")
		if err != nil {
			return rep, err
		}
		for k, e := range n.held {
			if re.MatchString(cache.KeyText(k)) {
				rep.Elements = append(rep.Elements, e)
			}
		}
		return cache.Reply{Elements: rep.Elements}, nil
	case cache.Keys:
		re, err := regexp.Compile("^(?:" + c.Pattern + ")$")
		if err != nil {
			return rep, err
		}
		rep.Keys = slices.DeleteFunc(slices.Collect(maps.Keys(n.held)), func(k string) bool { return c.Pattern != "" && !re.MatchString(k) })
	}
	return rep, nil
}

func (n *node) last(t *testing.T) cache.Command {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.asked) == 0 {
		t.Fatal("the node was not asked")
	}
	return n.asked[len(n.asked)-1]
}

func (n *node) status() cache.Status {
	return cache.Status{Service: "groupware", Regions: []cache.RegionStatus{{Region: "User", Elements: len(n.held)}}}
}

// own are the attributes of the node's regions: values stay here.
var own = cache.Attributes{Spool: true, MaxLife: 300 * time.Second, MaxIdle: 180 * time.Second}

func (n *node) front() *Front {
	return &Front{Do: n.do, Status: n.status, Attributes: func(string) (cache.Attributes, error) { return own, nil },
		Verify: func(_ context.Context, region string, repair bool) (v cache.Verification, err error) {
			v.Verdict = cache.Different
			v.Regions = []cache.RegionVerdict{{Region: region, Repaired: repair, Total: 1, Differences: []cache.Difference{{KeyName: cache.NameKey("\xff"),
				Held: []cache.Holding{{Member: "m", Known: cache.Known{State: cache.KnownLive, Stamp: cache.StampAt(1, 2)}}}}}}}
			return v, n.err
		},
		AskJava: func(_ context.Context, c cache.Command) ([]cache.JavaHeld, error) {
			h := cache.JavaHeld{Addr: "10.0.0.1:1", Generation: "jcs-3", ID: "7"}
			if key := cache.GroupKey("g", c.Pattern); c.Op == cache.Keys {
				h.Keys = []string{key}
			} else {
				h.Elements = []cache.Element{{Key: key, Value: cache.Value{Bytes: "\xff", Form: cache.FormByteArray}, Attr: &own}}
			}
			return []cache.JavaHeld{{Err: "why"}, h}, n.err
		},
		Survey: func(context.Context) []cache.Survey { return []cache.Survey{surveyed} },
		Explain: func(_ context.Context, region, key string) (cache.Explanation, error) {
			return cache.Explanation{Region: region, Why: []string{key}}, n.err
		}}
}

// surveyed has everything that a survey may have.
var surveyed = cache.Survey{Cluster: "ox", Group: "224.0.0.1:6780", At: time.Unix(1, 0).UTC(), Members: []cache.Surveyed{{
	Party: cache.Party{Host: "h", Service: "s", Endpoint: "A", Addr: "10.0.0.1:1", PID: 7}, ID: "1", Receive: true, Asked: "link", Why: "w",
	Interfaces: []cache.SurveyedInterface{{Name: "eth0", Addr: "10.0.0.1", Reason: "r"}},
	Heard:      []cache.SurveyedPacket{{ID: "2", Interface: "eth0", From: "10.0.0.2", Packets: 3}},
	Reached:    []cache.SurveyedDial{{ID: "2", Addr: "10.0.0.2:1", Local: "10.0.0.1", Took: time.Second, How: cache.DialSilent, Why: "i/o timeout", Fits: 1400, Lost: 1420}},
	Linked:     []string{"2"}, Regions: map[string]string{"User": "invalidate"}, Skew: map[string]time.Duration{"2": -time.Second}}}}

// runtimeDir is a directory whose sockets have short enough paths.
func runtimeDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "run")
}

// serve runs the node's front as a service and returns a client of it.
func serve(t *testing.T, n *node) *Client {
	t.Helper()
	ln, err := Listen(runtimeDir(t), "groupware")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.front().Serve(ctx, ln, nil) }()
	path := ln.Addr().String()
	c := NewClient("groupware", path)
	t.Cleanup(func() {
		c.Close()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is left behind", path)
		}
	})
	return c
}

// awkward are texts that a path, a query or JSON could damage.
func awkward() []string {
	all := []string{"k", ".", "..", "../..", "a/b", "/a", "a/", "a//b", "%2F", "%", "a b+c", "?x=1&group=g#f", "ü€𝄞", "\xff\xfe", "\x00", "\x00gfake",
		"\x00f\x06", `"\`, "\r\nLateral-Element: x", "key:with:colons", ";", "a;b=c", strings.Repeat("k", 1000), "<&>"}
	for i := range 256 {
		all = append(all, fmt.Sprintf("x%cy", rune(i)), string([]byte{'x', byte(i)}))
	}
	return slices.DeleteFunc(all, func(s string) bool { return strings.HasSuffix(s, ":") })
}

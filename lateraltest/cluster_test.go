// SPDX-License-Identifier: Apache-2.0

package lateraltest_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/lateraltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestExamples(t *testing.T) {
	t.Run("session", sessionOutlivesItsNode)
	t.Run("partition", bothSidesWrite)
}

// A partition is seen, and so is one way of it; Heal ends both.
func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lateraltest.New(t, 4)
		for _, fault := range []func(){
			func() { c.Partition(0, 1) },
			func() { c.Block(3, 0) },
		} {
			fault()
			time.Sleep(10 * time.Second)
			if c.Node(0).Mesh().Complete || c.Node(3).Mesh().Complete {
				t.Error("nobody misses a link")
			}
			c.Heal()
			c.WaitComplete()
		}
		c.Cut(0, 1)
		c.AssertConverged()
	})
}

// Delay is how long a write takes to the other node.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lateraltest.New(t, 2)
		a, b := lateraltest.In(c, 0, "R", lateral.Text), lateraltest.In(c, 1, "R", lateral.Text)
		c.Delay(0, 1, 300*time.Millisecond)
		if err := a.Put(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(250 * time.Millisecond)
		if _, ok, _ := b.Get(t.Context(), "k"); ok {
			t.Error("it is there before its time")
		}
		time.Sleep(100 * time.Millisecond)
		if _, ok, _ := b.Get(t.Context(), "k"); !ok {
			t.Error("it is not there in time")
		}
	})
}

// What a killed node had not sent is lost; what a stopped one had, is not.
func TestKillAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lateraltest.New(t, 3)
		c.Delay(0, 1, 50*time.Millisecond)
		c.Delay(0, 2, 50*time.Millisecond)
		write := func(i int, key string) {
			if err := lateraltest.In(c, i, "R", lateral.Text).Put(t.Context(), key, "v"); err != nil {
				t.Fatal(err)
			}
		}
		write(0, "lost")
		c.Kill(0)
		c.Restart(0)
		c.AssertConverged()
		write(0, "kept")
		if err := c.Stop(0); err != nil {
			t.Fatal(err)
		}
		c.AssertConverged()
		for key, want := range map[string]bool{"lost": false, "kept": true} {
			if _, ok, _ := lateraltest.In(c, 1, "R", lateral.Text).Get(t.Context(), key); ok != want {
				t.Errorf("%s: %v", key, ok)
			}
		}
	})
}

// A program's own files serve as they are.
func TestFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.ReplaceAll(lateraltest.Default, "Sessions", "Mine")
		c := lateraltest.New(t, 2, ccf.Source{Name: "cache.ccf", Data: []byte(text)})
		for _, r := range c.Node(1).Status().Regions {
			if r.Region == "Sessions" {
				t.Error("the default file is read, too")
			}
		}
		if c.Len() != 2 {
			t.Error(c.Len())
		}
	})
}

// a recorder is a test that is expected to fail.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper()           {}
func (r *recorder) Output() io.Writer { return io.Discard }
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	panic(r)
}

func fails(r *recorder, f func()) (why string) {
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		why = r.failed
	}()
	r.failed = ""
	f()
	return ""
}

// AssertConverged compares what the nodes hold: it waits for a difference that
// no write is on its way to close, until the nodes have found it by themselves,
// also of a region that they have only just named.
func TestReplicasAreCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lateraltest.New(t, 2)
		has := func(i int, region, key string) bool { // in memory: a miss would ask the other
			st, err := c.Node(i).Store(region)
			if err != nil {
				t.Fatal(err)
			}
			_, ok := st.Get(st.Now(), key)
			return ok
		}
		// What a third node, which is gone, had told node 0 alone.
		odd := func(region, key string) {
			_, err := c.Node(0).Do(t.Context(), cache.Command{Op: cache.Put, Origin: cache.FromSync, Region: region, Key: key,
				Value: cache.Value{Bytes: "x"}, Stamp: cache.Stamp{Time: uint64(time.Now().UnixMilli()) << 16, Node: 99}})
			if err != nil {
				t.Error(err)
			}
		}
		for _, region := range []string{"Sessions", "New"} {
			lateraltest.In(c, 1, region, lateral.Text)
			odd(region, "once")
			if !has(0, region, "once") || has(1, region, "once") {
				t.Fatal("the nodes do not differ")
			}
			c.AssertConverged()
			if !has(0, region, "once") || !has(1, region, "once") {
				t.Errorf("%s: it was content with nodes that differ", region)
			}
		}
	})
}

// What is not converged is said, with the key; so is what cannot be asked for.
func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		c := lateraltest.New(r, 2)
		for _, i := range []int{0, 1} {
			lateraltest.In(c, i, "R", lateral.Text)
		}
		_, err := c.Node(0).Do(t.Context(), cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Region: "R", Key: "odd", Value: cache.Value{Bytes: "x"}})
		if err != nil {
			t.Fatal(err)
		}
		c.Partition(0)
		time.Sleep(10 * time.Second)
		for want, f := range map[string]func(){
			"the mesh is not complete": c.AssertConverged,
			"node 2 of 2":              func() { c.Kill(2) },
			"0 nodes":                  func() { lateraltest.New(r, 0) },
		} {
			if why := fails(r, f); !strings.Contains(why, want) {
				t.Errorf("%q, want %q", why, want)
			}
		}
		c.Kill(1)
		if why := fails(r, func() { c.Node(1) }); !strings.Contains(why, "Restart(1)") {
			t.Error(why)
		}
	})
}

// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
)

func (c *cluster) in(name, region string) *lateral.Region[string] {
	c.t.Helper()
	r, err := lateral.In(c.nodes[name], region, lateral.Text)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// A database is a source that counts its readers.
type database struct {
	value atomic.Int64
	slow  time.Duration // between the read and its answer
	loads atomic.Int64
}

func (d *database) load(ctx context.Context) (string, error) {
	v := d.value.Load()
	d.loads.Add(1)
	time.Sleep(d.slow)
	return fmt.Sprint(v), ctx.Err()
}

func (d *database) commit(context.Context) error { d.value.Add(1); return nil }

func (c *cluster) load(name, region, key string, d *database, want string) {
	c.t.Helper()
	if got, err := c.in(name, region).GetOrLoad(c.t.Context(), key, d.load); got != want || err != nil {
		c.t.Errorf("%s gets %q, %v, want %q", name, got, err, want)
	}
}

// One loader per key, whoever asks in whatever mode, and none for what is held.
func TestOneLoader(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		for _, region := range []string{"Inv", "Rep", "Loc"} {
			d := &database{slow: time.Second}
			began := time.Now()
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() { c.load("1", region, fmt.Sprint("k", i%2), d, "0") })
			}
			wg.Wait()
			c.load("1", region, "k0", d, "0")
			if took := time.Since(began); d.loads.Load() != 2 || took != time.Second {
				t.Errorf("%s: %d loads in %v", region, d.loads.Load(), took)
			}
			if st := c.region("1", region).Stats; st.Fills != 2 || st.RejectedFills != 0 || st.Puts != 0 || st.Hits != 1 || st.Misses != 50 {
				t.Errorf("%s: %+v", region, st)
			}
		}
		if next := c.nodes["1"].Status().Endpoints[0].Log.Next; next != 1 {
			t.Errorf("%d fills were logged for peers", next-1)
		}
	})
}

// numbers is a codec of a type that is held as it is.
type numbers struct{}

func (numbers) Append(b []byte, v int) ([]byte, error) {
	if v < 0 {
		return nil, errors.New("negative")
	}
	return strconv.AppendInt(b, int64(v), 10), nil
}
func (numbers) Decode(s string) (int, error) { return strconv.Atoi(s) }

func TestLoadErrors(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		ctx := c.t.Context()
		r, err := lateral.In[int](c.nodes["1"], "Loc", numbers{})
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("broken")
		for _, x := range []struct {
			key  string
			v    int
			err  error
			want string
		}{{"k", 1, broken, "broken"}, {"k", -1, nil, "encode: negative"}, {"p:", 1, nil, "prefix"}, {"k", 1, nil, ""}, {"k", 2, nil, ""}} {
			v, err := r.GetOrLoad(ctx, x.key, func(context.Context) (int, error) { return x.v, x.err })
			if x.want == "" && (v != 1 || err != nil) || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) || x.err != nil && !errors.Is(err, x.err) {
				t.Errorf("%+v: %d, %v", x, v, err)
			}
		}
		// The bytes of another codec's value, asked for by two at once.
		c.in("1", "Loc").Put(ctx, "text", "seven")
		if _, err := r.GetOrLoad(ctx, "text", func(context.Context) (int, error) { return 7, nil }); err == nil {
			t.Error("decoded")
		}
		c.stop("1")
		if _, err := r.GetOrLoad(ctx, "other", func(context.Context) (int, error) { return 7, nil }); !errors.Is(err, cache.ErrClosed) {
			t.Error(err)
		}
	})
}

// Who has no more time leaves; the load goes on for the others, and is
// cancelled when nobody waits. It sees the values of the first one's context.
func TestImpatient(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		r := c.in("1", "Inv")
		type name struct{}
		var ended, loads int
		load := func(ctx context.Context) (string, error) {
			loads++
			who, _ := ctx.Value(name{}).(string)
			select {
			case <-time.After(3 * time.Second):
				return "for " + who, nil
			case <-ctx.Done():
				ended++
				return "", ctx.Err()
			}
		}
		first, cancel := context.WithTimeout(context.WithValue(c.t.Context(), name{}, "the first"), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.GetOrLoad(first, "k", load); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
		synctest.Wait()
		began := time.Now()
		wg.Go(func() {
			if v, err := r.GetOrLoad(c.t.Context(), "k", load); v != "for the first" || err != nil || time.Since(began) != 3*time.Second {
				t.Errorf("%q, %v after %v", v, err, time.Since(began))
			}
		})
		wg.Wait()
		if loads != 1 || ended != 0 {
			t.Errorf("%d loads, %d cancelled", loads, ended)
		}
		if _, err := r.GetOrLoad(first, "other", load); !errors.Is(err, context.DeadlineExceeded) || loads != 1 {
			t.Errorf("%v, %d loads", err, loads)
		}
		second, cancel := context.WithTimeout(c.t.Context(), time.Second)
		defer cancel()
		for range 2 {
			wg.Go(func() { r.GetOrLoad(second, "other", load) })
		}
		wg.Wait()
		synctest.Wait()
		if loads != 2 || ended != 1 {
			t.Errorf("%d loads, %d cancelled", loads, ended)
		}
		if v, err := r.GetOrLoad(c.t.Context(), "other", load); v != "for " || err != nil {
			t.Errorf("%q, %v", v, err)
		}
	})
}

// Close lets nobody wait for a load and cancels it.
func TestCloseEndsLoads(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		r := c.in("1", "Inv")
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := r.GetOrLoad(c.t.Context(), "k", func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() })
			if !errors.Is(err, cache.ErrClosed) {
				t.Error(err)
			}
		})
		synctest.Wait()
		c.stop("1")
		wg.Wait()
	})
}

// A loader that panics, or ends its goroutine, strands nobody.
func TestPanickingLoader(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		r := c.in("1", "Inv")
		for _, how := range []func(){func() { panic("oops") }, runtime.Goexit} {
			var panics, errs atomic.Int64
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					defer func() {
						if p := recover(); p != nil {
							panics.Add(1)
							if e, ok := p.(*lateral.PanicError); !ok || e.Value != "oops" || !strings.Contains(e.Error(), "load_test.go") {
								t.Errorf("%v", p)
							}
						}
					}()
					_, err := r.GetOrLoad(c.t.Context(), "k", func(context.Context) (string, error) {
						time.Sleep(time.Second)
						how()
						return "v", nil
					})
					var p *lateral.PanicError
					if errors.As(err, &p) && p.Error() != "" {
						errs.Add(1)
					}
				})
				synctest.Wait()
			}
			wg.Wait()
			if p, e := panics.Load(), errs.Load(); p+e != 3 || p > 1 {
				t.Errorf("%d panic, %d are told", p, e)
			}
		}
		if v, err := r.GetOrLoad(c.t.Context(), "k", func(context.Context) (string, error) { return "v", nil }); v != "v" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
	})
}

// The stale fill across nodes: one loads while another changes the source. What
// was read before the change is returned to who asked before it, and kept
// nowhere; who asks after its arrival gets what was read after it.
func TestStaleFillAcrossNodes(t *testing.T) {
	for _, region := range []string{"Inv", "Rep"} {
		inBubble(t, func(c *cluster) {
			c.own(1)
			c.own(2)
			c.within(time.Second, 2)
			const trip = 10 * time.Millisecond
			c.net.SetDelay(hostAddr(2), hostAddr(1), trip)
			d := &database{slow: time.Second}
			var wg sync.WaitGroup
			wg.Go(func() { c.load("1", region, "k", d, "0") })
			synctest.Wait()
			if err := c.in("2", region).Update(c.t.Context(), "k", d.commit); err != nil {
				t.Fatal(err)
			}
			time.Sleep(trip / 2)
			wg.Go(func() { c.load("1", region, "k", d, "0") }) // it cannot know
			time.Sleep(trip)
			wg.Go(func() { c.load("1", region, "k", d, "1") })
			synctest.Wait()
			if n := d.loads.Load(); n != 2 {
				t.Errorf("%d loads", n)
			}
			wg.Wait()
			c.load("1", region, "k", d, "1")
			if st := c.region("1", region).Stats; d.loads.Load() != 2 || st.RejectedFills != 1 || st.Fills != 1 {
				t.Errorf("%d loads, %+v", d.loads.Load(), st)
			}
			// Without a ticket, put after the load as applications do, it stays.
			v, _ := d.load(c.t.Context())
			c.in("2", region).Update(c.t.Context(), "k", d.commit)
			time.Sleep(trip + time.Millisecond)
			c.local("1", region, "k", v)
			c.load("1", region, "k", d, "1")
			if d.value.Load() != 2 {
				t.Error("the race is not there")
			}
		})
	}
}

// Update commits first and invalidates after. An error that says that nothing
// was changed invalidates nothing; one that leaves it open does.
func TestUpdate(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1, attribute("Rep", "Acks=1"))
		c.own(2)
		c.within(time.Second, 2)
		r := c.in("1", "Inv")
		for _, x := range []struct {
			err  error
			gone bool
		}{
			{nil, true},
			{errors.New("duplicate key"), false},
			{fmt.Errorf("commit: %w", lateral.ErrOutcomeUnknown), true},
			{fmt.Errorf("commit: %w", context.DeadlineExceeded), true},
			{fmt.Errorf("commit: %w", context.Canceled), true},
			{fmt.Errorf("commit: %w", &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}), true},
			{fmt.Errorf("commit: %w", io.ErrUnexpectedEOF), true},
			{io.EOF, true},
			{cache.ErrKey, false},
		} {
			for _, name := range []string{"1", "2"} {
				c.local(name, "Inv", "k", "old")
			}
			ctx, cancel := context.WithCancel(c.t.Context())
			err := r.Update(ctx, "k", func(context.Context) error {
				c.expect("1", "Inv", "k", "old") // not before
				cancel()                         // which comes too late
				return x.err
			})
			if !errors.Is(err, x.err) {
				t.Errorf("%v becomes %v", x.err, err)
			}
			time.Sleep(10 * time.Millisecond)
			want := map[bool]string{false: "old"}[x.gone]
			c.expect("1", "Inv", "k", want)
			c.expect("2", "Inv", "k", want)
		}
		// The acknowledgements that a region wants are waited for all the same.
		ctx, cancel := context.WithCancel(c.t.Context())
		c.net.SetDelay(hostAddr(1), hostAddr(2), 20*time.Millisecond)
		if err := c.in("1", "Rep").Update(ctx, "k", func(context.Context) error { cancel(); return nil }); err != nil {
			t.Error(err)
		}
		// A panic passes through, and leaves nothing that may be old.
		c.local("2", "Inv", "k", "old")
		func() {
			defer func() {
				if recover() != "oops" {
					t.Error("no panic")
				}
			}()
			r.Update(c.t.Context(), "k", func(context.Context) error { panic("oops") })
		}()
		// A prefix stands for all its keys.
		c.net.SetDelay(hostAddr(1), hostAddr(2), 0)
		c.local("2", "Inv", "p:1", "old")
		if err := r.Update(c.t.Context(), "p:", func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Millisecond)
		c.expect("2", "Inv", "k", "")
		c.expect("2", "Inv", "p:1", "")
		// What could not be invalidated is not committed.
		for _, key := range []string{"", strings.Repeat("x", cache.MaxKey+1)} {
			if err := r.Update(c.t.Context(), key, func(context.Context) error { t.Error("committed"); return nil }); err == nil {
				t.Errorf("%.10q: no error", key)
			}
		}
		n := c.nodes["1"]
		err := r.Update(c.t.Context(), "k", func(context.Context) error { return n.Close() })
		delete(c.nodes, "1")
		if !errors.Is(err, cache.ErrClosed) || !strings.Contains(err.Error(), "was changed") {
			t.Errorf("%v", err)
		}
		if err := r.Update(c.t.Context(), "k", func(context.Context) error { t.Error("committed"); return nil }); !errors.Is(err, cache.ErrClosed) {
			t.Error(err)
		}
	})
}

// A lagging replica of the source cannot bring back what a version has
// invalidated, on any node, though it is asked afterwards.
func TestVersionsAcrossNodes(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		ctx := c.t.Context()
		load := func(name string, version uint64, want string) {
			t.Helper()
			v, err := c.in(name, "Inv").GetOrLoadVersion(ctx, "k", func(context.Context) (string, uint64, error) { return fmt.Sprint(version), version, nil })
			if v != want || err != nil {
				t.Errorf("%s: %q, %v, want %q", name, v, err, want)
			}
		}
		load("2", 6, "6")
		if err := c.in("1", "Inv").UpdateVersion(ctx, "k", func(context.Context) (uint64, error) { return 7, nil }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		for _, name := range []string{"1", "2"} {
			load(name, 6, "6") // old, but all there is
			load(name, 7, "7") // so it was not kept
			load(name, 8, "7")
		}
		if err := c.in("2", "Inv").RemoveVersion(ctx, "k", 9); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		load("1", 8, "8")
		load("1", 9, "9")
		if err := c.in("2", "Inv").RemoveVersion(ctx, "p:", 9); !errors.Is(err, cache.ErrKey) {
			t.Error(err)
		}
		// After an outcome that is unknown there is no version to go by.
		c.in("1", "Inv").UpdateVersion(ctx, "k", func(context.Context) (uint64, error) { return 99, io.EOF })
		load("1", 9, "9")
		load("1", 10, "9")
	})
}

// What a peer answers is kept only where no removal can have overtaken it.
func TestAnswerOfPeerThatIsBehind(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i, "AllowGet=true", "PutOnlyMode=false")
		}
		c.within(time.Second, 3)
		c.net.SetDelay(hostAddr(3), hostAddr(2), time.Second)
		c.local("2", "Inv", "k", "old")
		c.remove("3", "Inv", "k")
		time.Sleep(10 * time.Millisecond) // it is at 1 and not yet at 2
		c.expect("1", "Inv", "k", "old")
		time.Sleep(time.Second)
		c.expect("2", "Inv", "k", "")
		c.expect("1", "Inv", "k", "")
		if st := c.region("1", "Inv").Stats; st.RejectedFills != 1 || st.AuxHits != 1 {
			t.Errorf("%+v", st)
		}
		// A value from a peer spares the load.
		c.local("2", "Inv", "there", "v")
		d := &database{}
		c.load("1", "Inv", "there", d, "v")
		c.load("1", "Inv", "nowhere", d, "0")
		if d.loads.Load() != 1 {
			t.Errorf("%d loads", d.loads.Load())
		}
	})
}

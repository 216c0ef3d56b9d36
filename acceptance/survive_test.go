// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
	"lateral/web"
)

// client asks the groupware of a host over its socket.
func (s *site) client(h *lab.Host) *web.Client {
	c := web.NewClient("groupware", filepath.Join(s.runtimeDir(h), "groupware.sock"))
	s.t.Cleanup(c.Close)
	return c
}

// TestAckedSessionsSurvive kills two of four services at once, with signal 9
// and under load: with Acks=2 the two that are left have every session that
// was acknowledged before, as new as that or newer.
func TestAckedSessionsSurvive(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 4})
	s.edit = func(_, text string) string {
		return text + "\njcs.region.SessionCache.cacheattributes.Acks=2\njcs.region.SessionCache.cacheattributes.AckTimeout=5s\n"
	}
	var procs []*lab.Proc
	for _, h := range s.Hosts {
		procs = append(procs, s.run(h, "groupware"))
	}
	s.complete(4, 12)

	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	acked, begun := map[string]int{}, map[string]int{}
	var writers sync.WaitGroup
	for i := range 12 {
		c, key := s.client(s.Hosts[i%4]), fmt.Sprint("s", i)
		writers.Go(func() {
			for n := 1; ctx.Err() == nil; n++ {
				mu.Lock()
				begun[key] = n
				mu.Unlock()
				_, err := c.Do(ctx, cache.Command{Op: cache.Put, Region: "SessionCache", Key: key, Value: cache.Value{Bytes: fmt.Sprint(n)}})
				if err != nil {
					return // killed, or too few are left
				}
				mu.Lock()
				acked[key] = n
				mu.Unlock()
			}
		})
	}
	time.Sleep(time.Second) // of load
	mu.Lock()
	before := map[string]int{}
	for key, n := range acked {
		before[key] = n
	}
	for _, p := range procs[:2] {
		p.Signal(syscall.SIGKILL)
	}
	mu.Unlock()
	stop()
	writers.Wait()
	if len(before) < 12 {
		t.Fatalf("%d of 12 writers were acknowledged anything", len(before))
	}
	writes := 0
	for _, h := range s.Hosts[2:] {
		c := s.client(h)
		lab.Eventually(t, 5*time.Second, func() error {
			writes = 0
			for key, n := range before {
				rep, err := c.Do(t.Context(), cache.Command{Op: cache.Get, Region: "SessionCache", Key: key})
				if err != nil {
					return err
				}
				if has, _ := strconv.Atoi(rep.Element.Value.Bytes); !rep.Found || has < n || has > begun[key] {
					return fmt.Errorf("%s has %q as %s, of which %d was acknowledged and %d begun", h.Name, rep.Element.Value.Bytes, key, n, begun[key])
				}
				writes += n
			}
			return nil
		})
	}
	t.Logf("%d acknowledged writes of %d sessions", writes, len(before))
}

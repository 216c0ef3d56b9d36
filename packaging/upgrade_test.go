// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
	"lateral/web"
)

// A station is a host with one service, whose program is replaced.
type station struct {
	t      *testing.T
	host   *lab.Host
	proc   *lab.Proc
	client *web.Client

	mu    sync.Mutex // guards acked
	acked []string   // keys of puts that were acknowledged
}

// run starts the service with a program and waits until it is ready.
func (s *station) run(program string) {
	s.t.Helper()
	s.proc = s.host.Start(program, "run", "--service", "web", "--host", s.host.Name, "--config", filepath.Join(s.host.Dir, "cache.ccf"), "--runtime-dir", filepath.Join(s.host.Dir, "run"))
	s.proc.WaitLine("msg=started", time.Minute)
	lab.Eventually(s.t, time.Minute, func() error {
		r, err := s.client.Ready(s.t.Context())
		if err == nil && !r.Ready {
			err = fmt.Errorf("not ready: %v", r.Reasons)
		}
		return err
	})
}

// write puts sessions one after the other until ctx ends, through all restarts.
func (s *station) write(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		key := fmt.Sprintf("%s.%d", s.host.Name, i)
		_, err := s.client.Do(ctx, cache.Command{Op: cache.Put, Region: "SessionCache", Key: cache.PlainKey(key), Value: cache.Value{Bytes: key}, Acks: 1})
		if err != nil {
			select { // stopped, or alone for the moment: nothing was promised
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
			continue
		}
		s.mu.Lock()
		s.acked = append(s.acked, key)
		s.mu.Unlock()
	}
}

func (s *station) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// TestRollingUpgrade: of two hosts that are written to, one after the other
// gets the next version. What was acknowledged is on both in the end.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		lab.Missing(t, "root", "needs root")
	}
	l := lab.New(t, lab.Options{})
	old, next := versions(t)
	old, next = filepath.Join(old, "lateral-linux-amd64"), filepath.Join(next, "lateral-linux-amd64")
	ccf, err := os.ReadFile("../contrib/container/cache.ccf")
	if err != nil {
		t.Fatal(err)
	}
	const multicast = "jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1\njcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=6780\njcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=true\njcs.auxiliary.LTCP.attributes.DnsPeers=\n"
	var all []*station
	for _, h := range l.Hosts {
		if err := os.WriteFile(filepath.Join(h.Dir, "cache.ccf"), append(ccf, multicast...), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &station{t: t, host: h, client: web.NewClient("web", filepath.Join(h.Dir, "run", "web.sock"))}
		t.Cleanup(s.client.Close)
		s.run(old)
		all = append(all, s)
	}
	complete := func() {
		t.Helper()
		for _, s := range all {
			s.host.Run(next, "mesh", "--wait", "60s", "--nodes", "2", "--runtime-dir", filepath.Join(s.host.Dir, "run"))
		}
	}
	complete()
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for _, s := range all {
		writers.Go(func() { s.write(ctx) })
	}
	more := func(n int) {
		t.Helper()
		for _, s := range all {
			before := s.count()
			lab.Eventually(t, time.Minute, func() error {
				if s.count() < before+n {
					return errors.New(s.host.Name + " writes no more")
				}
				return nil
			})
		}
	}
	more(50)
	for _, s := range all {
		s.proc.Signal(syscall.SIGTERM)
		if err := s.proc.Wait(time.Minute); err != nil {
			t.Errorf("%s: the old one ended: %v", s.host.Name, err)
		}
		s.run(next)
		complete()
		more(50)
	}
	stop()
	writers.Wait()
	for _, s := range all {
		if st, err := s.client.Status(t.Context()); err != nil || st.Version != "1.1.0" {
			t.Errorf("%s runs %s, %v", s.host.Name, st.Version, err)
		}
		for _, w := range all {
			lost := 0
			for _, key := range w.acked {
				rep, err := s.client.Do(t.Context(), cache.Command{Op: cache.Get, Region: "SessionCache", Key: cache.PlainKey(key), Origin: cache.LocalOnly})
				if err != nil || !rep.Found || rep.Element.Value.Bytes != key {
					lost++
				}
			}
			if lost > 0 {
				t.Errorf("%s lost %d of %d that %s had acknowledged", s.host.Name, lost, len(w.acked), w.host.Name)
			}
			t.Logf("%s holds %d of %s", s.host.Name, len(w.acked)-lost, w.host.Name)
		}
	}
}

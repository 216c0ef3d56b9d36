// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
	"lateral/secret"
)

// TestRollingSecret replaces the secret of a cluster that is being written to,
// host by host: no link is touched before the last step, there each is dialled
// once, nothing is lost, and at the end the old secret opens nothing.
func TestRollingSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Hosts: 3})
	s.withSecret()
	old, next := secret.New(), secret.New()
	var procs []*lab.Proc
	for _, h := range s.Hosts {
		s.give(h, old)
		procs = append(procs, s.run(h, "groupware"))
	}
	s.whole(3, s.Hosts...)
	stop := s.write(s.Hosts[0])
	for i, step := range [][]secret.Secret{{old, next}, {next, old}, {next}} {
		for j, h := range s.Hosts {
			was := count(procs[j], "the cluster secrets have changed")
			s.give(h, step...)
			lab.Eventually(t, 10*time.Second, func() error {
				if count(procs[j], "the cluster secrets have changed") == was {
					return errors.New("the file is not read again")
				}
				return nil
			})
			s.whole(3, s.Hosts...)
			for k, p := range procs {
				if i < 2 && count(p, "link down") > 0 {
					t.Fatalf("step %d at %s: host %d lost a link", i+1, h.Name, k+1)
				}
			}
		}
	}
	newest := stop()
	for k, p := range procs {
		var gaps []time.Duration
		lab.Eventually(t, 10*time.Second, func() (err error) { // a link that is up may have been said on one side only
			gaps, err = outages(p)
			return err
		})
		if len(gaps) > 2*2*2 { // two endpoints, two peers, and each of the two may be the first to close
			t.Errorf("host %d lost %d links in the last step", k+1, len(gaps))
		}
		t.Logf("host %d was without a link for %v", k+1, gaps)
	}
	for _, h := range s.Hosts {
		c := s.client(h)
		lab.Eventually(t, 10*time.Second, func() error {
			for k, want := range newest {
				rep, err := c.Do(t.Context(), cache.Command{Op: cache.Get, Region: "SessionCache", Key: k, Origin: cache.LocalOnly})
				if err != nil || rep.Element.Value.Bytes != want {
					return fmt.Errorf("%s has %q of %s, and %q was written last: %v", h.Name, rep.Element.Value.Bytes, k, want, err)
				}
			}
			return nil
		})
	}
	procs[0].Kill()
	s.give(s.Hosts[0], old)
	s.run(s.Hosts[0], "groupware").WaitLine("msg=started", 10*time.Second)
	s.told(s.Hosts[1], "uses another secret, fingerprint "+old.Fingerprint())
}

// write writes sessions on a host, one after the other, until it is stopped,
// which returns what was written last. No write fails.
func (s *site) write(h *lab.Host) (stop func() map[string]string) {
	ctx, cancel := context.WithCancel(s.t.Context())
	c := s.client(h)
	newest := map[string]string{}
	n, slowest := 0, time.Duration(0)
	var all sync.WaitGroup
	all.Go(func() {
		for ; ctx.Err() == nil; n++ {
			key, value, began := fmt.Sprint("k", n%500), fmt.Sprint("v", n), time.Now()
			if _, err := c.Do(context.WithoutCancel(ctx), cache.Command{Op: cache.Put, Region: "SessionCache", Key: key, Value: cache.Value{Bytes: value}}); err != nil {
				s.t.Errorf("put %d: %v", n, err)
				return
			}
			newest[key] = value
			slowest = max(slowest, time.Since(began))
		}
	})
	return func() map[string]string {
		cancel()
		all.Wait()
		s.t.Logf("%d puts, the slowest took %v", n, slowest)
		return newest
	}
}

var linkLine = regexp.MustCompile(`^time=(\S+) .*msg="link (up|down)".* peer=([^@]+)@`)

// outages are for how long a process was without each link that it had; an
// error says which one it has not again.
func outages(p *lab.Proc) (out []time.Duration, err error) {
	down := map[string]time.Time{}
	for _, line := range p.Lines() {
		m := linkLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, m[1])
		if err != nil {
			return nil, err
		}
		if m[2] == "down" {
			down[m[3]] = at
		} else if since, ok := down[m[3]]; ok {
			out = append(out, at.Sub(since))
			delete(down, m[3])
		}
	}
	if len(down) > 0 {
		err = fmt.Errorf("links that did not come back: %v", down)
	}
	return out, err
}

func count(p *lab.Proc, text string) (n int) {
	for _, line := range p.Lines() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

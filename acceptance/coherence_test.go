// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
)

// places are the four services of the two-host cluster.
func (s *site) places() (out []place) {
	for _, h := range s.Hosts {
		for _, svc := range services {
			out = append(out, place{h, svc})
		}
	}
	return out
}

type place struct {
	*lab.Host
	service string
}

func (p place) String() string { return p.Name + "/" + p.service }

func (s *site) get(p place, region, key string) (string, bool) {
	s.t.Helper()
	out, code := s.lateral(p.Host, "get", region, key, "--service", p.service)
	return strings.TrimSuffix(out, "\n"), code == 0
}

func (s *site) put(p place, region, key, value string, flags ...string) {
	s.t.Helper()
	s.must(p.Host, append([]string{"put", region, key, value, "--service", p.service}, flags...)...)
}

func (s *site) status(p place) cache.Status {
	s.t.Helper()
	var all []cache.Status
	out := s.must(p.Host, "stats", "--json", "--service", p.service)
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		s.t.Fatalf("stats --json: %v\n%s", err, out)
	}
	return all[0]
}

// TestInvalidate updates and removes on one service; all others drop what they
// hold within a second, for every region with an auxiliary (row 24); regions
// without one are untouched; no value crosses the wire (row 25); what is
// received is never sent on (row 26).
func TestInvalidate(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	s.runAll()
	s.complete(4, 7)
	wire := s.Hosts[0].Capture(func(p lab.Packet) bool { return p.Proto == lab.TCP })
	all := s.places()
	writer := all[1] // oxgw01/admindaemon
	const secret = "value-that-must-not-travel"
	shared := []string{"OXFolderCache", "GlobalFolderCache", "User", "UserConfiguration", "UserSettingMail", "Context", "Filestore", "OXDBPoolCache", "MailAccount"}
	local := []string{"OXFolderQueryCache", "CalendarCache", "OXMessageCache"}
	for _, region := range append(shared, local...) {
		for _, p := range all {
			s.put(p, region, "k1", secret)
			s.put(p, region, "k2", secret)
		}
		s.put(writer, region, "k1", secret+"-2", "--update")
		s.must(writer.Host, "rm", region, "k2", "--service", writer.service)
	}
	for _, region := range shared {
		for _, p := range all {
			if p == writer {
				continue
			}
			lab.Eventually(t, time.Second, func() error {
				for _, k := range []string{"k1", "k2"} {
					if v, ok := s.get(p, region, k); ok {
						return fmt.Errorf("%s still serves %s of %s: %q", p, k, region, v)
					}
				}
				return nil
			})
		}
	}
	for _, region := range local {
		for _, p := range all {
			if p == writer {
				continue
			}
			for _, k := range []string{"k1", "k2"} {
				if v, _ := s.get(p, region, k); v != secret {
					t.Errorf("%s: %s of %s, which has no auxiliary, is %q", p, k, region, v)
				}
			}
		}
	}
	wire.Stop()
	if wire.Contains([]byte(secret)) {
		t.Error("a value of a region with IsLateral=false crossed the wire")
	}
	if !wire.Contains([]byte("k1")) {
		t.Error("the capture saw no removal at all: it proves nothing")
	}
	for _, p := range all {
		next := s.status(p).Endpoints[0].Log.Next
		want := uint64(1) // nothing of its own, and nothing passed on
		if p == writer {
			want += uint64(2 * len(shared))
		}
		if next != want {
			t.Errorf("%s has logged %d changes, want %d", p, next-1, want-1)
		}
	}
}

// TestReplicate puts a session on one host and reads it on the other, removes
// it there and misses it here (rows 25, 27).
func TestReplicate(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	s.runAll()
	s.complete(4, 7)
	gw1, gw2 := place{s.Hosts[0], "groupware"}, place{s.Hosts[1], "groupware"}
	s.put(gw1, "SessionCache", "session-4711", "anna")
	lab.Eventually(t, time.Second, func() error {
		if v, _ := s.get(gw2, "SessionCache", "session-4711"); v != "anna" {
			return fmt.Errorf("oxgw02 says %q", v)
		}
		return nil
	})
	s.must(gw2.Host, "rm", "SessionCache", "session-4711", "--service", "groupware")
	lab.Eventually(t, time.Second, func() error {
		if v, ok := s.get(gw1, "SessionCache", "session-4711"); ok {
			return fmt.Errorf("oxgw01 still has %q", v)
		}
		return nil
	})
	st1, st2 := s.status(gw1), s.status(gw2)
	for i, r := range st1.Regions {
		if r.Region == "SessionCache" && (r.Mode != "replicate" || r.Digest != st2.Regions[i].Digest) {
			t.Errorf("SessionCache: mode %s, digests %s and %s", r.Mode, r.Digest, st2.Regions[i].Digest)
		}
	}
	for _, svc := range []string{"admindaemon"} {
		for _, r := range s.status(place{s.Hosts[0], svc}).Regions {
			if r.Region == "SessionCache" {
				t.Error("the admindaemon holds the session cache")
			}
		}
	}
}

// TestSizesDoNotMatter changes region sizes, then the auxiliary (row 6).
func TestSizesDoNotMatter(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	s.edit = func(_, text string) string {
		return strings.ReplaceAll(text, "cacheattributes.MaxObjects=1", "cacheattributes.MaxObjects=3")
	}
	s.run(s.Hosts[0], "groupware")
	s.edit = nil
	s.run(s.Hosts[1], "groupware")
	s.complete(2, 2)
	s.edit = func(_, text string) string { return strings.ReplaceAll(text, "6780", "6781") }
	s.run(s.Hosts[1], "admindaemon")
	s.eventually(s.Hosts[1], 5*time.Second, "knows the admindaemon as a node without links", func(st cache.MeshStatus) bool { return st.Nodes == 3 && st.Expected == 2 })
}

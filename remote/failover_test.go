// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lateral/internal/lab"
	"lateral/internal/redistest"
)

// TestCluster: three masters with a replica each. One master is killed: what was
// found before is dropped when its replica is tracked in its place, and
// everything can be written and read again.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3, true)
	var addrs []string
	for _, s := range nodes[:3] {
		addrs = append(addrs, s.Addr())
	}
	r := run(t, quick(addrs...), false).works()
	if st := r.Status(); st.Mode != "cluster" || len(st.Tracked) != 3 {
		t.Fatalf("%+v", st)
	}
	for i := range 60 { // on all masters
		r.put(fmt.Sprint("k", i), "1")
	}
	r.flush()
	for i := range 60 {
		if got := r.get(fmt.Sprint("k", i)); got != "1" {
			t.Fatalf("k%d: %q", i, got)
		}
	}
	nodes[0].CLI("-c", "SET", "lateral:aux:outside", "x")
	r.until("an invalidation of any master", func() bool { return at(r.m, func(m *memory) int { return m.drops["outside"] }) > 0 })
	for i, s := range nodes[:3] { // replicas have it all
		s.CLI("WAIT", "1", "10000")
		_ = i
	}
	gaps := at(r.m, func(m *memory) int { return m.gaps })
	nodes[1].Kill()
	r.until("the loss is noticed", func() bool { _, down := r.s.Since(); return down })
	r.put("meanwhile", "2")
	r.works()
	r.flush()
	if at(r.m, func(m *memory) int { return m.gaps }) == gaps {
		t.Error("no gap")
	}
	st := r.Status()
	if len(st.Tracked) != 3 || slices.Contains(st.Tracked, nodes[1].Addr()) || !slices.Contains(st.Tracked, nodes[4].Addr()) {
		t.Errorf("tracked are %v; %s took over from %s", st.Tracked, nodes[4].Addr(), nodes[1].Addr())
	}
	for i := range 60 {
		key := fmt.Sprint("k", i)
		r.put(key, "2")
		nodes[0].CLI("-c", "SET", "lateral:aux:outside"+key, "x")
	}
	r.flush()
	for i := range 60 {
		key := fmt.Sprint("k", i)
		if got := r.get(key); got != "2" {
			t.Errorf("%s: %q", key, got)
		}
		r.until("an invalidation of "+key, func() bool { return at(r.m, func(m *memory) int { return m.drops["outside"+key] }) > 0 })
	}
}

// TestSentinel: the master that Sentinels know is killed, and another is made; where all
// are open, and where Sentinels and servers have passwords, different ones.
func TestSentinel(t *testing.T) {
	t.Run("open", func(t *testing.T) { t.Parallel(); failover(t, "", "") })
	t.Run("passwords", func(t *testing.T) { t.Parallel(); failover(t, "secret", "secret-of-Sentinels") })
	t.Run("open Sentinels", func(t *testing.T) {
		t.Parallel()
		_, _, watch := redistest.Sentinel(t, 1, "secret", "")
		c := quick(watch[0].Addr())
		c.Master, c.Password = "mymaster", says("secret")
		run(t, c, false).works()
	})
}

func failover(t *testing.T, password, sentinelPassword string) {
	master, replica, watch := redistest.Sentinel(t, 3, password, sentinelPassword)
	var addrs []string
	for _, s := range watch {
		addrs = append(addrs, s.Addr())
	}
	c := quick(addrs...)
	c.Master = "mymaster"
	if password != "" {
		wrong := c
		wrong.Password, wrong.SentinelPassword = says(password), says(password) // that of the servers
		r := run(t, wrong, false)
		r.until("it is said that the Sentinels' password is wrong", func() bool { return strings.Contains(r.Status().Why, "WRONGPASS") })
		c.Password, c.SentinelPassword = says(password), says(sentinelPassword)
	}
	r := run(t, c, false).works()
	if st := r.Status(); st.Mode != "sentinel" || !slices.Equal(st.Tracked, []string{master.Addr()}) {
		t.Fatalf("%+v", st)
	}
	r.put("k", "1")
	r.flush()
	master.CLI("WAIT", "1", "10000")
	gaps := at(r.m, func(m *memory) int { return m.gaps })
	master.Kill()
	r.until("the loss is noticed", func() bool { _, down := r.s.Since(); return down })
	r.put("meanwhile", "2")
	r.works()
	r.flush()
	if st := r.Status(); !slices.Equal(st.Tracked, []string{replica.Addr()}) || at(r.m, func(m *memory) int { return m.gaps }) == gaps {
		t.Errorf("%+v", st)
	}
	if r.get("k") != "1" || r.get("meanwhile") != "2" {
		t.Errorf("%q %q", r.get("k"), r.get("meanwhile"))
	}
	replica.CLI("SET", "lateral:aux:k", "outside")
	r.until("the invalidation is here", func() bool { return at(r.m, func(m *memory) int { return m.drops["k"] }) > 0 })
}

func says(password string) func() (string, error) {
	return func() (string, error) { return password, nil }
}

// TestGuarded: TLS with both sides proven, and an ACL user who may do no more than the
// documentation gives him.
func TestGuarded(t *testing.T) {
	t.Parallel()
	ca, cert, key, pool := redistest.Papers(t)
	port := lab.Port(t)
	srv := redistest.Start(t, "--tls-port", fmt.Sprint(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca,
		"--user", "lateral", "on", ">word", "~lateral:*", "-@all", "+@hash", "+get", "+del", "+pttl", "+pexpire", "+pexpireat", "+scan", "+ping", "+hello", "+auth", "+select",
		"+cluster|slots", "+cluster|shards", "+client|tracking", "+client|setname")
	c := quick(fmt.Sprint("127.0.0.1:", port))
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	c.TLS = &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
	c.Username = "lateral"
	word := "wrong"
	c.Password = func() (string, error) { return word, nil }
	r := run(t, c, false)
	r.until("the password is refused", func() bool { return r.Status().Why != "" && r.Status().Why != "not connected yet" })
	t.Log(r.Status().Why)
	r.stop()
	word = "word"
	r = run(t, c, false).works()
	r.put("k", "v")
	r.flush()
	if got := srv.CLI("HVALS", "lateral:aux:k"); got != "v" || r.get("k") != "v" {
		t.Errorf("%q %+v", got, r.Status())
	}
	srv.CLI("SET", "lateral:aux:k", "x")
	r.until("the invalidation is here", func() bool { return at(r.m, func(m *memory) int { return m.drops["k"] }) > 0 })
	if got := r.get("k"); got != "x" {
		t.Errorf("%q", got)
	}
}

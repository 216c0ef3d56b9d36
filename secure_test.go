// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/secret"
)

// secretFile writes a file of secrets and returns its path.
func secretFile(t *testing.T, list ...secret.Secret) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cluster.secret")
	if err := os.WriteFile(file, []byte(secret.Text(list, time.Now())), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// secured has every auxiliary of the next services use a file.
func secured(c *cluster, lines ...string) {
	c.edit = func(_, text string) string {
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(line)
			if name, _, ok := strings.Cut(line, ".attributes="); ok && strings.HasPrefix(name, "jcs.auxiliary.") {
				for _, l := range lines {
					b.WriteString(name + ".attributes." + l + "\n")
				}
			}
		}
		return b.String()
	}
}

func strangers(n *lateral.Node) string {
	var b strings.Builder
	for _, e := range n.Status().Endpoints {
		for _, s := range e.Security.Strangers {
			b.WriteString(s.String() + "\n")
		}
	}
	return b.String()
}

// TestSecured: the page's cluster under a secret, and a node with another one.
func TestSecured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		ours, theirs := secret.New(), secret.New()
		secured(c, "ClusterSecretFile="+secretFile(t, ours))
		for _, s := range []string{"1/groupware", "1/admindaemon", "2/groupware", "2/admindaemon"} {
			c.start(s)
		}
		c.wait(4)
		c.put("1/groupware", "SessionCache", "s1", "anna")
		time.Sleep(10 * time.Millisecond)
		if got := c.get("2/groupware", "SessionCache", "s1"); got != "anna" {
			t.Fatal(got)
		}
		if st := c.nodes["1/groupware"].Status().Endpoints[0].Security; len(st.Secrets) != 1 || st.Secrets[0] != ours.Fingerprint() || st.Open != "" {
			t.Errorf("%+v", st)
		}
		secured(c, "ClusterSecretFile="+secretFile(t, theirs))
		c.start("3/groupware")
		secured(c)
		c.start("4/groupware")
		time.Sleep(5 * time.Second)
		for name, n := range c.nodes {
			if st := n.Mesh(); name[0] > '2' && st.Nodes != 1 || name[0] <= '2' && (st.Nodes != 4 || !st.Complete) {
				t.Errorf("%s sees %d nodes, complete %v", name, st.Nodes, st.Complete)
			}
		}
		if got, want := strangers(c.nodes["1/groupware"]), "neighbour 10.0.0.3 uses another secret, fingerprint "+theirs.Fingerprint(); !strings.Contains(got, want) || !strings.Contains(got, "neighbour 10.0.0.4 announces itself without") {
			t.Errorf("told on one side: %q", got)
		}
		if got, want := strangers(c.nodes["3/groupware"]), "uses another secret, fingerprint "+ours.Fingerprint(); !strings.Contains(got, want) {
			t.Errorf("told on the other: %q", got)
		}
		if notes := strings.Join(c.nodes["1/groupware"].Mesh().Notes, "\n"); !strings.Contains(notes, "refused: neighbour 10.0.0.3 uses another secret") {
			t.Errorf("notes: %s", notes)
		}
		if open := c.nodes["4/groupware"].Mesh().Notes; !strings.Contains(strings.Join(open, "\n"), "no cluster secret: whoever reaches TCP") {
			t.Errorf("a node without: %q", open)
		}
		c.close()
	})
}

// TestSecuredStatic: nodes that dial each other by a list, without datagrams,
// tell why they refuse on both sides.
func TestSecuredStatic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		ours, theirs := secret.New(), secret.New()
		list := []string{"UdpDiscoveryEnabled=false", "TcpServers=10.0.0.1:57462,10.0.0.2:57462,10.0.0.3:57462"}
		secured(c, append(list, "ClusterSecretFile="+secretFile(t, ours))...)
		c.start("1/groupware")
		secured(c, append(list, "ClusterSecretFile="+secretFile(t, theirs))...)
		c.start("2/groupware")
		secured(c, list...)
		c.start("3/groupware")
		time.Sleep(10 * time.Second)
		want := map[string][]string{
			"1/groupware": {"neighbour 10.0.0.2 uses another secret, fingerprint " + theirs.Fingerprint(), "neighbour 10.0.0.3 does not prove that it is a member"},
			"3/groupware": {"neighbour 10.0.0.1 has a cluster secret (it opens with TLS), and this node has none"},
		}
		for name, lines := range want {
			for _, l := range lines {
				if got := strangers(c.nodes[name]); !strings.Contains(got, l) {
					t.Errorf("%s tells %q, not %q", name, got, l)
				}
			}
		}
		reasons := map[string]string{"1/groupware": "uses another secret, fingerprint " + theirs.Fingerprint(), "3/groupware": "this cluster has a secret"}
		for name, text := range reasons {
			if got := down(c.nodes[name].Status()); !strings.Contains(got, text) {
				t.Errorf("%s has no link because %q, not %q", name, got, text)
			}
		}
		c.close()
	})
}

func down(st cache.Status) string {
	var b strings.Builder
	for _, e := range st.Endpoints {
		for _, r := range e.Matrix {
			for k, why := range r.Down {
				b.WriteString(k + ": " + why + "\n")
			}
		}
	}
	return b.String()
}

// TestSecretFile: a node does not start on a file that is no secret.
func TestSecretFile(t *testing.T) {
	file := secretFile(t, secret.New())
	os.Chmod(file, 0o644)
	_, err := lateral.Open(t.Context(), lateral.Config{Files: []string{oneFile(t, "ClusterSecretFile="+filepath.Base(file), filepath.Dir(file))}})
	if err == nil || !strings.Contains(err.Error(), "chmod 600") || !strings.Contains(err.Error(), "cache.ccf:") {
		t.Errorf("%v", err)
	}
}

// oneFile writes a ccf beside a secret, with a line of its own.
func oneFile(t *testing.T, line, dir string) string {
	file := filepath.Join(dir, "cache.ccf")
	p := "jcs.auxiliary.L.attributes."
	text := "jcs.default=L\njcs.auxiliary.L=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\n" +
		"jcs.auxiliary.L.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes\n" +
		p + "UdpDiscoveryEnabled=false\n" + p + "TcpListenerHost=127.0.0.1\n" + p + line + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSecuredJava: Java nodes, which prove nothing, under a secret: who may
// speak, and what is told to everybody.
func TestSecuredJava(t *testing.T) {
	for _, v := range []struct {
		name      string
		lines     []string
		announced bool            // region names go out in the clear
		served    map[string]bool // from where a Java node is
	}{
		{"not allowed", nil, false, map[string]bool{"10.0.0.8": false, "10.0.0.9": false}},
		{"allowed", []string{"AllowUnauthenticatedJCS=true"}, true, map[string]bool{"10.0.0.8": true, "10.0.0.9": true}},
		{"from one", []string{"AllowUnauthenticatedJCS=true", "AllowJCSFrom=10.0.0.9"}, true, map[string]bool{"10.0.0.8": false, "10.0.0.9": true}},
		{"sidecar", []string{"AllowUnauthenticatedJCS=true", "AllowJCSFrom=127.0.0.1,::1"}, false, map[string]bool{"10.0.0.8": false, "10.0.0.9": false}},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t)
			secured(c, append(v.lines, "ClusterSecretFile="+secretFile(t, secret.New()))...)
			group, err := c.net.Host(hostAddr(7)).Multicast(netip.MustParseAddrPort("224.0.0.1:6780"))
			if err != nil {
				t.Fatal(err)
			}
			var heard []byte
			done := make(chan struct{})
			go func() {
				defer close(done)
				buf := make([]byte, 1<<16)
				for n, _, err := group.Read(buf); err == nil; n, _, err = group.Read(buf) {
					heard = append(heard, buf[:n]...)
				}
			}()
			n := c.start("1/groupware")
			for from, want := range v.served {
				addr := netip.MustParseAddr(from)
				conn, err := c.net.Host(addr).Process().Dial(context.Background(), "10.0.0.1:57462")
				if err != nil {
					t.Fatal(err)
				}
				conn.Write([]byte{0xac, 0xed, 0, 5}) // a Java object stream
				conn.SetReadDeadline(time.Now().Add(time.Minute))
				began := time.Now()
				conn.Read(make([]byte, 1))
				if open := time.Since(began) > 2*time.Second; open != want {
					t.Errorf("%s: a Java node at %s is spoken to: %v", v.name, from, open)
				}
				conn.Close()
				if told := strings.Contains(strangers(n), "neighbour "+from); told && want {
					t.Errorf("%s: %s is told of as refused", v.name, from)
				}
			}
			time.Sleep(time.Second) // where nobody was spoken to no time has passed, and nothing been announced
			c.close()
			group.Close()
			<-done
			if strings.Contains(string(heard), "SessionCache") || strings.Contains(string(heard), "OXFolderCache") != v.announced {
				t.Errorf("%s: region names in the clear: %v", v.name, !v.announced)
			}
			if len(heard) == 0 {
				t.Error("nothing was heard")
			}
		})
	}
}

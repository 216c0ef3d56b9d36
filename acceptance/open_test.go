// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
	"lateral/secret"
)

// TestWithoutSecret: what it means is said at start, in the mesh, by doctor and
// on the dashboard. The socket is for this user alone, and a hello that is too
// large is no reason to make room for it.
func TestWithoutSecret(t *testing.T) {
	t.Parallel()
	const open = "no cluster secret: whoever reaches TCP"
	s := newSite(t, lab.Options{Hosts: 2})
	h, evil := s.Hosts[0], s.Hosts[1]
	p := s.run(h, "groupware")
	p.WaitLine(open, 10*time.Second)
	p.WaitLine("msg=started", 10*time.Second)
	s.told(h, open)
	if out, _ := s.lateral(h, append([]string{"doctor"}, s.files(h, "groupware")...)...); !strings.Contains(out, "no cluster secret for LTCP, which listens on TCP port 57462 beyond loopback") {
		t.Errorf("doctor: %s", out)
	}
	socket := filepath.Join(s.runtimeDir(h), "groupware.sock")
	if err := shows(t, socket, open); err != nil {
		t.Errorf("dashboard: %v", err)
	}
	if st, err := os.Stat(socket); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", st.Mode(), err)
	}
	for name, said := range map[string][]byte{
		"a hello of 4 GB":          append([]byte("LTR1\x01"), 0xff, 0xff, 0xff, 0xff),
		"a hello of 256 KiB and 1": append([]byte("LTR1\x01"), 0, 4, 0, 1),
	} {
		var c net.Conn
		var err error
		if evil.Do(func() { c, err = net.Dial("tcp", h.Addr.String()+":57462") }); err != nil {
			t.Fatal(err)
		}
		c.Write(said)
		if _, err := ends(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.WaitLine("a hello frame declares", 5*time.Second)
}

// shows waits for a text among the events of a dashboard.
func shows(t *testing.T, socket, text string) error {
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	res, err := c.Get("http://localhost/dashboard/events")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	r := bufio.NewReader(res.Body)
	for {
		line, err := r.ReadString('\n')
		if strings.Contains(line, text) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w before it shows %q", err, text)
		}
	}
}

// TestJavaUnderSecret: Java nodes, which prove nothing, are not spoken to once
// there is a secret, but where that is allowed, which is said at start.
func TestJavaUnderSecret(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{false, true} {
		s := newSite(t, lab.Options{Hosts: 2})
		lines := []string{strings.TrimSpace(secretLine)}
		if allowed {
			lines = append(lines, "AllowUnauthenticatedJCS=true", "AllowJCSFrom=127.0.0.1")
		}
		s.edit = func(_, text string) string { return text + perAuxiliary(text, lines...) }
		h := s.Hosts[0]
		s.give(h, secret.New())
		p := s.run(h, "groupware")
		p.WaitLine("msg=started", 10*time.Second)
		if allowed {
			p.WaitLine("Java nodes prove nothing and are spoken to all the same", time.Second)
		}
		for from, may := range map[*lab.Host]bool{s.Hosts[1]: false, h: allowed} {
			to := "127.0.0.1:57462"
			if from != h {
				to = h.Addr.String() + ":57462"
			}
			var c net.Conn
			var err error
			if from.Do(func() { c, err = net.Dial("tcp", to) }); err != nil {
				t.Fatal(err)
			}
			c.Write([]byte{0xac, 0xed, 0, 5})
			c.SetReadDeadline(time.Now().Add(3 * time.Second)) // beyond OpenTimeOut
			_, err = io.Copy(io.Discard, c)
			if spoken := os.IsTimeout(err); spoken != may {
				t.Errorf("allowed %v: a Java node on %s is spoken to: %v (%v)", allowed, from.Name, spoken, err)
			}
			c.Close()
		}
		if allowed {
			s.told(h, "neighbour "+s.Hosts[1].Addr.String()+" speaks as a Java node, which AllowJCSFrom does not allow from there")
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lateral"
	"lateral/ccf"
	"lateral/internal/memnet"
	"lateral/resp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file is a ccf with a region of each kind, of which those whose values travel
// are Rep, and Ses with an acknowledgement.
const file = `jcs.default=LTCP
jcs.region.Loc=
jcs.region.Loc.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Loc.cacheattributes.MaxObjects=100000
jcs.region.Inv=LTCP
jcs.region.Inv.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.Inv.elementattributes.IsLateral=false
jcs.region.Rep=LTCP
jcs.region.Rep.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Rep.cacheattributes.MaxObjects=100000
jcs.region.Ses=LTCP
jcs.region.Ses.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Ses.cacheattributes.Acks=1
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerPort=57462
jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.LTCP.attributes.IssueRemoveOnPut=false
`

// regions of the databases of a site, and of keys with a prefix.
const regions = "0=Loc,1=Inv,2=Rep,3=Ses,ses:*=Ses"

// A site is some nodes on a network in memory, each with a RESP front on a unix
// socket.
type site struct {
	t      testing.TB
	net    *memnet.Net
	more   string // lines of the ccf
	nodes  []*lateral.Node
	socks  []string
	fronts []*resp.Front
}

func newSite(t testing.TB, nodes int, edit ...func(c *resp.Config)) *site {
	t.Helper()
	s := &site{t: t, net: memnet.New()}
	for i := range nodes {
		s.add(i+1, edit...)
	}
	for _, n := range s.nodes {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := n.WaitComplete(ctx, nodes); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	return s
}

func (s *site) add(i int, edit ...func(c *resp.Config)) {
	t := s.t
	cfg, err := ccf.Parse(ccf.Source{Name: "test.ccf", Data: []byte(file + s.more)})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	n, err := lateral.Open(context.Background(), lateral.Config{Service: "web", Host: fmt.Sprint("h", i), CCF: cfg,
		Network: s.net.Host(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})).Edge(), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	m, err := resp.ParseMap(regions)
	if err != nil {
		t.Fatal(err)
	}
	c := resp.Config{Map: m, Mesh: n.Channels(), Service: "web", Version: "test", Logger: log,
		Open: func(name string) (resp.Region, error) { return n.Store(name) }}
	for _, e := range edit {
		e(&c)
	}
	f, err := resp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	ln, err := resp.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	s.nodes, s.socks, s.fronts = append(s.nodes, n), append(s.socks, path), append(s.fronts, f)
}

// A conn is a client that shows answers as text.
type conn struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, path string) *conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute)) // a test that hangs says where
	return &conn{t, c, bufio.NewReader(c)}
}

// client connects to node i, from 0, and chooses a database.
func (s *site) client(i int, db string) *conn {
	s.t.Helper()
	c := dial(s.t, s.socks[i])
	c.expect("OK", "SELECT", db)
	return c
}

func (c *conn) send(args ...string) {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
}

// do sends a request and returns the answer.
func (c *conn) do(args ...string) string {
	c.t.Helper()
	c.send(args...)
	return c.answer()
}

// words is do of words parted by spaces.
func (c *conn) words(line string) string { c.t.Helper(); return c.do(strings.Fields(line)...) }

func (c *conn) expect(want string, args ...string) {
	c.t.Helper()
	if got := c.do(args...); got != want {
		c.t.Errorf("%q: got %s, want %s", args, got, want)
	}
}

func (c *conn) answer() string {
	c.t.Helper()
	s, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// read shows one answer: strings as they are, errors with a minus, arrays in
// brackets, maps in braces, pushes with >.
func (c *conn) read() (string, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	rest := line[1:]
	switch line[0] {
	case '+', ',', '#':
		return rest, nil
	case ':':
		return "#" + rest, nil
	case '-':
		return line, nil
	case '_':
		return "nil", nil
	case '$', '=':
		n, _ := strconv.Atoi(rest)
		if n < 0 {
			return "nil", nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, b); err != nil {
			return "", err
		}
		return string(b[:n]), nil
	}
	n, _ := strconv.Atoi(rest)
	if n < 0 {
		return "nil", nil
	}
	frame := map[byte]string{'*': "[]", '~': "()", '%': "{}", '>': "><"}[line[0]]
	if line[0] == '%' {
		n *= 2
	}
	parts := make([]string, n)
	for i := range parts {
		if parts[i], err = c.read(); err != nil {
			return "", err
		}
	}
	return frame[:1] + strings.Join(parts, " ") + frame[1:], nil
}

// until asks again until the answer is as wanted: what one node does reaches
// the other soon, but not at once.
func (c *conn) until(want string, args ...string) {
	c.t.Helper()
	got := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if got = c.do(args...); got == want {
			return
		}
	}
	c.t.Fatalf("%q: still %s, want %s", args, got, want)
}

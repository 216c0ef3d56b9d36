// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Two services of one host with a link to gw02, a TIME_WAIT, and two processes that share UDP 6780.
const (
	tcpText = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:E076 00000000:0000 0A 00000000:00000000 00:00000000 00000000   110        0 7001 1 ffff880002f85000 100 0 0 10 0
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7002 1 ffff880002f85000 100 0 0 10 0
   2: 0B02000A:BFCF 0C02000A:E075 01 00000000:00000000 02:000A7214 00000000   110        0 7003 2 ffff880002f85000 20 4 30 10 -1
   3: 0B02000A:9C40 0C02000A:E075 06 00000000:00000000 03:00000F2B 00000000     0        0 0 3 ffff880002f85000
`
	tcp6Text = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:E075 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   111        0 7004 1 0 100 0 0 10 0
   1: 0000000000000000FFFF00000B02000A:E075 0000000000000000FFFF00000C02000A:B7DA 01 00000000:00000000 02:000A7214 00000000   111        0 7005 1 0 20 4 1 10 -1
   2: 000080FE00000000FF00FC0201000FE:E076 x
`
	udpText = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  201: 010000E0:1A7C 00000000:0000 07 00000000:00000000 00:00000000 00000000   110        0 7006 2 0000000000000000 0
  201: 010000E0:1A7C 00000000:0000 07 00000000:00000000 00:00000000 00000000   111        0 7007 2 0000000000000000 0
`
)

// lines returns the first n lines of a text.
func lines(text string, n int) string {
	return strings.Join(strings.SplitAfter(text, "\n")[:n], "")
}

func TestParseSockets(t *testing.T) {
	littleEndian(t)
	addr := netip.MustParseAddrPort
	got, err := ParseSockets(strings.NewReader(tcpText), "tcp")
	want := []Socket{
		{"tcp", addr("0.0.0.0:57462"), addr("0.0.0.0:0"), Listen, 110, 7001},
		{"tcp", addr("127.0.0.1:8080"), addr("0.0.0.0:0"), Listen, 0, 7002},
		{"tcp", addr("10.0.2.11:49103"), addr("10.0.2.12:57461"), Established, 110, 7003},
		{"tcp", addr("10.0.2.11:40000"), addr("10.0.2.12:57461"), TimeWait, 0, 0},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("tcp: got %v, %v", got, err)
	}
	got, err = ParseSockets(strings.NewReader(lines(tcp6Text, 3)), "tcp6")
	want = []Socket{
		{"tcp6", addr("[::]:57461"), addr("[::]:0"), Listen, 111, 7004},
		{"tcp6", addr("10.0.2.11:57461"), addr("10.0.2.12:47066"), Established, 111, 7005},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("tcp6: got %v, %v", got, err)
	}
	if _, err = ParseSockets(strings.NewReader(tcp6Text), "tcp6"); err == nil || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("a torn row: %v", err)
	}
}

// fakeProc builds the part of /proc that owners are found in: pid → command
// line, and the sockets each has open.
func fakeProc(t *testing.T, open map[int][]uint64) procfs {
	t.Helper()
	littleEndian(t)
	p := procfs(t.TempDir())
	write := func(text string, at ...string) {
		path := p.path(at...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write("", "uptime") // not a process
	dirs := []string{"net"}
	for pid, inodes := range open {
		dir := strconv.Itoa(pid)
		dirs = append(dirs, dir+"/net")
		write("java\n", dir, "comm")
		write("java\x00-Xmx1g\x00com.example.Main\x00", dir, "cmdline")
		if err := os.Mkdir(p.path(dir, "fd"), 0o755); err != nil {
			t.Fatal(err)
		}
		for n, inode := range append([]uint64{0}, inodes...) {
			to := "socket:[" + strconv.FormatUint(inode, 10) + "]"
			if inode == 0 {
				to = "/dev/null"
			}
			if err := os.Symlink(to, p.path(dir, "fd", strconv.Itoa(n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, d := range dirs {
		write(tcpText, d, "tcp")
		write(lines(tcp6Text, 3), d, "tcp6")
		write(udpText, d, "udp")
	}
	return p
}

func TestOwnersOf(t *testing.T) {
	p := fakeProc(t, map[int][]uint64{3706: {7001, 7003, 7006}, 3582: {7004, 7005, 7007}, 1: nil})
	zero := netip.Addr{}
	for _, c := range []struct {
		proto string
		addr  netip.Addr
		port  uint16
		pids  []int
		err   error
	}{
		{"tcp", zero, 57462, []int{3706}, nil},
		{"tcp", netip.MustParseAddr("10.0.2.11"), 57462, []int{3706}, nil}, // the holder has all addresses
		{"tcp", netip.MustParseAddr("0.0.0.0"), 57461, []int{3582}, nil},   // tcp6, :: holds IPv4 too
		{"tcp", zero, 49103, nil, ErrFree},                                 // a connection is not in the way
		{"tcp", netip.MustParseAddr("10.0.2.11"), 8080, nil, ErrFree},      // another address
		{"tcp", netip.MustParseAddr("127.0.0.1"), 8080, nil, ErrHidden},
		{"udp", zero, 6780, []int{3582, 3706}, nil},
		{"udp", zero, 57462, nil, ErrFree},
	} {
		got, err := p.ownersOf(c.proto, c.addr, c.port)
		var pids []int
		for _, o := range got {
			pids = append(pids, o.PID)
			if o.Name != "java" || o.Cmdline != "java -Xmx1g com.example.Main" {
				t.Errorf("process %+v", o)
			}
		}
		if !slices.Equal(pids, c.pids) || !errors.Is(err, c.err) {
			t.Errorf("%s %v port %d: got %v, %v; want %v, %v", c.proto, c.addr, c.port, pids, err, c.pids, c.err)
		}
	}
	if _, err := p.ownersOf("sctp", zero, 1); err == nil {
		t.Error("sctp is taken")
	}
}

func TestOwnersPartlyHidden(t *testing.T) {
	p := fakeProc(t, map[int][]uint64{3706: {7006}, 3582: nil})
	got, err := p.ownersOf("udp", netip.Addr{}, 6780)
	if len(got) != 1 || got[0].PID != 3706 || !errors.Is(err, ErrHidden) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSocketsOf(t *testing.T) {
	p := fakeProc(t, map[int][]uint64{3706: {7001, 7003, 7006}, 3582: {7004}})
	got, err := p.socketsOf(3706)
	if err != nil {
		t.Fatal(err)
	}
	var inodes []uint64
	for _, s := range got {
		inodes = append(inodes, s.Inode)
	}
	if !slices.Equal(inodes, []uint64{7001, 7003, 7006}) {
		t.Errorf("got %v", got)
	}
	if _, err := p.socketsOf(4); err == nil {
		t.Error("a process that is not there has sockets")
	}
}

// What this process opens, the machine's own tables must show.
func TestOwnSockets(t *testing.T) {
	if _, err := system(); err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	at := netip.MustParseAddrPort(l.Addr().String())
	got, err := OwnerOf("tcp", at.Addr(), at.Port())
	if err != nil || got.PID != os.Getpid() || got.Name == "" || !strings.Contains(got.Cmdline, os.Args[0]) {
		t.Errorf("the owner of %s is %+v, %v; this is %d", at, got, err, os.Getpid())
	}
	all, err := Listeners()
	if err != nil || !slices.ContainsFunc(all, func(s Socket) bool { return s.Local == at }) {
		t.Errorf("%s is not among the listeners %v, %v", at, all, err)
	}
	links, err := Connections(os.Getpid())
	local := netip.MustParseAddrPort(c.LocalAddr().String())
	if err != nil || !slices.ContainsFunc(links, func(s Socket) bool { return s.Local == local && s.Remote == at }) {
		t.Errorf("%s to %s is not among the connections %v, %v", local, at, links, err)
	}
	if slices.ContainsFunc(links, func(s Socket) bool { return s.State != Established }) {
		t.Errorf("connections with a listener among them: %v", links)
	}
}

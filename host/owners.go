// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Errors of OwnersOf that callers branch on.
var (
	// ErrFree: no socket holds the port.
	ErrFree = errors.New("no socket holds it")
	// ErrHidden: a socket holds the port, but its process belongs to someone
	// else; root, or CAP_SYS_PTRACE, would see it.
	ErrHidden = errors.New("its process is not visible without root (or CAP_SYS_PTRACE)")
)

// A Process is one that holds a socket.
type Process struct {
	PID     int    `json:"pid"`
	Name    string `json:"name"`    // the kernel's short name, at most 15 bytes
	Cmdline string `json:"cmdline"` // its arguments joined by blanks; at most 4 KiB; may hold secrets
}

// String prints the process as netstat does: "3706/java".
func (p Process) String() string { return strconv.Itoa(p.PID) + "/" + p.Name }

// OwnerOf returns the process that holds the port, the one with the smallest
// pid if there are several. See OwnersOf.
func OwnerOf(proto string, addr netip.Addr, port uint16) (Process, error) {
	all, err := OwnersOf(proto, addr, port)
	if len(all) == 0 {
		return Process{}, err
	}
	return all[0], nil
}

// OwnersOf returns the processes whose sockets would be in the way of a new
// one on addr and port: for "tcp" listeners, for "udp" all that are bound to
// it. A zero or unspecified addr means any. Several may share a UDP port.
//
// The error is ErrFree if there is no such socket and ErrHidden if some owner
// cannot be seen; the visible ones are returned with it.
func OwnersOf(proto string, addr netip.Addr, port uint16) ([]Process, error) {
	p, err := system()
	if err != nil {
		return nil, fmt.Errorf("host: owner of %s port %d: %w", proto, port, err)
	}
	return p.ownersOf(proto, addr, port)
}

func (p procfs) ownersOf(proto string, addr netip.Addr, port uint16) ([]Process, error) {
	what := fmt.Sprintf("host: owner of %s port %d", proto, port)
	if proto != "tcp" && proto != "udp" {
		return nil, fmt.Errorf("%s: the protocol must be tcp or udp", what)
	}
	all, err := p.sockets("net")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	want := map[uint64]bool{}
	uid := -1
	for _, s := range all {
		if s.clashes(proto, addr, port) {
			want[s.Inode] = false
			uid = s.UID
		}
	}
	if len(want) == 0 {
		return nil, fmt.Errorf("%s: %w", what, ErrFree)
	}
	pids, err := p.holders(want)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	var owners []Process
	for _, pid := range pids {
		owners = append(owners, p.process(pid))
	}
	for inode, seen := range want {
		if !seen {
			return owners, fmt.Errorf("%s: socket %d of uid %d: %w", what, inode, uid, ErrHidden)
		}
	}
	return owners, nil
}

// holders returns, in order, the pids that have one of the wanted sockets open
// and marks in want which were found. Processes that end meanwhile or may not
// be looked into are passed over.
func (p procfs) holders(want map[uint64]bool) ([]int, error) {
	dir, err := os.ReadDir(string(p))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range dir {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		inodes, _ := p.inodes(pid) // not ours to look into, or gone
		held := false
		for _, inode := range inodes {
			if _, ok := want[inode]; ok {
				want[inode], held = true, true
			}
		}
		if held {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// inodes returns the sockets that a process has open.
func (p procfs) inodes(pid int) ([]uint64, error) {
	fds := p.path(strconv.Itoa(pid), "fd")
	d, err := os.Open(fds)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(maxRows)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var all []uint64
	for _, n := range names {
		to, err := os.Readlink(fds + "/" + n)
		if err != nil {
			continue // closed meanwhile
		}
		if inode, ok := socketInode(to); ok {
			all = append(all, inode)
		}
	}
	return all, nil
}

// socketInode reads what an fd points to: "socket:[12345]".
func socketInode(link string) (uint64, bool) {
	s, ok := strings.CutPrefix(link, "socket:[")
	if !ok {
		return 0, false
	}
	s, ok = strings.CutSuffix(s, "]")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// process reads a process's names; what can't be read stays empty.
func (p procfs) process(pid int) Process {
	at := p.path(strconv.Itoa(pid))
	name, _ := readSome(at+"/comm", 64)
	args, _ := readSome(at+"/cmdline", maxCmdline)
	return Process{
		PID:     pid,
		Name:    strings.TrimRight(string(name), "\n"),
		Cmdline: string(bytes.ReplaceAll(bytes.TrimRight(args, "\x00"), []byte{0}, []byte(" "))),
	}
}

// readSome reads at most n bytes of a file.
func readSome(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}

// SocketsOf returns the sockets of one process, in its own network namespace:
// its listeners and its links, as netstat -ap would show them. The error is
// ErrHidden if the process belongs to someone else.
func SocketsOf(pid int) ([]Socket, error) {
	p, err := system()
	if err != nil {
		return nil, fmt.Errorf("host: sockets of pid %d: %w", pid, err)
	}
	return p.socketsOf(pid)
}

func (p procfs) socketsOf(pid int) ([]Socket, error) {
	what := fmt.Sprintf("host: sockets of pid %d", pid)
	inodes, err := p.inodes(pid)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: %w", what, ErrHidden)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	all, err := p.sockets(strconv.Itoa(pid) + "/net")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return slices.DeleteFunc(all, func(s Socket) bool { return !slices.Contains(inodes, s.Inode) }), nil
}

// Connections returns the established TCP connections of one process, to be
// compared with what the mesh says of its links.
func Connections(pid int) ([]Socket, error) {
	all, err := SocketsOf(pid)
	return slices.DeleteFunc(all, func(s Socket) bool {
		return s.State != Established || !strings.HasPrefix(s.Proto, "tcp")
	}), err
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"lateral/ccf/stock"
	"lateral/web"
)

// pagePorts are the TCP ports of the page, by the file that has them.
var pagePorts = []int{57461, 57462, 58849}

// A demoHost is an address of this machine that plays a host.
type demoHost struct {
	name    string
	addr    string
	shift   int // added to the page's ports
	dir     string
	runtime string
}

// A site is the demo's hosts and the processes on them.
type site struct {
	dir     string
	keep    bool
	cluster string
	hosts   []*demoHost
	procs   []*proc      // two for each host, groupware first
	claim   net.Listener // of the ports, against other demos
	notes   []string
}

// newSite lays out files for two hosts in a directory of its own.
func newSite(keep bool) (s *site, err error) {
	s = &site{keep: keep, cluster: "demo-" + strconv.Itoa(os.Getpid())}
	if s.dir, err = os.MkdirTemp(shortTemp(), "lateral-demo-"); err != nil {
		return nil, err
	}
	made := s // a return sets s
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	s.hosts = []*demoHost{{name: "oxgw01", addr: "127.77.0.1"}, {name: "oxgw02", addr: "127.77.0.2"}}
	if err := s.choosePorts(); err != nil {
		return nil, err
	}
	for _, h := range s.hosts {
		h.dir = filepath.Join(s.dir, h.name)
		h.runtime = h.dir
		for _, service := range stock.Services {
			if err := s.write(h, service); err != nil {
				return nil, err
			}
			s.procs = append(s.procs, &proc{host: h, service: service})
		}
	}
	return s, nil
}

// shortTemp is where temporary files go, if the path leaves room for the name
// of a socket, which may have 103 bytes.
func shortTemp() string {
	if dir := os.TempDir(); len(dir) <= 50 {
		return dir
	}
	return "/tmp"
}

// choosePorts takes those of the page, or others if those are taken.
func (s *site) choosePorts() error {
	if !assignable(s.hosts[1].addr) { // only Linux has all of 127.0.0.0/8
		for i, h := range s.hosts {
			h.addr, h.shift = "127.0.0.1", 10*i
		}
		s.notes = append(s.notes, "this system has one loopback address: the hosts share it, with ports 10 apart")
	}
	for shift := 0; shift <= 6000; shift += 200 {
		busy, err := s.take(shift)
		if err != nil {
			if shift == 0 {
				s.notes = append(s.notes, "the page's ports are not free here: "+busy)
			}
			continue
		}
		for _, h := range s.hosts {
			h.shift += shift
		}
		if shift > 0 {
			s.notes = append(s.notes, fmt.Sprintf("ports are those of the page plus %d", shift))
		}
		return nil
	}
	return &problem{saw: "no free TCP ports for two hosts on loopback", why: "57461, 57462 and 58849 are taken, and so are thirty others of each",
		do: "ss -tlnp shows who has them"}
}

func assignable(addr string) bool {
	ln, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	if err == nil {
		ln.Close()
	}
	return err == nil
}

// claimPort is held by a demo as long as it has the ports after it: what is
// found free by two at once would be had by one.
const claimPort = 57460

// take claims the ports, or returns the first that is taken.
func (s *site) take(shift int) (busy string, err error) {
	try := func(h *demoHost, port int) (net.Listener, error) {
		busy = net.JoinHostPort(h.addr, strconv.Itoa(port+h.shift+shift))
		return net.Listen("tcp", busy)
	}
	claim, err := try(s.hosts[0], claimPort)
	if err != nil {
		return busy, err
	}
	for _, h := range s.hosts {
		for _, p := range pagePorts {
			ln, err := try(h, p)
			if err != nil {
				claim.Close()
				return busy, err
			}
			ln.Close()
		}
	}
	s.claim = claim
	return "", nil
}

var listenerPort = regexp.MustCompile(`(?m)^(jcs\.auxiliary\.(\w+)\.attributes\.)TcpListenerPort=(\d+)$`)

// write makes the files of a service: the stock ones, on the host's address
// and on loopback alone.
func (s *site) write(h *demoHost, service string) error {
	dir := filepath.Join(h.dir, service)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, f := range stock.Files(service) {
		text := listenerPort.ReplaceAllStringFunc(string(f.Data), func(line string) string {
			m := listenerPort.FindStringSubmatch(line)
			port, _ := strconv.Atoi(m[3]) // digits
			return fmt.Sprintf("%[1]sTcpListenerPort=%[2]d\n%[1]sTcpListenerHost=%[3]s\n%[1]sInterface=%[4]s\n%[1]sClusterName=%[5]s",
				m[1], port+h.shift, h.addr, loopbackName(), s.cluster)
		})
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.Name)), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// loopbackName is lo, or lo0, or what this system calls it.
func loopbackName() string {
	all, _ := net.Interfaces() // none: the service says so better
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	return "lo"
}

func (s *site) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Cluster %s: ", s.cluster)
	for i, h := range s.hosts {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s is %s", h.name, h.addr)
	}
	fmt.Fprintf(&b, "; multicast on %s alone.", loopbackName())
	for _, n := range s.notes {
		b.WriteString("\nNote: " + n + ".")
	}
	return b.String()
}

// clients asks every host who runs there.
func (s *site) clients() (all []*web.Client) {
	for _, h := range s.hosts {
		cs, _ := web.Discover(h.runtime) // nobody yet, or no more
		all = append(all, cs...)
	}
	return all
}

func (s *site) look(ctx context.Context) *meshReport { return survey(ctx, s.clients(), len(s.procs)) }

// close ends the processes and removes the files.
func (s *site) close() error {
	for _, p := range s.procs {
		p.terminate()
	}
	for _, p := range s.procs {
		p.wait()
	}
	if s.claim != nil {
		s.claim.Close()
	}
	if s.keep {
		fmt.Fprintln(os.Stderr, "files and logs are kept in", s.dir)
		return nil
	}
	return os.RemoveAll(s.dir)
}

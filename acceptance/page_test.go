// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/ccf/stock"
	"lateral/internal/lab"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	if os.Getenv(clockOff) != "" {
		os.Exit(shifted())
	}
	dir, err := os.MkdirTemp("", "lateral-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "lateral")
	if out, err := exec.Command("go", "build", "-o", binary, "lateral/cmd/lateral").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A site is some hosts, each with its configuration directory.
type site struct {
	*lab.Lab
	t    *testing.T
	edit func(service, text string) string // changes the stock files
}

func newSite(t *testing.T, o lab.Options) *site {
	t.Helper()
	return &site{Lab: lab.New(t, o), t: t}
}

var services = stock.Services

// files writes the files of a service on a host and returns the flags that
// name them.
func (s *site) files(h *lab.Host, service string) (flags []string) {
	s.t.Helper()
	for _, f := range stock.Files(service) {
		path := filepath.Join(h.Dir, "etc", f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		text := string(f.Data)
		if s.edit != nil {
			text = s.edit(service, text)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
		flags = append(flags, "--config", path)
	}
	return flags
}

func (s *site) runtimeDir(h *lab.Host) string { return filepath.Join(h.Dir, "run") }

// run starts a service on a host, with further flags.
func (s *site) run(h *lab.Host, service string, more ...string) *lab.Proc {
	s.t.Helper()
	args := append([]string{"run", "--service", service, "--runtime-dir", s.runtimeDir(h)}, s.files(h, service)...)
	return h.Start(binary, append(args, more...)...)
}

// runAll starts every service on every host.
func (s *site) runAll() map[string]*lab.Proc {
	s.t.Helper()
	procs := map[string]*lab.Proc{}
	for _, h := range s.Hosts {
		for _, svc := range services {
			procs[h.Name+"/"+svc] = s.run(h, svc)
		}
	}
	return procs
}

// lateral runs a command on a host and returns its output and exit status.
func (s *site) lateral(h *lab.Host, args ...string) (string, int) {
	s.t.Helper()
	cmd := h.Command(binary, append(args, "--runtime-dir", s.runtimeDir(h))...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("lateral %s on %s: %v\n%s", strings.Join(args, " "), h.Name, err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// must is lateral where it has to succeed.
func (s *site) must(h *lab.Host, args ...string) string {
	s.t.Helper()
	out, code := s.lateral(h, args...)
	if code != 0 {
		s.t.Fatalf("lateral %s on %s: exit %d\n%s", strings.Join(args, " "), h.Name, code, out)
	}
	return out
}

// mesh asks a host for its view of the mesh.
func (s *site) mesh(h *lab.Host, args ...string) (cache.MeshStatus, int) {
	s.t.Helper()
	out, code := s.lateral(h, append([]string{"mesh", "--json"}, args...)...)
	var st cache.MeshStatus
	if err := json.NewDecoder(strings.NewReader(out[max(strings.Index(out, "{"), 0):])).Decode(&st); err != nil {
		s.t.Fatalf("mesh --json on %s: %v\n%s", h.Name, err, out)
	}
	return st, code
}

// complete waits until every host calls the mesh complete with that many
// nodes and links.
func (s *site) complete(nodes, links int) {
	s.t.Helper()
	for _, h := range s.Hosts {
		st, code := s.mesh(h, "--wait", "15s", "--nodes", fmt.Sprint(nodes))
		if code != 0 || !st.Complete || st.Expected != links || st.Present != links || len(st.Links) != links || len(st.Missing) != 0 {
			s.t.Fatalf("%s: exit %d, complete %v, expected %d, present %d of %d; missing: %+v", h.Name, code, st.Complete, st.Expected, st.Present, links, st.Missing)
		}
	}
}

// links is how many a complete mesh of n hosts has (ox-cluster.md 5.2).
func links(n int) int { return n*(2*n-1) + n*(n-1)/2 }

// agree compares what `lateral mesh` says of a host's links with the sockets
// that the kernel has (rows 16, 17, 19, 20): one socket per pair, both owned by
// the processes named, none between the session cache and anything else. Of
// two links dialled at once one goes; the two looks may fall on either side.
func (s *site) agree(h *lab.Host, procs map[string]*lab.Proc) {
	s.t.Helper()
	lab.Eventually(s.t, 2*time.Second, func() error { return s.differ(h, procs) })
}

func (s *site) differ(h *lab.Host, procs map[string]*lab.Proc) error {
	s.t.Helper()
	owner := map[int]string{}
	for name, p := range procs {
		if host, svc, _ := strings.Cut(name, "/"); host == h.Name {
			owner[p.PID] = svc
		}
	}
	kernel := map[string]int{} // "local remote" → pid
	for _, c := range h.Established() {
		if _, ours := owner[c.PID]; ours {
			kernel[c.Local.String()+" "+c.Remote.String()] = c.PID
		}
	}
	st, _ := s.mesh(h)
	told := map[string]bool{}
	for _, l := range st.Links {
		if l.From.Host == h.Name && l.Local != "" {
			told[l.Local+" "+l.Remote] = true
		}
		if l.To.Host == h.Name && l.Local != "" {
			told[l.Remote+" "+l.Local] = true
		}
		session := strings.Contains(l.From.Endpoint, "Session") || strings.Contains(l.To.Endpoint, "Session")
		if session && (l.From.Service != "groupware" || l.To.Service != "groupware") {
			return fmt.Errorf("%s: the session cache is linked with something else: %+v", h.Name, l)
		}
	}
	var errs []error
	for k := range kernel {
		if !told[k] {
			errs = append(errs, fmt.Errorf("%s: the kernel has %s, lateral mesh does not", h.Name, k))
		}
	}
	for k := range told {
		if kernel[k] == 0 {
			errs = append(errs, fmt.Errorf("%s: lateral mesh has %s, the kernel does not", h.Name, k))
		}
	}
	// 2 × links / hosts rows per host, as local links show twice.
	if want := 2 * links(len(s.Hosts)) / len(s.Hosts); len(kernel) != want {
		errs = append(errs, fmt.Errorf("%s: %d established sockets, want %d", h.Name, len(kernel), want))
	}
	return errors.Join(errs...)
}

// TestPage starts the page's cluster with 1 to 4 hosts (rows 1, 2, 8–11,
// 15–19, 22, 23): no peer list, only the route that the page adds.
func TestPage(t *testing.T) {
	for n := 1; n <= 4; n++ {
		t.Run(fmt.Sprintf("%dhosts", n), func(t *testing.T) {
			s := newSite(t, lab.Options{Hosts: n})
			discovery := s.Hosts[0].Capture(func(p lab.Packet) bool { return p.Proto == lab.UDP })
			procs := s.runAll()
			began := time.Now()
			s.complete(2*n, links(n))
			t.Logf("complete on all hosts %v after the last start", time.Since(began).Round(time.Millisecond))
			for _, h := range s.Hosts {
				s.agree(h, procs)
				s.listeners(h, procs)
			}
			discovery.Stop()
			for _, port := range []uint16{6780, 6789} {
				if discovery.Count(func(p lab.Packet) bool { return p.Dst.Port() == port && p.Dst.Addr().String() == "224.0.0.1" }) == 0 {
					t.Errorf("no packet to 224.0.0.1:%d was seen on eth0", port)
				}
			}
			for name, p := range procs {
				p.Signal(syscall.SIGTERM)
				if err := p.Wait(5 * time.Second); err != nil {
					t.Errorf("%s after SIGTERM: %v", name, err)
				}
			}
		})
	}
}

// listeners checks ports and their owners as netstat -tlnp shows them, and
// the membership of the group.
func (s *site) listeners(h *lab.Host, procs map[string]*lab.Proc) {
	s.t.Helper()
	want := map[uint16]int{57461: procs[h.Name+"/admindaemon"].PID, 57462: procs[h.Name+"/groupware"].PID, 58849: procs[h.Name+"/groupware"].PID}
	for _, c := range h.Listening() {
		if pid, ok := want[c.Local.Port()]; ok {
			if c.PID != pid {
				s.t.Errorf("%s: port %d belongs to pid %d, want %d", h.Name, c.Local.Port(), c.PID, pid)
			}
			delete(want, c.Local.Port())
		}
	}
	if len(want) > 0 {
		s.t.Errorf("%s: nobody listens on %v", h.Name, want)
	}
	udp := map[uint16]int{}
	for _, c := range h.Bound() {
		udp[c.Local.Port()]++
	}
	if udp[6780] != 2 || udp[6789] != 1 {
		s.t.Errorf("%s: UDP sockets by port: %v; want both services on 6780 and groupware alone on 6789", h.Name, udp)
	}
}

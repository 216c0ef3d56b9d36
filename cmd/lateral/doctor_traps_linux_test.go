// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lateral/doctor"
	"lateral/internal/lab"
	"lateral/secret"
)

// A trap is one way in which hosts get wrong, and what the doctor has to say.
type trap struct {
	name  string
	ccf   string   // what the host's file has in place of plainCCF
	setUp []string // for a shell on the host: what makes it wrong
	// The finding that names the cause, and words of it. No other finding but
	// this one may be printed as bad, unless it is of a check listed in also.
	check string
	texts []string
	also  []string
	mend  func(f doctor.Finding) []string // in place of f.Run, where something has to be filled in
	runs  bool                            // a service runs on the host
	env   string                          // before the command: "ulimit -Hn 256;"
	flags string
	user  bool // the doctor is run by somebody who may do nothing
}

// plainCCF is the file of a host on which all is well. @HELPER is the address
// of another member, @DIR the host's directory.
const plainCCF = `jcs.default=A
jcs.auxiliary.A=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.A.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.A.attributes.TcpListenerPort=57462
jcs.auxiliary.A.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.A.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.A.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.A.attributes.ClusterSecretFile=@DIR/cluster.secret
`

// with returns plainCCF with lines replaced, by their last words, or added.
func with(lines ...string) string {
	text := plainCCF
	for _, l := range lines {
		key, _, _ := strings.Cut(l, "=")
		l = "jcs.auxiliary.A.attributes." + l + "\n"
		i := strings.Index(text, "jcs.auxiliary.A.attributes."+key+"=")
		if i < 0 {
			text += l
			continue
		}
		_, rest, _ := strings.Cut(text[i:], "\n")
		text = text[:i] + l + rest
	}
	return text
}

const dropRoute = "ip route del 224.0.0.0/8"

// traps are those of docs/troubleshooting.md, in its order.
var traps = []trap{
	{name: "all is well"},
	{name: "no multicast route", setUp: []string{dropRoute}, check: "multicast-route", texts: []string{"there is no route for 224.0.0.1", "to keep it"}},
	{name: "route too narrow", ccf: with("UdpDiscoveryAddr=228.5.6.7", "UdpDiscoveryPort=6789"), check: "multicast-route",
		texts: []string{"no route for 228.5.6.7", `"224.0.0.0/8 dev eth0" does not cover it`}},
	{name: "route forbidden", setUp: []string{dropRoute, "ip route add prohibit 224.0.0.0/4"}, check: "multicast-route", texts: []string{"forbids it"}},
	{name: "route on loopback", setUp: []string{"ip route replace 224.0.0.0/8 dev lo"}, check: "multicast-route", texts: []string{"only services of this host"}},
	{name: "route into a container network", setUp: []string{"ip link add docker0 type bridge", "ip addr add 172.17.0.1/16 dev docker0", "ip link set docker0 up",
		"ip link add v0 type veth peer name v1", "ip link set v0 master docker0 up", "ip link set v1 up", "ip route replace 224.0.0.0/8 dev docker0",
		"for i in $(seq 100); do ip link show docker0 | grep -q LOWER_UP && break; sleep 0.05; done"},
		check: "multicast-route", texts: []string{"docker0", "network of containers"}},
	{name: "interface down", setUp: []string{"ip link set eth0 down"}, check: "interfaces", texts: []string{"eth0 is down"}},
	{name: "loopback down", setUp: []string{"ip link set lo down"}, check: "interfaces", texts: []string{"lo is down"}},
	{name: "multicast flag off", setUp: []string{"ip link set eth0 multicast off"}, check: "interfaces", texts: []string{"multicast flag off"}},
	{name: "interface misspelt", ccf: with("Interface=eth7"), check: "interfaces", texts: []string{"there is no interface eth7"}},
	{name: "IPv6 switched off", ccf: with("UdpDiscoveryAddr=ff05::7", "UdpDiscoveryPort=6791", "Interface=eth0"), setUp: []string{"sysctl -wq net.ipv6.conf.eth0.disable_ipv6=1"},
		check: "interfaces", texts: []string{"IPv6 is switched off on interface eth0", "/etc/sysctl.d"}},
	{name: "no IPv6 multicast route", ccf: with("UdpDiscoveryAddr=ff05::7", "UdpDiscoveryPort=6791"), setUp: []string{"ip -6 route del ff00::/8 dev eth0 table local"},
		check: "multicast-route", texts: []string{"there is no route for ff05::7", "to keep it"}},
	{name: "TTL that counts for nothing", ccf: with("UdpTTL=8"), check: "multicast-route", texts: []string{"UdpTTL is 8", "239.1.2.3"}},
	{name: "two services apart", setUp: []string{"mkdir two", "sed s/57462/57461/ groupware/cache.ccf >two/cache.ccf", "echo jcs.auxiliary.A.attributes.Interface=lo >>two/cache.ccf"}, flags: "--config @DIR/two",
		check: "interfaces-alike", texts: []string{"two uses lo for 224.0.0.1:6780", "don't hear each other"}},
	{name: "strict about sources", ccf: with("Interface=eth1"), setUp: []string{"ip link add eth1 link eth0 type macvlan mode bridge", "ip addr add 10.77.0.2@N/24 dev eth1", "ip link set eth1 up",
		"sysctl -wq net.ipv4.conf.eth1.rp_filter=1 net.ipv4.conf.all.rp_filter=0"}, check: "rp-filter", texts: []string{"is dropped when it comes in by eth1", "/etc/sysctl.d"}},
	{name: "snooping bridge", ccf: with("UdpDiscoveryAddr=239.1.2.3", "UdpDiscoveryPort=6793", "Interface=br0"), setUp: []string{"ip link add br0 type bridge mcast_snooping 1 mcast_querier 0",
		"ip addr flush dev eth0", "ip link set eth0 master br0", "ip addr add @ADDR/24 dev br0", "ip link set br0 up",
		"for i in $(seq 100); do ip link show br0 | grep -q LOWER_UP && break; sleep 0.05; done"},
		check: "snooping", texts: []string{"bridge br0 snoops"}},
	{name: "old IGMP", ccf: with("UdpDiscoveryAddr=239.1.2.3", "UdpDiscoveryPort=6793", "Interface=eth0"), setUp: []string{"sysctl -wq net.ipv4.conf.eth0.force_igmp_version=1"},
		check: "memberships", texts: []string{"IGMP version 1"}},
	{name: "iptables drops discovery", setUp: []string{"iptables -A INPUT -i eth0 -p udp -j DROP"}, check: "multicast-loop", texts: []string{"did not come back"}},
	{name: "nft drops discovery", setUp: []string{"nft add table inet fw", "nft add chain inet fw in '{ type filter hook input priority 0; policy drop; }'",
		"nft add rule inet fw in iifname lo accept", "nft add rule inet fw in ct state established accept", "nft add rule inet fw in tcp dport 57462 accept"},
		check: "multicast-loop", texts: []string{"did not come back", "/etc/nftables.conf"}},
	{name: "iptables keeps discovery in", setUp: []string{"iptables -A OUTPUT -o eth0 -p udp -j DROP"}, check: "multicast-loop", texts: []string{"operation not permitted"}},
	{name: "iptables keeps TCP in", setUp: []string{"iptables -A OUTPUT -p tcp --dport 57462 -j DROP"}, check: "peers", texts: []string{"does not answer TCP from this host"}},
	{name: "nft keeps TCP out", setUp: []string{"nft add table inet fw", "nft add chain inet fw in '{ type filter hook input priority 0; policy drop; }'",
		"nft add rule inet fw in iifname lo accept", "nft add rule inet fw in ct state established,related accept", "nft add rule inet fw in udp dport 6780 accept"},
		check: "packet-filter", texts: []string{"chain in of table inet fw", "keeps other hosts from TCP port 57462", "/etc/nftables.conf"}},
	{name: "iptables keeps TCP out", setUp: []string{"iptables -A INPUT -i eth0 -p tcp --syn -j DROP"}, check: "packet-filter", texts: []string{"iptables, chain INPUT", "iptables-save"}},
	{name: "hostname is loopback", setUp: []string{"printf '127.0.0.1 localhost\\n127.0.1.1 %s.example.org %s\\n' $(hostname) $(hostname) >hosts", "mount --bind hosts /etc/hosts"},
		check: "hostname", texts: []string{"127.0.1.1 only (/etc/hosts:2)"}},
	{name: "hostname unknown", setUp: []string{"echo 127.0.0.1 localhost >hosts", "mount --bind hosts /etc/hosts"}, check: "hostname", texts: []string{"leads nowhere"}},
	{name: "TCP port taken", setUp: []string{"@HOLD tcp4 :57462"}, check: "listener-ports", texts: []string{"TCP port 57462", "is taken by"}},
	{name: "TCP port taken, seen by nobody", user: true, setUp: []string{"@HOLD tcp4 :57462"}, check: "listener-ports", texts: []string{"a process of another user", "as root, lateral doctor tells"},
		mend: func(doctor.Finding) []string { return []string{"kill @HELD"} }},
	{name: "UDP port not shared", setUp: []string{"@HOLD udp4 :6780"}, check: "udp-port", texts: []string{"can't be bound beside the others"}, also: []string{"neighbours"}},
	{name: "TcpServers beside discovery", ccf: with("TcpServers=@HELPER:57462"), check: "config", texts: []string{"TcpServers beside UdpDiscoveryEnabled=true"}},
	{name: "peer's name unknown", ccf: with("UdpDiscoveryEnabled=false", "TcpServers=gw:57462"), check: "peer-names", texts: []string{"the name gw leads nowhere"}, mend: fillIn("ADDRESS gw")},
	{name: "advertised loopback", ccf: with("AdvertiseHost=127.0.0.1"), check: "advertised", texts: []string{"which is loopback"}},
	{name: "another cluster's name", ccf: with("ClusterName=test", "UdpDiscoveryPort=6795"), flags: "--listen 5s", check: "neighbours", texts: []string{`announces a cluster "default"`}},
	{name: "secret for all to read", setUp: []string{"chmod 644 cluster.secret"}, check: "security", texts: []string{"its mode is 0644"}},
	{name: "another secret", ccf: with("UdpDiscoveryPort=6797"), flags: "--listen 5s", setUp: []string{"rm cluster.secret", "lateral keygen cluster.secret"}, check: "neighbours", texts: []string{"is not believed", "fingerprint", "scp"}, mend: fillIn("scp")},
	{name: "packets larger than others take", ccf: with("UdpDiscoveryAddr=228.5.6.7", "UdpDiscoveryPort=6789", "Interface=eth0"), setUp: []string{"ip link set eth0 mtu 4000"}, check: "peers", texts: []string{"takes packets of 1500 bytes"}},
	{name: "few files", env: "ulimit -n 256;", check: "file-limit", texts: []string{"no more than 256 files"}},
	{name: "few files for a service", env: "ulimit -n 256;", runs: true, check: "file-limit", texts: []string{"no more than 256 files"}},
	{name: "disk full", setUp: []string{"mkdir -p run", "mount -t tmpfs -o size=64k none run", "chmod 700 run"}, check: "disk-space", texts: []string{"has 64 KiB free"}},
	{name: "disk of a region full", ccf: plainCCF + `jcs.region.Spooled=A,DC
jcs.auxiliary.DC=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheFactory
jcs.auxiliary.DC.attributes=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheAttributes
jcs.auxiliary.DC.attributes.DiskPath=@DIR/spool
`, setUp: []string{"mkdir spool", "mount -t tmpfs -o size=1m none spool"}, check: "disk-tier", texts: []string{"DiskPath of DC", "1.0 MiB free", "make room"},
		mend: func(doctor.Finding) []string { return []string{"mount -o remount,size=3g spool"} }},
	{name: "container on a bridge", setUp: []string{"touch /run/.containerenv", "iptables -A INPUT -s @HELPER -p udp -j DROP"}, check: "neighbours",
		texts: []string{"this is a container (", "--network host"}, mend: func(doctor.Finding) []string { return []string{"iptables -F INPUT"} }},
}

// fillIn takes the remedy from the line of Do that has these words, and writes
// into it what only people know.
func fillIn(words string) func(doctor.Finding) []string {
	return func(f doctor.Finding) []string {
		for line := range strings.Lines(f.Do) {
			line = strings.TrimSpace(line)
			switch {
			case !strings.HasPrefix(line, words):
			case strings.HasPrefix(line, "scp "):
				return []string{"cp @HELPERDIR/cluster.secret " + strings.Fields(line)[2]}
			default:
				return []string{fmt.Sprintf("echo '%s' >>/etc/hosts", strings.Replace(line, "ADDRESS", "@HELPER", 1))}
			}
		}
		return nil
	}
}

// A patient is a host of its own for one trap.
type patient struct {
	t       *testing.T
	h       *lab.Host
	trap    trap
	number  int
	fill    *strings.Replacer
	held    int // pid of who holds a port
	service int // pid of a service that runs here
	page    *trapPage
}

// TestTraps breaks one host for each trap and has the doctor name the cause;
// its remedy, run as it was printed, makes the next run green. All hosts are on
// one bridge with a service that is well.
func TestTraps(t *testing.T) {
	t.Parallel() // with other tests; the traps are all at once in any case
	l := lab.New(t, lab.Options{Hosts: 1 + len(traps)})
	helper := l.Hosts[0]
	bin := binaries(t)
	for i, h := range l.Hosts {
		must(t, os.WriteFile(filepath.Join(h.Dir, "hosts"), nil, 0o644))
		if i == 0 {
			_, err := secret.Create(filepath.Join(h.Dir, "cluster.secret"), time.Now())
			must(t, err)
			continue
		}
		b, err := os.ReadFile(filepath.Join(helper.Dir, "cluster.secret"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(h.Dir, "cluster.secret"), b, 0o600))
	}
	p := &patient{t: t, h: helper, fill: strings.NewReplacer("@DIR", helper.Dir)}
	helper.AddRoute(everyGroup)
	p.shell(bin, "ip -6 addr del "+helper.Addr6.String()+"/64 dev eth0") // link-local is what a host without a router has
	p.write("helper.ccf", helperCCF())
	service := p.start(bin, "run", "--service", "helper", "--config", "helper.ccf", "--runtime-dir", "run")
	service.WaitLine("msg=started", 20*time.Second)

	pg := &trapPage{said: map[string]string{}}
	room := make(chan struct{}, 10) // at once: each doctor is a process
	var all sync.WaitGroup
	defer func() {
		all.Wait()
		pg.compare(t)
	}()
	treat := func(i int, x trap) {
		h := l.Hosts[1+i]
		t.Run(x.name, func(t *testing.T) {
			p := &patient{t: t, h: h, trap: x, number: i, page: pg, fill: strings.NewReplacer("@DIR", h.Dir, "@HELPERDIR", helper.Dir, "@HELPER", helper.Addr.String(),
				"@ADDR", h.Addr.String(), "@N", fmt.Sprintf("%02d", i), "@HOLD", filepath.Join(bin, "hold"))}
			p.treat(bin)
		})
	}
	for i, x := range traps {
		if !x.runs {
			all.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				treat(i, x)
			})
		}
	}
	all.Wait()
	for i, x := range traps { // their services are heard by all others
		if x.runs {
			treat(i, x)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// treat breaks the host, has it looked at, mends it and looks again.
func (p *patient) treat(bin string) {
	x := p.trap
	text := x.ccf
	if text == "" {
		text = plainCCF
	}
	must(p.t, os.Mkdir(filepath.Join(p.h.Dir, "groupware"), 0o755))
	p.write("groupware/cache.ccf", text)
	p.shell(bin, "mount -t tmpfs none /run") // what this machine keeps its network with is not the host's
	for _, c := range x.setUp {
		if name, what, ok := strings.Cut(c, " "); ok && name == "@HOLD" {
			holder := p.h.Start(filepath.Join(bin, "hold"), strings.Fields(what)...)
			holder.WaitLine("held", 10*time.Second)
			p.held = holder.PID
			continue
		}
		p.harm(bin, c)
	}
	if x.runs {
		proc := p.start(bin, "-c", x.env+" exec lateral run --service groupware --config groupware/cache.ccf --runtime-dir run")
		p.service = proc.PID
		defer func() {
			proc.Signal(syscall.SIGTERM)
			must(p.t, proc.Wait(20*time.Second))
		}()
		proc.WaitLine("msg=started", 20*time.Second)
		lab.Eventually(p.t, 20*time.Second, func() error { // a link may be there before an announcement
			for _, f := range p.look(bin, "").Findings {
				if f.Check == "neighbours" && f.Severity != doctor.Ok {
					return errors.New(f.Saw)
				}
			}
			return nil
		})
	}
	if x.check == "" {
		p.green(p.look(bin, ""))
		return
	}
	run := p.named(p.look(bin, x.env))
	if x.env != "" && !mayRaise(p.t) {
		p.t.Log("this process may not raise limits (CAP_SYS_RESOURCE): the remedy is not tried")
		return
	}
	for _, c := range run {
		if strings.HasPrefix(c, "ulimit ") {
			p.green(p.look(bin, x.env+c+";"))
			return
		}
		p.shell(bin, c)
	}
	p.green(p.look(bin, ""))
}

// mayRaise reports whether this process may raise a limit of files, which in
// many containers root may not.
func mayRaise(t *testing.T) bool {
	t.Helper()
	return exec.Command("/bin/sh", "-c", "ulimit -n 256; ulimit -Hn 65536").Run() == nil
}

// harm runs a line that makes the host wrong; the test is skipped where the
// machine has not got what it takes.
func (p *patient) harm(bin, line string) {
	p.t.Helper()
	out, err := p.command(bin, line).CombinedOutput()
	exit := (*exec.ExitError)(nil)
	switch lacks := errors.As(err, &exit) && exit.ExitCode() == 127; {
	case err == nil:
	case lacks, bytes.Contains(out, []byte("Unknown device type")), bytes.Contains(out, []byte("not supported")):
		lab.Missing(p.t, "lab", fmt.Sprintf("needs %s: %s", line, bytes.TrimSpace(out)))
	default:
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// named judges what the doctor said of a broken host, and returns its remedy.
func (p *patient) named(r doctor.Report) (run []string) {
	p.t.Helper()
	x := p.trap
	found := false
	for _, f := range r.Findings {
		if f.Severity == doctor.Ok || f.Because != "" {
			continue
		}
		whole := strings.Join(slices.Concat([]string{f.Saw, f.Why, f.Do}, f.Run, f.Details), "\n")
		switch {
		case f.Check == x.check && !slices.ContainsFunc(x.texts, func(text string) bool { return !strings.Contains(whole, text) }):
			found = true
			p.page.say(x.name, p.plain(f))
			if f.Why == "" || f.Do == "" {
				p.t.Errorf("no why or do in %+v", f)
			}
			if x.mend != nil {
				run = append(run, x.mend(f)...)
			} else {
				run = append(run, f.Run...)
			}
		case !slices.Contains(x.also, f.Check):
			p.t.Errorf("beside the cause: %s: %s", f.Check, f.Saw)
		}
	}
	if !found || len(run) == 0 {
		p.t.Errorf("no finding of %s with %q and a command; the report:\n%s", x.check, x.texts, text(r))
	}
	return run
}

// plain is a finding with the numbers of this run replaced by some of the page's.
func (p *patient) plain(f doctor.Finding) string {
	text := printed(f)
	for _, r := range [][2]string{
		{p.h.Dir + "/", "/etc/lateral/"}, {p.h.Dir, "/etc/lateral"}, {p.h.Addr.String(), "10.77.0.11"},
		{p.h.Name, "oxgw11"}, {"oxgw01", "oxgw12"}, {fmt.Sprint(p.held) + "/hold", "3706/java"}, {"kill " + fmt.Sprint(p.held), "kill 3706"},
		{"(Docker)", "(Podman)"}, {fmt.Sprintf("10.77.0.2%02d", p.number), "10.77.0.211"},
	} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	if p.service != 0 {
		text = strings.ReplaceAll(text, fmt.Sprint(p.service), "3706")
	}
	text = helperAddr.ReplaceAllString(text, "10.77.0.12")
	text = nameServer.ReplaceAllString(text, "the name server 10.77.0.53:53 gives no answer")
	return fingerprints.ReplaceAllString(text, "fingerprint 6c471683")
}

var nameServer = regexp.MustCompile(`the name server \S+ gives no answer`)

var helperAddr = regexp.MustCompile(`\b10\.77\.0\.1\b`)

var fingerprints = regexp.MustCompile("fingerprint [0-9a-f]{8}")

// green wants nothing to be wrong.
func (p *patient) green(r doctor.Report) {
	p.t.Helper()
	if r.ExitCode != 0 {
		p.t.Errorf("exit %d:\n%s", r.ExitCode, text(r))
	}
}

func text(r doctor.Report) string {
	var b strings.Builder
	r.Write(&b, false)
	return b.String()
}

// look runs the doctor on the host.
func (p *patient) look(bin, before string) (r doctor.Report) {
	p.t.Helper()
	args := " --config @DIR/groupware"
	if p.trap.runs {
		args = ""
	}
	if p.trap.user {
		p.shell(bin, "chown -R 65534:65534 .")
		before += " exec setpriv --reuid 65534 --regid 65534 --clear-groups"
	} else {
		before += " exec"
	}
	cmd := p.command(bin, before+" lateral doctor --json --timeout 6s --runtime-dir run "+p.trap.flags+args)
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	exit := (*exec.ExitError)(nil)
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(out, &r); err != nil || r.ExitCode != cmd.ProcessState.ExitCode() {
		p.t.Fatalf("exit %d, %v\n%s%s", cmd.ProcessState.ExitCode(), err, out, &errout)
	}
	return r
}

// shell runs a line on the host.
func (p *patient) shell(bin, line string) {
	p.t.Helper()
	if out, err := p.command(bin, line).CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

func (p *patient) command(bin, line string) *exec.Cmd {
	cmd := p.h.Command("/bin/sh", "-c", strings.ReplaceAll(p.fill.Replace(line), "@HELD", fmt.Sprint(p.held)))
	cmd.Env = p.env(bin)
	return cmd
}

func (p *patient) env(bin string) []string {
	return append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0", "NO_COLOR=1")
}

// start starts the program, or with -c a shell.
func (p *patient) start(bin string, args ...string) *lab.Proc {
	p.t.Helper()
	name := filepath.Join(bin, "lateral")
	if args[0] == "-c" {
		name = "/bin/sh"
	}
	cmd := exec.Command(name, args...)
	cmd.Env = p.env(bin)
	proc, err := p.h.StartCmd(cmd)
	must(p.t, err)
	return proc
}

func (p *patient) write(name, text string) {
	p.t.Helper()
	must(p.t, os.WriteFile(filepath.Join(p.h.Dir, name), []byte(p.fill.Replace(text)), 0o600))
}

// binaries makes a directory in which this test binary has the names of the
// programs that it can be.
func binaries(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755)) // for who is not root
	for _, name := range []string{"lateral", "hold"} {
		path := filepath.Join(dir, name)
		if os.Link(self, path) == nil { // the test's own directory is private
			continue
		}
		b, err := os.ReadFile(self)
		must(t, err)
		must(t, os.WriteFile(path, b, 0o755))
	}
	return dir
}

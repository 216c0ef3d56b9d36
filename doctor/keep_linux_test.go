// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lateral/internal/lab"
)

// netTools is a directory with unpacked packages: network-manager, firewalld,
// ufw and ifupdown. They are not installed, since some of them would start, and
// take the machine's network in hand.
const netTools = "LATERAL_NETTOOLS"

// furnish makes of a new namespace a host with an interface, and with these
// packages as if they were installed. $dir is a directory on a tmpfs.
const furnish = `
mount --make-rprivate /
mount -t tmpfs none $dir
mkdir $dir/low
cp -a $tools/. $dir/low/
for d in lib sbin bin; do
  if [ -d $dir/low/$d ]; then mkdir -p $dir/low/usr/$d; cp -a $dir/low/$d/. $dir/low/usr/$d/; fi
done
for d in etc usr var; do
  mkdir -p $dir/low/$d $dir/up/$d $dir/work/$d
  mount -t overlay -o lowerdir=$dir/low/$d:/$d,upperdir=$dir/up/$d,workdir=$dir/work/$d none /$d
done
mount -t tmpfs none /run
mount -t sysfs -o ro none /sys
ip link set lo up
ip link add eth0 type veth peer name far
ip link set far up
`

// onHost runs a script on such a host, and returns what it printed.
func onHost(t *testing.T, script string) string {
	t.Helper()
	dir := os.Getenv(netTools)
	if dir == "" {
		lab.Missing(t, "nettools", "needs "+netTools+", a directory with the packages network-manager, firewalld, ufw and ifupdown, as .ci/run makes it")
	}
	cmd := exec.Command("unshare", "-mn", "--pid", "--fork", "--mount-proc", "sh", "-ec", furnish+script)
	cmd.Env = append(os.Environ(), "dir="+t.TempDir(), "tools="+dir, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return string(out)
}

// keepers are a host's remedies that outlive a restart, by what keeps its network.
func keepers(network string) *scene {
	s := &scene{machine: gateway()}
	s.tools = tools{network: network, file: func(int) string { return "/etc/systemd/network/10-lan.network" }}
	return s
}

// printed are the lines of a remedy that are to be copied: those that stand out.
func copied(remedy string) string {
	var b strings.Builder
	for line := range strings.Lines(remedy + "\n") {
		if text, ok := strings.CutPrefix(line, "    "); ok {
			b.WriteString(text)
		}
	}
	return b.String()
}

// write is a shell's line that writes a file.
func write(path, text string) string {
	return fmt.Sprintf("mkdir -p %s\ncat >%s <<'END'\n%sEND\n", filepath.Dir(path), path, text)
}

func wants(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
}

var four, six = netip.MustParsePrefix("224.0.0.0/8"), netip.MustParsePrefix("ff00::/8")

// TestKeptByIfupdown: the lines of /etc/network/interfaces do what they are for.
func TestKeptByIfupdown(t *testing.T) {
	t.Parallel()
	s := keepers(ifupdown)
	text := "iface eth0 inet static\naddress 10.1.0.1/24\n" + copied(s.keepRoute(four, "eth0")) + copied(s.keepMulticast("eth0")) + copied(s.keepMTU("eth0", 1400)) +
		"iface eth0 inet6 manual\n" + copied(s.keepRoute(six, "eth0")) +
		"iface br0 inet manual\npre-up ip link add br0 type bridge\n" + copied(s.keepQuerier("br0"))
	out := onHost(t, write("/etc/network/interfaces", text)+"ip link set eth0 multicast off\n"+s.bringUp("eth0")+"\nifup br0\n"+
		"ip route; ip -6 route show table local; ip link show eth0; ip -d link show br0\n")
	wants(t, out, "224.0.0.0/8 dev eth0 scope link", "multicast ff00::/8 dev eth0", "BROADCAST,MULTICAST,UP", "mtu 1400", "mcast_querier 1")
}

// TestKeptByNetworkd: systemd-networkd knows the keys, and does what they are
// for. Its bringUp, networkctl up, asks the system's bus and is not tried.
func TestKeptByNetworkd(t *testing.T) {
	t.Parallel()
	s := keepers(networkd)
	script := write("/etc/systemd/network/10-lan.network", "[Match]\nName=eth0\n[Network]\nAddress=10.1.0.1/24\n") +
		write("/etc/systemd/network/br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n"+copied(s.keepQuerier("br0")))
	for _, remedy := range []string{s.keepRoute(four, "eth0"), s.keepMulticast("eth0"), s.keepMTU("eth0", 1400)} {
		_, after, _ := strings.Cut(remedy, "with systemd-networkd, in ")
		file, _, ok := strings.Cut(after, ":\n")
		if !ok {
			t.Fatalf("no file in %q", remedy)
		}
		script += write(file, copied(remedy))
	}
	script += write("/tmp/six", copied(s.keepRoute(six, "eth0"))) + "cat /tmp/six >>/etc/systemd/network/10-lan.network\nrm /tmp/six\n"
	script += `
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network: /run/systemd/netif
ip link set eth0 multicast off
SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=info /lib/systemd/systemd-networkd >log 2>&1 &
for i in $(seq 100); do ip route | grep -q ^224 && [ -e /sys/class/net/br0 ] && break; sleep 0.1; done
cat log; ip route; ip link show eth0; ip -6 route show table all; cat /sys/class/net/br0/bridge/multicast_querier
kill $!
`
	out := onHost(t, "cd $dir\n"+script)
	wants(t, out, "224.0.0.0/8 dev eth0", "BROADCAST,MULTICAST,UP", "mtu 1400", "ff00::/8 dev eth0 table local proto static", "\n1\n")
	for line := range strings.Lines(out) {
		if strings.Contains(line, "/etc/systemd") && (strings.Contains(line, "nknown") || strings.Contains(line, "ignor")) {
			t.Error(line)
		}
	}
}

// TestKeptByNetworkManager: nmcli takes the settings. That is the parser and
// the check of values. Which connection an interface has only a NetworkManager
// that runs can say, so that part of the command is left out; for the same
// reason its bringUp, nmcli device connect, is not tried.
func TestKeptByNetworkManager(t *testing.T) {
	t.Parallel()
	s := keepers(netManager)
	const lan = "[connection]\nid=lan\nuuid=8e7b1a5e-0000-4000-8000-000000000001\ntype=ethernet\ninterface-name=eth0\n"
	const bridge = "[connection]\nid=br\nuuid=8e7b1a5e-0000-4000-8000-000000000002\ntype=bridge\ninterface-name=br0\n[bridge]\n"
	for _, c := range []struct{ remedy, dev, file, want string }{
		{s.keepRoute(four, "eth0"), "eth0", lan, "route1=224.0.0.0/8"},
		{s.keepRoute(six, "eth0"), "eth0", lan, "route1=ff00::/8\nroute1_options=table=255"},
		{s.keepMTU("eth0", 1400), "eth0", lan, "mtu=1400"},
		{s.keepQuerier("br0"), "br0", bridge, "multicast-querier=true"},
	} {
		command := strings.Replace(copied(c.remedy), "nmcli connection modify "+connection(c.dev), "nmcli --offline connection modify", 1)
		if !strings.HasPrefix(command, "nmcli --offline ") {
			t.Fatalf("no command in %q", c.remedy)
		}
		wants(t, onHost(t, write("/tmp/before", c.file)+strings.TrimSpace(command)+" </tmp/before; rm /tmp/before\n"), c.want)
	}
	script := copied(s.keepMulticast("eth0"))
	wants(t, onHost(t, write("/etc/NetworkManager/dispatcher.d/50-multicast", script)+"chmod 755 /etc/NetworkManager/dispatcher.d/50-multicast\n"+
		"ip link set eth0 multicast off\n/etc/NetworkManager/dispatcher.d/50-multicast eth0 up\nip link show eth0\n"), "BROADCAST,MULTICAST")
}

// TestOpenedByFirewalld: firewalld's own parser takes the commands, and has the
// ports then. It is the one for when no daemon runs, which knows no --permanent:
// all that it does is.
func TestOpenedByFirewalld(t *testing.T) {
	t.Parallel()
	f := filters{manager: "firewalld"}
	open := func(tr traffic) (script string) {
		for _, c := range f.open(tr) {
			script += strings.ReplaceAll(strings.ReplaceAll(c, "firewall-cmd", "firewall-offline-cmd"), "--permanent ", "") + "\n"
		}
		return script
	}
	// An interface that is in no zone by name is in the default one.
	out := onHost(t, open(traffic{dev: "eth0", to: netip.MustParseAddr("224.0.0.1"), proto: "udp", port: 6780})+
		"firewall-offline-cmd --zone=internal --add-interface=eth0\n"+open(traffic{dev: "eth0", proto: "tcp", port: 57462})+
		"echo public: $(firewall-offline-cmd --zone=public --list-ports), internal: $(firewall-offline-cmd --zone=internal --list-ports)\n")
	wants(t, out, "public: 6780/udp, internal: 57462/tcp")
}

// TestOpenedByUfw: ufw runs, and lets through what the commands say.
func TestOpenedByUfw(t *testing.T) {
	t.Parallel()
	f := filters{manager: "ufw"}
	script := "mkdir -p /etc/ufw\ncp /usr/share/ufw/*.rules /usr/share/ufw/ufw.conf /etc/ufw/\ncp /usr/share/ufw/iptables/*.rules /etc/ufw/\nufw --force enable\n" // as its package does
	for _, tr := range []traffic{{dev: "eth0", to: netip.MustParseAddr("224.0.0.1"), proto: "udp", port: 6780}, {proto: "tcp", port: 57462},
		{dev: "eth0", to: netip.MustParseAddr("ff02::1%eth0"), proto: "udp", port: 6781, out: true}} {
		script += strings.Join(f.open(tr), "\n") + "\n"
	}
	out := onHost(t, script+"iptables -S; ip6tables -S; ufw --force disable\n")
	wants(t, out, "-A ufw-user-input -d 224.0.0.1/32 -i eth0 -p udp -m udp --dport 6780 -j ACCEPT", "-A ufw-user-input -p tcp -m tcp --dport 57462 -j ACCEPT",
		"-A ufw6-user-output -d ff02::1/128 -o eth0 -p udp -m udp --dport 6781 -j ACCEPT")
}

// TestKeptByTheSystem: what is saved of iptables can be read again, nft reads the
// rule that was inserted in a file, sysctl the line, and systemd the unit.
func TestKeptByTheSystem(t *testing.T) {
	t.Parallel()
	rules := traffic{dev: "eth0", to: netip.MustParseAddr("224.0.0.1"), proto: "udp", port: 6780}
	save := copied((filters{}).keep([]string{rules.iptables()}))
	rule, ok := strings.CutPrefix(rules.nft(chain{Family: "inet", Table: "fw", Name: "in"}), "nft insert rule inet fw in ")
	if !ok {
		t.Fatal(rules.nft(chain{}))
	}
	ruleset := "table inet fw {\nchain in {\ntype filter hook input priority 0; policy accept;\n" + rule + "\nudp dport 6780 drop\n}\n}\n"
	limits := (&scene{machine: machine{files: func() (uint64, uint64, error) { return 256, 256, nil }}}).files(t.Context())[0]
	out := onHost(t, "mkdir -p /etc/iptables\n"+rules.iptables()+"\n"+save+"iptables-restore --test </etc/iptables/rules.v4\nip6tables-restore --test </etc/iptables/rules.v6\ncat /etc/iptables/rules.v4\n"+
		write("/etc/nftables.conf", ruleset)+"nft -c -f /etc/nftables.conf\n"+
		write(sysctlFile, copied(keepSysctl("net.ipv4.conf.eth0.rp_filter", "2")))+"sysctl -p "+sysctlFile+"; cat /proc/sys/net/ipv4/conf/eth0/rp_filter\n"+
		write("/etc/systemd/system/web.service", "[Service]\nExecStart=/bin/true\n")+write("/etc/systemd/system/web.service.d/files.conf", copied(limits.Do))+
		"systemd-analyze verify /etc/systemd/system/web.service\n")
	wants(t, out, "--dport 6780 -j ACCEPT", "net.ipv4.conf.eth0.rp_filter = 2", "\n2\n")
	if strings.Contains(out, "Unknown") || strings.Contains(out, "gnoring") {
		t.Error(out)
	}
}

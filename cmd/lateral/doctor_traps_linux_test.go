// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"lateral/doctor"
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
	then  []string                        // after it has started
	anew  bool                            // it is started anew after the remedy, as Do says
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
		"nft add rule inet fw in iifname lo accept", "nft add rule inet fw in ct state vmap '{ established : accept, related : accept, invalid : drop }'",
		"nft add rule inet fw in icmp type echo-request accept", "nft add rule inet fw in meta l4proto icmpv6 accept", "nft add rule inet fw in udp dport 6780 accept"},
		check: "packet-filter", texts: []string{"chain in of table inet fw", "keeps other hosts from TCP port 57462", "/etc/nftables.conf"}},
	{name: "iptables keeps TCP out", setUp: []string{"iptables -A INPUT -i eth0 -p tcp --syn -j DROP"}, check: "packet-filter", texts: []string{"iptables, chain INPUT", "iptables-save"}},
	{name: "hostname is loopback", setUp: []string{"printf '127.0.0.1 localhost\\n127.0.1.1 %s.example.org %s\\n' $(hostname) $(hostname) >hosts", "mount --bind hosts /etc/hosts"},
		check: "hostname", texts: []string{"127.0.1.1 only (/etc/hosts:2)"}},
	{name: "hostname unknown", setUp: []string{"echo 127.0.0.1 localhost >hosts", "mount --bind hosts /etc/hosts"}, check: "hostname", texts: []string{"leads nowhere"}},
	{name: "TCP port taken", setUp: []string{"@HOLD tcp4 :57462"}, check: "listener-ports", texts: []string{"TCP port 57462", "is taken by"}},
	{name: "TCP port taken, seen by nobody", user: true, setUp: []string{"@HOLD tcp4 :57462"}, check: "listener-ports", texts: []string{"a process of another user", "as root, lateral doctor tells"}},
	{name: "UDP port not shared", setUp: []string{"@HOLD udp4 :6780"}, check: "udp-port", texts: []string{"can't be bound beside the others"}, also: []string{"neighbours"}},
	{name: "TcpServers beside discovery", ccf: with("TcpServers=@HELPER:57462"), check: "config", texts: []string{"TcpServers beside UdpDiscoveryEnabled=true"}},
	{name: "peer's name unknown", ccf: with("UdpDiscoveryEnabled=false", "TcpServers=gw:57462"), check: "peer-names", texts: []string{"the name gw leads nowhere"}, mend: fillIn("ADDRESS gw")},
	{name: "peer's name leads elsewhere now", ccf: with("UdpDiscoveryEnabled=false", "TcpServers=gw:57472"), setUp: []string{"cp /etc/hosts hosts", "echo @HELPER gw >>hosts", "mount --bind hosts /etc/hosts"}, runs: true, anew: true,
		then:  []string{"lateral mesh --wait 20s --nodes 2", "sed 's/.* gw$/10.77.0.250 gw/' /etc/hosts >new && cat new >/etc/hosts"},
		check: "peer-address-changed", texts: []string{"the name gw leads to 10.77.0.250, and the link of groupware with the peer of that name is with @HELPER", "start groupware anew"}},
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
`, setUp: []string{"mkdir spool", "mount -t tmpfs -o size=64m none spool"}, check: "disk-tier", texts: []string{"DiskPath of DC", "64.0 MiB free", "make room"}},
	{name: "remote server somewhere else", ccf: plainCCF + `jcs.region.Shared=A,VC
jcs.auxiliary.VC=lateral.remote.ValkeyCacheFactory
jcs.auxiliary.VC.attributes.FailoverServers=127.0.0.1:6390
`, setUp: []string{"redis-server --port 6379 --save '' --daemonize yes >redis.log", "for i in $(seq 100); do redis-cli ping >ping 2>&1; grep -q PONG ping && break; sleep 0.05; done"}, check: "remote-tier",
		texts: []string{"server of VC in groupware, 127.0.0.1:6390", "connection refused", "in place of SERVER:6379"}, mend: fillIn("sed -i ")},
	{name: "container on a bridge", setUp: []string{"touch /run/.containerenv", "iptables -A INPUT -s @HELPER -p udp -j DROP"}, check: "neighbours",
		texts: []string{"this is a container (", "--network host"}, mend: fillIn("sed -i ")},
	{name: "a clock that is off", ccf: with("UdpDiscoveryPort=6799"), setUp: clockIs("-300ms"), runs: true, check: "clock", texts: []string{"ahead of this host's", "makestep"}},
	{name: "a clock that is wrong", ccf: with("UdpDiscoveryPort=6801"), setUp: clockIs("-5s"), runs: true, check: "clock", texts: []string{"no link of", "ahead of this node's clock"}},
	{name: "regions differ", ccf: with("UdpDiscoveryPort=6803") + "jcs.region.Differs=A\njcs.region.Differs.elementattributes.IsLateral=false\n", runs: true, anew: true, check: "regions",
		texts: []string{"region Differs is invalidate in groupware, and replicate in oxgw01/helper", "start the services anew"}},
	{name: "regions of two services differ", ccf: with("UdpDiscoveryPort=6803") + "jcs.region.Differs=A\n", setUp: []string{"mkdir two", "sed 's/=57462/=57461/' groupware/cache.ccf >two/cache.ccf",
		"echo jcs.region.Differs.elementattributes.IsLateral=false >>two/cache.ccf"}, flags: "--config @DIR/two", check: "config", texts: []string{"IsLateral is true here and false there", "wire the region alike"}},
	{name: "a member that has gone for good", ccf: with("UdpDiscoveryPort=6805", "AnnounceInterval=1s"), setUp: []string{"mkdir two", "sed 's/=57462/=57461/' groupware/cache.ccf >two/cache.ccf"}, runs: true,
		then:  []string{"@TWO", "lateral mesh --wait 20s --nodes 3", "kill -9 @PID", "for i in $(seq 200); do lateral mesh | grep -q 'last heard' && break; sleep 0.1; done"},
		check: "links", texts: []string{"1 of 3 links are up", "if @SELF/two has ended for good"}, mend: fillIn("lateral forget ")},
}

// clockIs makes the clock of a host's services wrong until chronyc, or what has
// its name there, is told to set it: this machine's own clock is not touched.
func clockIs(off string) []string {
	return []string{"echo " + off + " >clock", `printf '#!/bin/sh\ntest "$*" = makestep && echo 0s >%s/clock\n' @DIR >bin/chronyc`, "chmod 755 bin/chronyc"}
}

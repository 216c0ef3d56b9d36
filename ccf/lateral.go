// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"slices"
	"strings"
)

// lateral makes a Lateral of its attributes and checks them together.
func (r *reader) lateral(b *block) *Lateral {
	const s = scopeLateral
	r.precedence(b)
	l := &Lateral{
		TcpServers:             b.list(s, "TcpServers"),
		TcpListenerPort:        b.num(s, "TcpListenerPort"),
		TcpListenerHost:        b.text(s, "TcpListenerHost"),
		Receive:                b.bool(s, "Receive"),
		AllowGet:               b.bool(s, "AllowGet"),
		PutOnlyMode:            b.bool(s, "PutOnlyMode") && b.gen != g4,
		AllowPut:               b.bool(s, "AllowPut"),
		IssueRemoveOnPut:       b.bool(s, "IssueRemoveOnPut"),
		FilterRemoveByHashCode: b.bool(s, "FilterRemoveByHashCode"),
		SocketTimeOut:          b.time(s, "SocketTimeOut"),
		OpenTimeOut:            b.time(s, "OpenTimeOut"),
		ZombieQueueMaxSize:     b.num(s, "ZombieQueueMaxSize"),
		UdpDiscoveryEnabled:    b.bool(s, "UdpDiscoveryEnabled"),
		UdpDiscoveryAddr:       b.addr(s, "UdpDiscoveryAddr"),
		UdpDiscoveryPort:       b.num(s, "UdpDiscoveryPort"),
		UdpTTL:                 b.num(s, "UdpTTL"),
		ClusterName:            b.text(s, "ClusterName"),
		Interface:              b.list(s, "Interface"),
		AdvertiseHost:          b.text(s, "AdvertiseHost"),
		DnsPeers:               b.list(s, "DnsPeers"),
		LogBytes:               look[int64](b, s, "LogBytes"),
		Bridge:                 b.bool(s, "Bridge"),
		ListenOnly:             b.bool(s, "ListenOnly"),
		HeartbeatInterval:      b.time(s, "HeartbeatInterval"),
		LinkTimeout:            b.time(s, "LinkTimeout"),
		MaxClockSkew:           b.time(s, "MaxClockSkew"),
		AnnounceInterval:       b.time(s, "AnnounceInterval"),
		MemberTimeout:          b.time(s, "MemberTimeout"),
		DrainTimeout:           b.time(s, "DrainTimeout"),
		Where:                  map[string]Pos{},
	}
	for k, st := range b.set {
		l.Where[k.name()] = st.pos
	}
	if only := b.list(s, "UdpDiscoveryInterface"); len(only) > 0 {
		if len(l.Interface) > 0 && !slices.Equal(l.Interface, only) {
			r.tell(b, Warning, "UdpDiscoveryInterface", "Interface says something else, at "+l.Where["Interface"].String(), "Interface counts", "remove one of the two lines")
		} else {
			l.Interface, l.Where["Interface"] = only, l.Where["UdpDiscoveryInterface"]
		}
	}
	r.security(b, l)
	r.checkWays(b, l)
	r.checkObserver(b, l)
	r.checkTimes(b, l)
	return l
}

// tell says something about a key of the block, where it is written, or else
// where the block is.
func (r *reader) tell(b *block, sev Severity, name, saw, why, do string) {
	k := must(scopeLateral, name)
	pos := b.pos
	if st, ok := b.set[k]; ok {
		pos = st.pos
	}
	written := name
	if sp := k.spelled(b.gen); sp != nil {
		written = sp.name
	}
	r.fs.add(sev, pos, b.prefix+"."+written, saw, why, do)
}

// precedence settles TcpServers beside discovery. Both are used when the file
// asks for both. When it does not mention discovery, a list of peers alone
// sends no datagram, although JCS's default would have it on.
func (r *reader) precedence(b *block) {
	servers := b.set[must(scopeLateral, "TcpServers")]
	if javaTrim(servers.text) == "" {
		return
	}
	k := must(scopeLateral, "UdpDiscoveryEnabled")
	if !b.written(scopeLateral, "UdpDiscoveryEnabled") {
		r.tell(b, Note, "TcpServers", "peers are listed, and UdpDiscoveryEnabled is not written", "discovery is off here, while JCS's default is on",
			"write "+b.prefix+".UdpDiscoveryEnabled=false to have JCS nodes do the same, or =true for both")
		b.set[k] = setting{false, "false", servers.pos}
		return
	}
	if b.bool(scopeLateral, "UdpDiscoveryEnabled") {
		r.tell(b, Warning, "TcpServers", fmt.Sprintf("TcpServers beside UdpDiscoveryEnabled=true at %s", b.set[k].pos),
			"both are used: the peers listed here and those that discovery finds", "comment out TcpServers to rely on discovery alone")
	}
}

// checkWays looks at how this endpoint finds peers and is found.
func (r *reader) checkWays(b *block, l *Lateral) {
	if l.UdpDiscoveryEnabled {
		if !l.UdpDiscoveryAddr.IsMulticast() {
			r.tell(b, Error, "UdpDiscoveryAddr", l.UdpDiscoveryAddr.String()+" is not a multicast address", "no one can join it",
				"choose one from 224.0.0.0 to 239.255.255.255, such as 239.1.2.3, or ff02::/16")
		}
		if l.UdpDiscoveryAddr.IsLinkLocalMulticast() {
			r.tell(b, Note, "UdpDiscoveryAddr", l.UdpDiscoveryAddr.String(), "routers never pass it on: nodes must be on one network segment",
				"choose a 239.x.x.x address and UdpTTL to reach further")
		}
		if l.UdpDiscoveryPort == 0 {
			r.tell(b, Error, "UdpDiscoveryPort", "port 0", "nodes would never meet", "write the port that all services of the cluster share")
		}
	} else if len(l.TcpServers)+len(l.DnsPeers) == 0 {
		r.tell(b, Warning, "UdpDiscoveryEnabled", "no discovery, no TcpServers, no DnsPeers", "this endpoint finds no peer; one that knows it may still connect",
			"enable discovery or list peers")
	}
	if l.Receive && l.TcpListenerPort == 0 {
		r.tell(b, Warning, "TcpListenerPort", "port 0", "any free port is taken: peers that list this node cannot reach it, and firewalls cannot let it through",
			"write "+b.prefix+".TcpListenerPort=… with a port of this service's own")
	}
	if l.UdpTTL < 0 || l.UdpTTL > 255 {
		r.tell(b, Error, "UdpTTL", fmt.Sprint(l.UdpTTL), "a TTL is 0 to 255", "write 1 for one network segment")
	}
	if k := must(scopeLateral, "AllowGet"); l.PutOnlyMode && l.AllowGet && b.set[k].v != nil {
		r.tell(b, Note, "AllowGet", "AllowGet=true with PutOnlyMode=true", "peers are not asked: PutOnlyMode forbids it", "add "+b.prefix+".PutOnlyMode=false to ask them")
	}
	if w := b.text(scopeLateral, "TransmissionTypeName"); w != "TCP" && b.written(scopeLateral, "TransmissionTypeName") {
		r.tell(b, Note, "TransmissionTypeName", w, "this factory speaks TCP whatever it says", "write TCP")
	}
	if slices.Contains(l.Interface, "*") && len(l.Interface) > 1 {
		r.tell(b, Warning, "Interface", strings.Join(l.Interface, ","), "* is every interface already", "write * alone, or the names alone")
	}
	for _, p := range l.DnsPeers {
		if _, bad := readServer(g4, p); bad != nil && !strings.HasPrefix(p, "_") {
			r.tell(b, Error, "DnsPeers", fmt.Sprintf("%q", printable(p)), "it is neither name:port nor an SRV record", "write name:port, or _lateral._tcp.name")
		}
	}
}

// checkTimes looks at what must be positive and in order.
func (r *reader) checkTimes(b *block, l *Lateral) {
	if l.LinkTimeout <= l.HeartbeatInterval {
		r.tell(b, Error, "LinkTimeout", fmt.Sprintf("%s, with a heartbeat every %s", l.LinkTimeout, l.HeartbeatInterval),
			"healthy links would be cut", "make LinkTimeout several times HeartbeatInterval")
	}
	if l.MemberTimeout <= l.AnnounceInterval {
		r.tell(b, Error, "MemberTimeout", fmt.Sprintf("%s, with an announcement every %s", l.MemberTimeout, l.AnnounceInterval),
			"members would be forgotten between two announcements", "make MemberTimeout several times AnnounceInterval")
	}
	if l.SocketTimeOut <= 0 {
		r.tell(b, Warning, "SocketTimeOut", "no timeout", "a get would wait for ever on a silent peer", "write 1000, or what a caller can wait")
	}
	if l.OpenTimeOut <= 0 {
		r.tell(b, Warning, "OpenTimeOut", "no timeout", "a dial would wait for ever on a silent host", "write 2000")
	}
	if l.ZombieQueueMaxSize < 0 {
		r.tell(b, Warning, "ZombieQueueMaxSize", fmt.Sprint(l.ZombieQueueMaxSize), "it counts as 0: a JCS peer that is down gets nothing afterwards", "write 0 or more")
		l.ZombieQueueMaxSize = 0
	}
}

// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"lateral/beacon"
	"lateral/cache"
	"lateral/secret"
)

// The sources of what is known of a member, as Member.Source has them.
const (
	Multicast = "multicast" // its own announcement
	Static    = "static"    // the configuration (JCS: TcpServers)
	DNS       = "dns"       // an answer to a configured name
	Peer      = "peer"      // another member spoke of it
	Link      = "link"      // its own hello on a link
)

// A Member is an endpoint that discovery believes in; never ourselves.
type Member struct {
	ID, Node cache.NodeID // ID is 0 while only an address is known

	Cluster, Host, Service, Endpoint string

	PID int
	// Addrs are where to dial it, most promising first: "ip:port", for a
	// static or advertised address also "name:port", to be resolved at each
	// dial. Empty if it can't be dialled (Receive is false, or only its link
	// is known).
	Addrs   []string
	Source  string    // how it was found: multicast before static, dns, link, peer
	Heard   time.Time // last packet, hello or mention; zero while only an address is known
	Receive bool      // it listens and wants changes
	Static  bool      // named by the configuration or a DNS answer: never forgotten while it is
	Stale   bool      // should have been heard of several announcements ago
}

// Self is what we say of ourselves.
type Self struct {
	ID, Node cache.NodeID // of this endpoint and of the process; ID is not 0

	Cluster, Host, Service, Endpoint string

	PID int
	// Port is the TCP port we listen on, 0 with Receive=false.
	Port int
	// AdvertiseHost is the address or name others are to dial; "" (usual)
	// makes them take it from the packet's source.
	AdvertiseHost string
	// Receive is false for an endpoint that listens nowhere: it solicits and
	// hears, but announces nothing.
	Receive bool
}

// A Resolver answers names; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
}

// Config says who we are and where to look for others.
type Config struct {
	Self Self
	// Conn carries the announcements; nil means that no datagram is sent or
	// heard. Run owns it: it closes it in the end.
	Conn beacon.Conn
	// Static are "host:port" addresses of some members; they tell of the rest.
	Static []string
	// DNS are names to ask again and again: "name:port" for its addresses,
	// or "_service._proto.domain" for SRV.
	DNS []string
	// Resolver answers them; nil means net.DefaultResolver.
	Resolver Resolver

	// Ring seals what is said and opens what is heard; nil: all is plain, and
	// sealed packets are ignored.
	Ring *secret.Ring
	// Refuse is told who sends what is not believed for want of the secret,
	// and why. nil: nobody is.
	Refuse func(addr netip.Addr, why error)

	// Also returns what tells others than Lateral (JCS) the same: what stands
	// in front of our section, one packet for each; and what must go alone.
	Also func(k Kind) (front, alone [][]byte)
	// Observe has us take part as a Java node: what Also returns goes out, with
	// no section of ours; Alien is told of every datagram, and there are no
	// members.
	Observe bool
	// Alien is told of datagrams without a section of ours; they may be
	// JCS's. nil ignores them. b is valid until it returns.
	Alien func(from beacon.Source, b []byte)

	AnnounceInterval time.Duration // steady period, ±10 %; 0 means 10 s
	MemberTimeout    time.Duration // silence after which a member is forgotten; 0 means 180 s

	Log  *slog.Logger // nil means slog.Default()
	Rand *rand.Rand   // jitter; used by Run alone; nil means a random seed
}

// Counts are the packets of a Discoverer since it was made.
type Counts struct {
	Packets     uint64 // heard, all of them
	Own         uint64 // our own, looped back
	Foreign     uint64 // of another cluster
	Alien       uint64 // without a section of ours: JCS, or something else altogether
	Undecodable uint64 // cut, damaged, or of a later version
	Unproven    uint64 // sealed with another secret, forged, replayed or too old; sealed and we have none, or not and we have
	Disbelieved uint64 // announced an address that can't be: loopback from elsewhere, no port
	Refused     uint64 // of new members beyond MaxMembers
	Sent        uint64 // announce, solicit and withdraw
	Failed      uint64 // sends that failed on some interface
}

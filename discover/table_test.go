// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/beacon"
	"lateral/cache"

	"pgregory.net/rapid"
)

const us, anna, bert, carl cache.NodeID = 1, 0xa, 0xb, 0xc

func testTable(static ...string) *table {
	t := newTable(Self{ID: us, Cluster: "ox", Host: "here", Port: 1, Receive: true}, 10*time.Second, 180*time.Second)
	t.plant(static)
	return t
}

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

func from(addr string) beacon.Source {
	a := netip.MustParseAddrPort(addr + ":4242")
	s := beacon.Source{Addr: a, Interface: "eth0"}
	if a.Addr().IsLoopback() {
		s.Interface, s.Loopback = "lo", true
	}
	return s
}

func says(k Kind, id cache.NodeID, port uint16, seq uint32) Packet {
	return Packet{Kind: k, Receive: true, ID: id, Node: id, Port: port, Seq: seq, Cluster: "ox", Host: "host-" + id.String()[15:], Service: "s", Endpoint: "e"}
}

func hello(id cache.NodeID, addrs ...string) Member {
	return Member{ID: id, Cluster: "ox", Host: "host-" + id.String()[15:], Service: "s", Endpoint: "e", Receive: true, Source: Link, Addrs: addrs}
}

func mention(id cache.NodeID, heard time.Time, addrs ...string) Member {
	m := hello(id, addrs...)
	m.Source, m.Heard = Peer, heard
	return m
}

// show prints members as "a@addr,addr(source flags)".
func show(t *table, now time.Time) string {
	var list []string
	for _, m := range t.list(now) {
		id := "-"
		if m.ID != 0 {
			id = fmt.Sprintf("%x", uint64(m.ID))
		}
		s := id + "@" + strings.Join(m.Addrs, ",") + "(" + m.Source
		if m.Static {
			s += " static"
		}
		if m.Stale {
			s += " stale"
		}
		list = append(list, s+")")
	}
	return strings.Join(list, " ")
}

// A step is one thing that happens to a table, and who is a member after it.
type step struct {
	at   float64 // seconds
	what string
	do   func(t *table, now time.Time) (changed bool)
	want string
	poke bool // do reports a change
}

func hears(src string, p Packet) func(*table, time.Time) bool {
	return func(t *table, now time.Time) bool { return t.heard(now, from(src), p).changed }
}

func learns(m Member) func(*table, time.Time) bool {
	return func(t *table, now time.Time) bool { return t.learn(now, m) }
}

func binds(addr string, id cache.NodeID) func(*table, time.Time) bool {
	return func(t *table, now time.Time) bool { return t.bind(now, addr, id) }
}

func link(id cache.NodeID, up bool) func(*table, time.Time) bool {
	return func(t *table, now time.Time) bool { return t.linked(now, id, up) }
}

func leaves(id cache.NodeID) func(*table, time.Time) bool {
	return func(t *table, now time.Time) bool { return t.left(now, id) }
}

func retracts(id cache.NodeID) func(*table, time.Time) bool {
	return func(t *table, _ time.Time) bool { return t.retract(id) }
}

func expires(t *table, now time.Time) bool { return t.expire(now) }

func answers(addrs ...string) func(*table, time.Time) bool {
	return func(t *table, _ time.Time) bool { return t.answered("name:1", addrs) }
}

func TestTable(t *testing.T) {
	for name, story := range map[string]struct {
		static []string
		steps  []step
	}{
		"silent death, then expiry": {nil, []step{
			{0, "heard", hears("10.0.0.1", says(Announce, anna, 7, 1)), "a@10.0.0.1:7(multicast)", true},
			{10, "again", hears("10.0.0.1", says(Announce, anna, 7, 2)), "a@10.0.0.1:7(multicast)", false},
			{50, "silence", expires, "a@10.0.0.1:7(multicast stale)", false},
			{189.9, "not yet", expires, "a@10.0.0.1:7(multicast stale)", false},
			{190, "forgotten", expires, "", true},
			{191, "back", hears("10.0.0.1", says(Announce, anna, 7, 3)), "a@10.0.0.1:7(multicast)", true},
		}},
		"a link keeps a silent member": {nil, []step{
			{0, "link before anything is known", link(anna, true), "", false},
			{0, "heard", hears("10.0.0.1", says(Announce, anna, 7, 1)), "a@10.0.0.1:7(multicast)", true},
			{500, "stale, not forgotten", expires, "a@10.0.0.1:7(multicast stale)", false},
			{600, "down", link(anna, false), "a@10.0.0.1:7(multicast stale)", false},
			{779, "grace", expires, "a@10.0.0.1:7(multicast stale)", false},
			{780, "forgotten", expires, "", true},
		}},
		"a link without multicast is not stale": {nil, []step{
			{0, "hello", learns(hello(anna, "10.0.0.1:7")), "a@10.0.0.1:7(link)", true},
			{0, "up", link(anna, true), "a@10.0.0.1:7(link)", false},
			{500, "fine", expires, "a@10.0.0.1:7(link)", false},
		}},
		"restart with a new id at the same address": {nil, []step{
			{0, "heard", hears("10.0.0.1", says(Announce, anna, 7, 5)), "a@10.0.0.1:7(multicast)", true},
			{0, "up", link(anna, true), "a@10.0.0.1:7(multicast)", false},
			{5, "new id", hears("10.0.0.1", says(Solicit, bert, 7, 1)), "b@10.0.0.1:7(multicast)", true},
			{6, "old news", learns(mention(anna, at(4), "10.0.0.1:7")), "b@10.0.0.1:7(multicast)", false},
			{6, "late packet", hears("10.0.0.1", says(Announce, anna, 7, 5)), "b@10.0.0.1:7(multicast)", false},
			{7, "same host, other port", hears("10.0.0.1", says(Announce, carl, 8, 1)), "b@10.0.0.1:7(multicast) c@10.0.0.1:8(multicast)", true},
		}},
		"the superseded lives after all": {nil, []step{
			{0, "heard", hears("10.0.0.1", says(Announce, anna, 7, 5)), "a@10.0.0.1:7(multicast)", true},
			{5, "new id", hears("10.0.0.1", says(Solicit, bert, 7, 1)), "b@10.0.0.1:7(multicast)", true},
			{6, "newer packet", hears("10.0.0.2", says(Announce, anna, 7, 6)), "a@10.0.0.2:7(multicast) b@10.0.0.1:7(multicast)", true},
		}},
		"withdraw": {nil, []step{
			{0, "heard", hears("10.0.0.1", says(Announce, anna, 7, 1)), "a@10.0.0.1:7(multicast)", true},
			{1, "goodbye", hears("10.0.0.1", says(Withdraw, anna, 7, 3)), "", true},
			{1, "again", hears("10.0.0.1", says(Withdraw, anna, 7, 4)), "", false},
			{1, "overtaken", hears("10.0.0.1", says(Announce, anna, 7, 2)), "", false},
			{2, "hearsay", learns(mention(anna, at(1), "10.0.0.1:7")), "", false},
		}},
		"withdraw overtakes the first announcement": {nil, []step{
			{0, "goodbye", hears("10.0.0.1", says(Withdraw, anna, 7, 2)), "", false},
			{0, "overtaken", hears("10.0.0.1", says(Announce, anna, 7, 1)), "", false},
		}},
		"withdraw with a link": {nil, []step{
			{0, "heard", hears("10.0.0.1", says(Announce, anna, 7, 1)), "a@10.0.0.1:7(multicast)", true},
			{0, "up", link(anna, true), "a@10.0.0.1:7(multicast)", false},
			{1, "goodbye", hears("10.0.0.1", says(Withdraw, anna, 7, 3)), "a@10.0.0.1:7(multicast)", false},
			{2, "down", link(anna, false), "", true},
		}},
		"forged withdraw with a link": {nil, []step{
			{0, "heard", hears("10.0.0.1", says(Announce, anna, 7, 1)), "a@10.0.0.1:7(multicast)", true},
			{0, "up", link(anna, true), "a@10.0.0.1:7(multicast)", false},
			{1, "goodbye", hears("10.0.0.9", says(Withdraw, anna, 7, 2)), "a@10.0.0.1:7(multicast)", false},
			{2, "still there", hears("10.0.0.1", says(Announce, anna, 7, 3)), "a@10.0.0.1:7(multicast)", false},
			{3, "down", link(anna, false), "a@10.0.0.1:7(multicast)", false},
		}},
		"goodbye on a link": {[]string{"oxgw01:7"}, []step{
			{0, "dialled", binds("oxgw01:7", anna), "a@oxgw01:7(static static)", true},
			{0, "hello", learns(hello(anna, "10.0.0.1:7")), "a@10.0.0.1:7,oxgw01:7(static static)", true},
			{1, "left", leaves(anna), "-@oxgw01:7(static static)", true},
			{2, "hearsay", learns(mention(anna, at(1), "10.0.0.1:7")), "-@oxgw01:7(static static)", false},
			{3, "hello all the same", learns(hello(anna, "10.0.0.1:7")), "-@oxgw01:7(static static) a@10.0.0.1:7(link)", true},
		}},
		"a static address that is ourselves": {[]string{"oxgw01:7", "oxgw02:7"}, []step{
			{0, "dialled", binds("oxgw01:7", us), "-@oxgw02:7(static static)", true},
			{0, "again", binds("oxgw01:7", us), "-@oxgw02:7(static static)", false},
			{900, "for ever", expires, "-@oxgw02:7(static static)", false},
			{901, "until another answers there", binds("oxgw01:7", anna), "-@oxgw02:7(static static) a@oxgw01:7(static static)", true},
		}},
		"a static member restarts": {[]string{"10.0.0.1:7"}, []step{
			{0, "dialled", binds("10.0.0.1:7", anna), "a@10.0.0.1:7(static static)", true},
			{1, "heard", hears("10.0.0.1", says(Announce, anna, 7, 1)), "a@10.0.0.1:7(multicast static)", true},
			{9, "new id", hears("10.0.0.1", says(Announce, bert, 7, 1)), "b@10.0.0.1:7(multicast static)", true},
			{300, "silence", expires, "-@10.0.0.1:7(static static)", true},
		}},
		"our former life": {nil, []step{
			{0, "hearsay", learns(mention(anna, at(-1), "10.0.0.9:7")), "a@10.0.0.9:7(peer)", true},
			{1, "dialled: ourselves", binds("10.0.0.9:7", us), "", true},
			{2, "hearsay", learns(mention(bert, at(1), "10.0.0.9:7")), "", false},
			{200, "not for ever", expires, "", false},
			{200, "hearsay", learns(mention(bert, at(199), "10.0.0.9:7")), "b@10.0.0.9:7(peer)", true},
		}},
		"peer exchange": {[]string{"10.0.0.1:7"}, []step{
			{0, "dialled", binds("10.0.0.1:7", anna), "a@10.0.0.1:7(static static)", true},
			{0, "hearsay", learns(mention(bert, at(-30), "10.0.0.2:7", "oxgw02:7")), "a@10.0.0.1:7(static static) b@10.0.0.2:7,oxgw02:7(peer)", true},
			{1, "no news", learns(mention(bert, at(-30), "10.0.0.2:7")), "a@10.0.0.1:7(static static) b@10.0.0.2:7,oxgw02:7(peer)", false},
			{2, "about ourselves", learns(mention(us, at(0), "10.0.0.9:7")), "a@10.0.0.1:7(static static) b@10.0.0.2:7,oxgw02:7(peer)", false},
			{3, "too old", learns(mention(carl, at(-177), "10.0.0.3:7")), "a@10.0.0.1:7(static static) b@10.0.0.2:7,oxgw02:7(peer)", false},
			{4, "takes no address", learns(mention(carl, at(0), "10.0.0.1:7")), "a@10.0.0.1:7(static static) b@10.0.0.2:7,oxgw02:7(peer)", false},
			{5, "not to be dialled", learns(mention(carl, at(0), "0.0.0.0:7", "x:0", "no port", "")), "a@10.0.0.1:7(static static) b@10.0.0.2:7,oxgw02:7(peer)", false},
		}},
		"hearsay ages from when it was heard": {nil, []step{
			{0, "hearsay", learns(mention(bert, at(-100), "10.0.0.2:7")), "b@10.0.0.2:7(peer stale)", true},
			{79, "not yet", expires, "b@10.0.0.2:7(peer stale)", false},
			{80, "forgotten", expires, "", true},
		}},
		"hearsay is taken back": {[]string{"10.0.0.2:7"}, []step{
			{0, "hearsay", learns(mention(bert, at(-1), "10.0.0.2:7")), "b@10.0.0.2:7(static static)", true},
			{1, "nobody speaks of it", retracts(bert), "-@10.0.0.2:7(static static)", true},
			{2, "again", retracts(bert), "-@10.0.0.2:7(static static)", false},
			{3, "news", learns(mention(bert, at(2), "10.0.0.2:7")), "b@10.0.0.2:7(static static)", true},
			{4, "up", link(bert, true), "b@10.0.0.2:7(static static)", false},
			{5, "we know better", retracts(bert), "b@10.0.0.2:7(static static)", false},
			{5, "hello", learns(hello(bert, "10.0.0.2:7")), "b@10.0.0.2:7(static static)", false},
			{6, "down", link(bert, false), "b@10.0.0.2:7(static static)", false},
			{7, "it was here", retracts(bert), "b@10.0.0.2:7(static static)", false},
		}},
		"hearsay meets a static address": {[]string{"10.0.0.2:7"}, []step{
			{0, "hearsay", learns(mention(bert, at(-1), "10.0.0.2:7")), "b@10.0.0.2:7(static static)", true},
		}},
		"DNS": {nil, []step{
			{0, "answer", answers("10.0.0.1:7", "10.0.0.2:7"), "-@10.0.0.1:7(dns static) -@10.0.0.2:7(dns static)", true},
			{1, "dialled", binds("10.0.0.1:7", anna), "-@10.0.0.2:7(dns static) a@10.0.0.1:7(dns static)", true},
			{2, "same answer", answers("10.0.0.2:7", "10.0.0.1:7"), "-@10.0.0.2:7(dns static) a@10.0.0.1:7(dns static)", false},
			{3, "fewer", answers("10.0.0.1:7"), "a@10.0.0.1:7(dns static)", true},
			{4, "none", answers(), "a@10.0.0.1:7(dns)", true},
			{300, "no longer listed, no link", expires, "", true},
		}},
		"several addresses": {nil, []step{
			{0, "loopback", hears("127.0.0.1", says(Announce, anna, 7, 1)), "a@127.0.0.1:7(multicast)", true},
			{1, "one", hears("10.0.0.1", says(Announce, anna, 7, 1)), "a@10.0.0.1:7,127.0.0.1:7(multicast)", true},
			{2, "newest first", hears("192.168.0.1", says(Announce, anna, 7, 2)), "a@192.168.0.1:7,10.0.0.1:7,127.0.0.1:7(multicast)", true},
			{3, "loopback is last even so", hears("127.0.0.1", says(Announce, anna, 7, 2)), "a@192.168.0.1:7,10.0.0.1:7,127.0.0.1:7(multicast)", false},
			{181.5, "loopback alone", hears("127.0.0.1", says(Announce, anna, 7, 3)), "a@192.168.0.1:7,10.0.0.1:7,127.0.0.1:7(multicast)", false},
			{181.5, "silent ones go", expires, "a@192.168.0.1:7,127.0.0.1:7(multicast)", true},
		}},
		"advertised host": {nil, []step{
			{0, "heard", hears("10.0.0.1", advertise("vip.example", 1)), "a@vip.example:7(multicast)", true},
			{0, "from another interface", hears("10.1.0.1", advertise("vip.example", 1)), "a@vip.example:7(multicast)", false},
		}},
		"who receives nothing is no member": {nil, []step{
			{0, "asks", hears("10.0.0.1", Packet{Kind: Solicit, ID: anna, Cluster: "ox", Seq: 1}), "", false},
			{1, "its hello", learns(Member{ID: anna, Cluster: "ox", Source: Link, Addrs: []string{"10.0.0.1:9"}}), "a@(link)", true},
		}},
		"the wrong cluster in a hello": {nil, []step{
			{0, "hello", learns(Member{ID: anna, Cluster: "other", Source: Link}), "", false},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tab := testTable(story.static...)
			for _, s := range story.steps {
				poke := s.do(tab, at(s.at))
				if got := show(tab, at(s.at)); got != s.want || poke != s.poke {
					t.Fatalf("%v s, %s: %q, changed %v; want %q, %v", s.at, s.what, got, poke, s.want, s.poke)
				}
			}
		})
	}
}

func advertise(host string, seq uint32) Packet {
	p := says(Announce, anna, 7, seq)
	p.Advertise = host
	return p
}

func TestLoopbackFirstWhereWeHaveNothingElse(t *testing.T) {
	tab := testTable()
	tab.loopback = true
	tab.learn(t0, hello(anna, "10.0.0.1:7", "127.0.0.1:7"))
	if got := show(tab, t0); got != "a@127.0.0.1:7,10.0.0.1:7(link)" {
		t.Error(got)
	}
}

func TestWhoIsBelieved(t *testing.T) {
	for _, c := range []struct {
		name string
		from beacon.Source
		p    Packet
		want string
		odd  string
		n    Counts
	}{
		{"our own", from("10.0.0.1"), says(Announce, us, 7, 1), "", "", Counts{Own: 1}},
		{"another cluster's", from("10.0.0.1"), Packet{Kind: Announce, Receive: true, ID: anna, Port: 7, Cluster: "other"}, "", "", Counts{Foreign: 1}},
		{"no port", from("10.0.0.1"), says(Announce, anna, 0, 1), "", "no port", Counts{Disbelieved: 1}},
		{"loopback from loopback", from("127.77.0.2"), says(Announce, anna, 7, 1), "a@127.77.0.2:7(multicast)", "", Counts{}},
		{"loopback from elsewhere", beacon.Source{Addr: netip.MustParseAddrPort("127.0.1.1:9"), Interface: "eth0"}, says(Announce, anna, 7, 1), "", "loopback", Counts{Disbelieved: 1}},
		{"loopback advertised elsewhere", from("10.0.0.1"), advertise("127.0.1.1", 1), "", "loopback", Counts{Disbelieved: 1}},
		{"localhost advertised elsewhere", from("10.0.0.1"), advertise("LocalHost.", 1), "", "loopback", Counts{Disbelieved: 1}},
		{"mapped loopback advertised elsewhere", from("10.0.0.1"), advertise("::ffff:127.0.0.1", 1), "", "loopback", Counts{Disbelieved: 1}},
		{"nowhere advertised", from("10.0.0.1"), advertise("0.0.0.0", 1), "", "can't be dialled", Counts{Disbelieved: 1}},
		{"nonsense advertised", from("10.0.0.1"), advertise("a b", 1), "", "can't be dialled", Counts{Disbelieved: 1}},
		{"no source", beacon.Source{}, says(Announce, anna, 7, 1), "", "no source", Counts{Disbelieved: 1}},
		{"IPv6", from("[fd00::1]"), says(Announce, anna, 7, 1), "a@[fd00::1]:7(multicast)", "", Counts{}},
		{"link-local IPv6", from("[fe80::1%eth0]"), says(Announce, anna, 7, 1), "a@[fe80::1%eth0]:7(multicast)", "", Counts{}},
		{"mapped IPv4", from("[::ffff:10.0.0.1]"), says(Announce, anna, 7, 1), "a@10.0.0.1:7(multicast)", "", Counts{}},
	} {
		tab := testTable()
		o := tab.heard(t0, c.from, c.p)
		if got := show(tab, t0); got != c.want || !strings.Contains(o.odd, c.odd) || c.odd == "" && o.odd != "" || tab.counts != c.n {
			t.Errorf("%s: %q, %q, %+v; want %q, %q, %+v", c.name, got, o.odd, tab.counts, c.want, c.odd, c.n)
		}
	}
}

func TestWhenToAnswer(t *testing.T) {
	tab := testTable()
	for _, c := range []struct {
		what string
		p    Packet
		want bool
	}{
		{"a new member", says(Announce, anna, 7, 1), true},
		{"one that is known", says(Announce, anna, 7, 2), false},
		{"a question", says(Solicit, anna, 7, 3), true},
		{"a question of one who receives nothing", Packet{Kind: Solicit, ID: bert, Cluster: "ox"}, true},
		{"a question in another cluster", Packet{Kind: Solicit, ID: bert, Cluster: "other"}, false},
		{"our own", says(Solicit, us, 7, 1), false},
		{"a goodbye", says(Withdraw, anna, 7, 4), false},
	} {
		if o := tab.heard(t0, from("10.0.0.1"), c.p); o.answer != c.want {
			t.Errorf("%s: answer %v", c.what, o.answer)
		}
	}
}

func TestNumberOfMembersIsBounded(t *testing.T) {
	tab := testTable()
	for i := range MaxMembers + 10 {
		a := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		o := tab.heard(t0, from(a.String()), says(Announce, cache.NodeID(100+i), 7, 1))
		if refused := o.odd != ""; refused != (i >= MaxMembers) {
			t.Fatalf("member %d: %q", i, o.odd)
		}
		tab.heard(t0, from("10.3.0.1"), says(Withdraw, cache.NodeID(50_000+i), 7, 1))
		tab.notes = nil
	}
	tab.learn(t0, mention(anna, t0, "10.2.0.1:7"))
	tab.learn(t0, hello(anna, "10.2.0.1:7"))
	tab.bind(t0, "10.2.0.1:7", anna)
	if len(tab.members) != MaxMembers || len(tab.gone) > MaxMembers || tab.counts.Refused == 0 {
		t.Errorf("%d members, %d gone, %d refused", len(tab.members), len(tab.gone), tab.counts.Refused)
	}
	for i := range 3 * maxPlaces {
		tab.heard(t0.Add(time.Duration(i)), from(fmt.Sprintf("10.4.0.%d", i)), says(Announce, 100, 7, 2))
	}
	if n := len(tab.members[100].places); n != maxPlaces {
		t.Errorf("%d addresses of one member, want %d", n, maxPlaces)
	}
}

// Whatever happens: we are no member, an address is in one member only, each
// seed is listed once, and nothing without link outlives its silence.
func TestTableInvariants(t *testing.T) {
	ids := []cache.NodeID{0, us, anna, bert, carl}
	hosts := []string{"10.0.0.1", "10.0.0.2", "127.0.0.1"}
	rapid.Check(t, func(r *rapid.T) {
		tab := testTable("10.0.0.1:7", "oxgw01:7")
		now := t0
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 60).Draw(r, "seconds")) * time.Second)
			id := rapid.SampledFrom(ids).Draw(r, "id")
			host := rapid.SampledFrom(hosts).Draw(r, "host")
			port := uint16(rapid.IntRange(7, 8).Draw(r, "port"))
			addr := fmt.Sprintf("%s:%d", host, port)
			switch rapid.IntRange(0, 8).Draw(r, "what") {
			case 0, 1:
				tab.heard(now, from(host), says(Announce, max(id, us), port, uint32(rapid.IntRange(1, 9).Draw(r, "seq"))))
			case 2:
				tab.heard(now, from(host), says(Withdraw, max(id, us), port, uint32(rapid.IntRange(1, 9).Draw(r, "seq"))))
			case 3:
				tab.learn(now, hello(id, addr))
			case 4:
				tab.learn(now, mention(id, now.Add(-time.Duration(rapid.IntRange(-9, 200).Draw(r, "age"))*time.Second), addr, "oxgw01:7"))
			case 5:
				tab.bind(now, rapid.SampledFrom([]string{addr, "oxgw01:7"}).Draw(r, "addr"), id)
			case 6:
				tab.linked(now, id, rapid.Bool().Draw(r, "up"))
			case 7:
				tab.left(now, id)
			case 8:
				tab.answered("name:1", rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"10.0.0.2:7", "10.0.0.2:8"}), 0, 2, rapid.ID).Draw(r, "answer"))
			}
			tab.expire(now)
			checkTable(r, tab, now)
		}
		for id := range tab.links {
			tab.linked(now, id, false)
		}
		tab.expire(now.Add(tab.timeout))
		if len(tab.members)+len(tab.gone)+len(tab.own) != 0 {
			r.Fatalf("not forgotten: %s, gone %v, own %v", show(tab, now), tab.gone, tab.own)
		}
	})
}

func checkTable(r *rapid.T, tab *table, now time.Time) {
	owner := map[string]string{}
	ids := map[cache.NodeID]bool{}
	for _, m := range tab.list(now) {
		if m.ID == us || m.ID != 0 && ids[m.ID] {
			r.Fatalf("member %v is listed: %s", m.ID, show(tab, now))
		}
		ids[m.ID] = true
		for _, a := range m.Addrs {
			if o, twice := owner[a]; twice {
				r.Fatalf("%s belongs to %s and %s: %s", a, o, m.ID, show(tab, now))
			}
			owner[a] = m.ID.String()
		}
		if m.ID == 0 && !m.Static {
			r.Fatalf("neither id nor configuration: %s", show(tab, now))
		}
	}
	for _, s := range tab.seeds {
		if _, listed := owner[s.addr]; listed == s.own {
			r.Fatalf("seed %s is listed: %v, though own is %v: %s", s.addr, listed, s.own, show(tab, now))
		}
		if s.id != 0 && !slices.ContainsFunc(tab.list(now), func(m Member) bool { return m.ID == s.id && m.Static }) {
			r.Fatalf("seed %s is bound to nobody", s.addr)
		}
	}
}

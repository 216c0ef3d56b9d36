// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lateral/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// furnish is a namespace like a groupware node: one cable, v0, with an address.
var furnish = []string{
	"ip link set lo up",
	"ip link add v0 type veth peer name v1",
	"ip addr add 10.0.2.11/24 dev v0",
	"ip link set v1 up",
}

func in(t *testing.T, more ...string) bool {
	return hosttest.Inside(t, append(slices.Clone(furnish), more...)...)
}

// refused fails the test unless the kernel would refuse to send to group.
func refused(t *testing.T, group string) {
	t.Helper()
	if rt, err := RouteTo(netip.MustParseAddr(group)); !errors.Is(err, ErrNoRoute) {
		t.Errorf("to %s: got %v, %v; want ErrNoRoute", group, rt, err)
	}
}

// routed fails the test unless packets to group take the route.
func routed(t *testing.T, group, route, source string) {
	t.Helper()
	rt, err := RouteTo(netip.MustParseAddr(group))
	if err != nil || rt.String() != route || rt.Source != netip.MustParseAddr(source) || rt.Prefix.Addr().BitLen() != rt.Source.BitLen() {
		t.Errorf("to %s: got %v from %v, %v; want %s from %s", group, rt, rt.Source, err, route, source)
	}
}

func TestRouteNone(t *testing.T) {
	if !in(t, "ip link set v0 up") {
		return
	}
	refused(t, "224.0.0.1")
	refused(t, "228.5.6.7")
	routed(t, "10.0.2.12", "10.0.2.0/24 dev v0", "10.0.2.11")
	routed(t, "10.0.2.11", "local 10.0.2.11/32 dev lo", "10.0.2.11")
	routed(t, "127.0.0.1", "local 127.0.0.1/32 dev lo", "127.0.0.1")
	rt, err := RouteVia(netip.MustParseAddr("::ffff:228.5.6.7"), "v0")
	if err != nil || rt.Prefix != multicast4 || rt.Interface != "v0" || rt.Source != netip.MustParseAddr("10.0.2.11") {
		t.Errorf("with the interface named: %v from %v, %v", rt, rt.Source, err)
	}
	all, err := Routes()
	if err != nil || slices.ContainsFunc(all, func(r Route) bool { return r.Prefix.Addr().Is4() }) {
		t.Errorf("multicast routes %v, %v", all, err)
	}
}

func TestRouteEight(t *testing.T) {
	if !in(t, "ip link set v0 up", "ip route add 224.0.0.0/8 dev v0") {
		return
	}
	routed(t, "224.0.0.1", "224.0.0.0/8 dev v0", "10.0.2.11")
	routed(t, "::ffff:224.0.0.1", "224.0.0.0/8 dev v0", "10.0.2.11")
	refused(t, "228.5.6.7") // the page's route is too narrow for JCS's default group
	all, err := Routes()
	if err != nil || len(all) == 0 || all[0].Classic() != "224.0.0.0       0.0.0.0         255.0.0.0       U     0      0        0 v0" {
		t.Errorf("multicast routes %v, %v", all, err)
	}
}

func TestRouteDefault(t *testing.T) {
	if !in(t, "ip link set v0 up", "ip route add default via 10.0.2.1", "ip route add prohibit 239.0.0.0/8",
		"ip route add unreachable 238.0.0.0/8", "ip route add blackhole 237.0.0.0/8") {
		return
	}
	routed(t, "224.0.0.1", "default dev v0", "10.0.2.11") // a group is never sent to the gateway
	routed(t, "228.5.6.7", "default dev v0", "10.0.2.11")
	routed(t, "::ffff:228.5.6.7", "default dev v0", "10.0.2.11")
	refused(t, "239.1.1.1")
	refused(t, "238.1.1.1")
	refused(t, "237.1.1.1")
}

func TestRouteDown(t *testing.T) {
	if !in(t, "ip link set v0 up", "ip route add 224.0.0.0/8 dev v0", "ip link set v0 down") {
		return
	}
	refused(t, "224.0.0.1")
	if rt, err := RouteVia(netip.MustParseAddr("224.0.0.1"), "v0"); !errors.Is(err, ErrNoRoute) {
		t.Errorf("over an interface that is down: %v, %v", rt, err)
	}
	if rt, err := RouteVia(netip.MustParseAddr("224.0.0.1"), "v7"); err == nil || errors.Is(err, ErrNoRoute) {
		t.Errorf("over an interface that is not there: %v, %v", rt, err)
	}
}

func TestRoute6(t *testing.T) {
	if !in(t, "ip -6 addr add fd00::11/64 dev v0 nodad", "ip link set v0 up") {
		return
	}
	rt, err := RouteTo(netip.MustParseAddr("ff02::1%v0"))
	if err != nil || rt.Interface != "v0" || rt.Prefix.String() != "ff00::/8" {
		t.Errorf("to ff02::1%%v0: %v, %v", rt, err)
	}
	refused(t, "2001:db8::1")
}

func TestInterfaceFlags(t *testing.T) {
	if !in(t, "ip link set v0 multicast off mtu 1400") {
		return
	}
	all, err := Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(i Interface) bool { return i.Name == "v0" })
	if i < 0 {
		t.Fatalf("no v0 in %+v", all)
	}
	v := all[i]
	if v.Up || v.Running || v.Multicast || v.Loopback || v.MTU != 1400 || !v.Has(netip.MustParseAddr("10.0.2.11")) ||
		v.Addr4() != netip.MustParseAddr("10.0.2.11") {
		t.Errorf("down, without multicast: %+v", v)
	}
	hosttest.Do(t, "ip link set v0 up multicast on")
	all, err = Interfaces()
	if err != nil || !all[i].Up || !all[i].Running || !all[i].Multicast {
		t.Errorf("up: %+v, %v", all[i], err)
	}
	members, err := Memberships()
	if err != nil || !slices.ContainsFunc(members, func(m Membership) bool {
		return m.Interface == "v0" && m.Group == netip.MustParseAddr("224.0.0.1")
	}) {
		t.Errorf("v0 is not in the all-hosts group: %v, %v", members, err)
	}
}

func TestWatchLink(t *testing.T) { watchHears(t, "ip link set v0 mtu 1400", "ip link set v0 mtu 1500") }

func TestWatchAddr(t *testing.T) {
	watchHears(t, "ip addr add 10.0.3.1/24 dev v0", "ip addr del 10.0.3.1/24 dev v0")
}

func TestWatchRoute(t *testing.T) {
	watchHears(t, "ip route add 224.0.0.0/8 dev lo", "ip route del 224.0.0.0/8 dev lo")
}

// watchHears fails the test unless Watch fires on the change. Only lo is up,
// so the namespace makes no news of its own.
func watchHears(t *testing.T, change, back string) {
	if !hosttest.Inside(t, "ip link set lo up", "ip link add v0 type veth peer name v1") {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	fired, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- Watch(ctx, func() {
			select {
			case fired <- struct{}{}:
			default:
			}
		})
	}()
	// Nothing tells when Watch has begun to listen: change until it hears.
	for heard := false; !heard && ctx.Err() == nil; {
		hosttest.Do(t, change)
		hosttest.Do(t, back)
		select {
		case <-fired:
			heard = true
		default:
		}
	}
	if ctx.Err() != nil {
		t.Errorf("%s: not heard", change)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Watch ended with %v", err)
	}
}

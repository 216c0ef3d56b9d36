// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/doctor"
)

func TestDoctorClocks(t *testing.T) {
	link := func(host string, skew time.Duration) cache.LinkStatus {
		return cache.LinkStatus{To: cache.Party{Host: host, Service: "s", Endpoint: "A"}, Protocol: "mesh", Skew: skew}
	}
	st := cache.Status{Host: "h1", Endpoints: []cache.EndpointStatus{{Links: []cache.LinkStatus{
		link("h1", time.Hour), link("h2", 40*time.Millisecond), link("h3", -2*time.Second), link("h3", -2*time.Second), link("h4", 300*time.Millisecond)}}}}
	got := clocks([]cache.Status{st}).Run(t.Context())
	if len(got) != 2 || got[0].Saw != "the clock of h3 is 2s behind this host's, with which 1 of 3 other hosts agree" || got[1].Saw != "the clock of h4 is 300ms ahead of this host's, with which 1 of 3 other hosts agree" ||
		got[0].Run != nil || !strings.HasPrefix(got[0].Do, "on h3, have it set") || got[0].Severity != doctor.Warning || got[0].Why == "" || got[0].Do == "" {
		t.Errorf("found %+v", got)
	}
	ours := []cache.LinkStatus{link("h2", 400*time.Millisecond), link("h3", 410*time.Millisecond)} // it is this one
	got = clocks([]cache.Status{{Host: "h1", Endpoints: []cache.EndpointStatus{{Links: ours}}}}).Run(t.Context())
	if len(got) != 1 || got[0].Saw != "this host's clock is off by those of all 2 other hosts: that of h2 is 400ms ahead of it" || !slices.Equal(got[0].Run, setClock()) {
		t.Errorf("found %+v", got)
	}
	st.Endpoints[0].Links = st.Endpoints[0].Links[:2]
	if got = clocks([]cache.Status{st}).Run(t.Context()); len(got) != 1 || got[0].Severity != doctor.Ok || !strings.Contains(got[0].Saw, "40ms") {
		t.Errorf("found %+v", got)
	}
}

func TestDoctorLinks(t *testing.T) {
	member := func(id, host, source string) cache.Member {
		return cache.Member{ID: id, Node: id, Host: host, Service: "s", Endpoint: "A", Addr: "10.0.0." + id + ":1", Source: source, Receive: true}
	}
	st := cache.Status{Host: "h1", Endpoints: []cache.EndpointStatus{{Endpoint: "A", ID: "1", Cluster: "default", Group: "224.0.0.1:6780",
		Members: []cache.Member{member("1", "h1", "self"), member("2", "h2", "multicast")},
		Matrix:  []cache.Row{{ID: "1", Up: []string{}, Down: map[string]string{"2": "no answer"}}}}}}
	got := links([]cache.Status{st}).Run(t.Context())
	if len(got) != 1 || got[0].Severity != doctor.Warning || got[0].Saw != "0 of 1 links are up" || len(got[0].Details) != 1 || !strings.Contains(got[0].Details[0], "no answer") {
		t.Errorf("found %+v", got)
	}
}

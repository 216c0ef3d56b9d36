// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"slices"
	"testing"
	"time"

	"lateral/cache"
)

// TestVerdictOwnWord asks one node a moment before its link to c is up, and
// another a moment after: what the second heard of the first does not replace
// its own word, or the mesh would look complete with links nobody showed.
func TestVerdictOwnWord(t *testing.T) {
	now := time.Now()
	members := []cache.Member{{ID: "a", Node: "1", Receive: true}, {ID: "b", Node: "2", Receive: true}, {ID: "c", Node: "3", Receive: true}}
	rows := func(a cache.Row) []cache.Row {
		return []cache.Row{a, {ID: "b", Heard: now, Up: []string{"a", "c"}}, {ID: "c", Heard: now, Up: []string{"a", "b"}}}
	}
	early := cache.EndpointStatus{ID: "a", Group: "g", Members: members, Matrix: rows(cache.Row{ID: "a", Heard: now, Up: []string{"b"}})}
	late := cache.EndpointStatus{ID: "b", Group: "g", Members: members, Matrix: rows(cache.Row{ID: "a", Heard: now.Add(time.Second), Up: []string{"b", "c"}})}
	for _, order := range [][]cache.EndpointStatus{{early, late}, {late, early}} {
		var nodes []cache.Status
		for _, e := range order {
			nodes = append(nodes, cache.Status{Endpoints: []cache.EndpointStatus{e}})
		}
		if st := Verdict(nodes...); st.Complete || st.Present != 2 || st.Expected != 3 {
			t.Errorf("%+v", st)
		}
	}
}

// What comes of having no secret is said once, and of whom it holds as well.
func TestVerdictOpen(t *testing.T) {
	open := func(name, listen string) cache.EndpointStatus {
		return cache.EndpointStatus{Endpoint: name, Listen: listen, Security: cache.Security{Open: "no cluster secret: whoever …"}}
	}
	got := Verdict(cache.Status{Endpoints: []cache.EndpointStatus{open("A", "[::]:1"), {Endpoint: "B"}, open("C", "[::]:3")}}, cache.Status{Endpoints: []cache.EndpointStatus{open("D", "[::]:4")}}).Notes
	want := []string{"endpoint A: no cluster secret: whoever …", "endpoint C: no cluster secret either, so the same holds of TCP [::]:3", "endpoint D: no cluster secret either, so the same holds of TCP [::]:4"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

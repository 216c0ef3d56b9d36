// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/fields"
	"lateral/jcs"
	"lateral/web"
)

// A little is a cluster in words: members of one group, and who says that it is
// linked with whom.
type little struct {
	members []cache.Member
	up      map[string]string // "a": "bc"
}

func newLittle(ids string) *little {
	l := &little{up: map[string]string{}}
	for i, id := range strings.Split(ids, "") {
		l.members = append(l.members, cache.Member{ID: id, Node: id, Host: "h" + id, Service: "s", Endpoint: "E", Addr: fmt.Sprintf("10.0.0.%d:1", i+1), PID: i + 1, Receive: true})
		l.up[id] = strings.ReplaceAll(ids, id, "")
	}
	return l
}

// cut takes a link away, as one end says, or both.
func (l *little) cut(a, b string) { l.up[a] = strings.ReplaceAll(l.up[a], b, "") }

func (l *little) ids() (ids string) {
	for _, m := range l.members {
		ids += m.ID
	}
	return ids
}

// says is what a member answers.
func (l *little) says(id string) heard {
	e := cache.EndpointStatus{Endpoint: "E", ID: id, Cluster: "c", Group: "g", Security: cache.Security{Secrets: []string{"f"}}}
	now := time.Unix(1_800_000_000, 0)
	for _, m := range l.members {
		if m.Heard = now; m.ID == id {
			m.Source = "self"
		}
		e.Members = append(e.Members, m)
		row := cache.Row{ID: m.ID, Heard: now}
		for _, o := range strings.Split(l.up[m.ID], "") {
			if o != "" {
				row.Up = append(row.Up, o)
			}
		}
		e.Matrix = append(e.Matrix, row)
		if strings.Contains(l.up[id], m.ID) {
			e.Links = append(e.Links, cache.LinkStatus{PeerID: m.ID, Protocol: "mesh", Lag: cache.Lag{Millis: 7, Changes: 3, Regions: map[string]cache.RegionLag{"R": {Changes: 2, Millis: 5}}}, Behind: cache.Behind{Heard: 900}})
		}
	}
	st := cache.Status{Host: "h" + id, Service: "s", Node: id, PID: strings.Index(l.ids(), id) + 1, Now: now, Endpoints: []cache.EndpointStatus{e},
		Regions: []cache.RegionStatus{{Region: "R", Mode: "invalidate", Ready: true, Stats: cache.Stats{Hits: 3, AuxHits: 1, Misses: 3, Expired: 1, Gaps: 2}}}}
	return heard{client: web.NewClient("s", ""), status: st}
}

// drawn is a view's matrix in letters, row by row.
func drawn(v web.View) string {
	var rows []string
	for _, r := range v.Grids[0].Rows {
		var b strings.Builder
		for _, c := range r {
			b.WriteString(c.State[:1])
		}
		rows = append(rows, b.String())
	}
	return strings.Join(rows, " ")
}

func TestViewComplete(t *testing.T) {
	v := viewOf([]heard{newLittle("abc").says("a")})
	if !v.Complete || v.Expected != 3 || v.Present != 3 || drawn(v) != "suu usu uus" || len(v.Missing) != 0 || len(v.Warnings) != 0 {
		t.Fatalf("%+v", v)
	}
	rows := v.Grids[0].Rows
	if c := rows[0][1]; *c.Lag != 7 || c.Changes != 3 || c.Most || c.Protocol != "mesh" { // by its own word
		t.Errorf("%+v", c)
	}
	if c := rows[1][0]; *c.Lag != 900 || !c.Most { // by what it heard
		t.Errorf("%+v", c)
	}
	if c := rows[1][2]; c.Lag != nil { // between two that were not asked
		t.Errorf("%+v", c)
	}
	r := v.Regions[0]
	if r.Hits != 4 || r.Gets != 8 || r.Lag != 5 || r.Changes != 2 || r.Trouble != "2 gaps" || !r.Here || r.Service != "ha/s" {
		t.Errorf("%+v", r)
	}
	if len(v.Hosts) != 3 || v.Hosts[0].Name != "ha" || !v.Hosts[0].Services[0].Asked || v.Hosts[1].Services[0].Asked || v.Hosts[1].Services[0].Up != 2 {
		t.Errorf("%+v", v.Hosts)
	}
}

// TestViewMissing: what is missing is drawn so in both directions, told why, and
// what to do depends on what is known of its ends.
func TestViewMissing(t *testing.T) {
	for _, c := range []struct {
		name  string
		asked string
		cuts  string // "ab ba": a no longer says that it is linked with b, …
		drawn string
		says  string
	}{
		{"killed", "a", "ac bc ca cb", "sum usm mms", "nobody is linked with hc/s: see on hc"},
		{"killed, its neighbour here", "ab", "ac bc ca cb", "sum usm mms", "start it with lateral run --service s"},
		{"one way", "ab", "ab", "smu msu uus", "both run, so look at the way between ha and hb"},
		{"one pair", "a", "bc cb", "suu usm ums", "is TCP 10.0.0.3:1 let through?"},
		{"cut off from all", "a", "ab ba ac ca bc cb", "smm msm mms", "nobody is linked with"},
	} {
		l := newLittle("abc")
		for _, cut := range strings.Fields(c.cuts) {
			l.cut(cut[:1], cut[1:])
		}
		var answers []heard
		for _, id := range strings.Split(c.asked, "") {
			answers = append(answers, l.says(id))
		}
		v := viewOf(answers)
		if v.Complete || drawn(v) != c.drawn || len(v.Missing) != v.Expected-v.Present {
			t.Errorf("%s: %s, %d missing, complete %v", c.name, drawn(v), len(v.Missing), v.Complete)
		}
		for _, m := range v.Missing {
			if m.Reason == "" || !strings.Contains(m.Remedy, c.says) {
				t.Errorf("%s: %s – %s: %s; do: %s", c.name, m.From, m.To, m.Reason, m.Remedy)
			}
		}
	}
}

// TestRemedy: who was refused, who was never reached, and who is only half heard.
func TestRemedy(t *testing.T) {
	p := func(host, addr string) cache.Party {
		return cache.Party{Host: host, Service: "s", Endpoint: "E", Addr: addr}
	}
	here := end{Party: p("a", "10.0.0.1:1"), known: true, alive: true, links: 1}
	for _, c := range []struct {
		other   end
		refused []cache.Stranger
		says    string
	}{
		{end{Party: p("b", "10.0.0.2:1"), known: true}, []cache.Stranger{{Addr: "10.0.0.2:5", Why: "it has another secret"}}, "b was refused here: it has another secret"},
		{end{Party: p("b", "10.0.0.2:1"), known: true}, []cache.Stranger{{Addr: "10.0.0.3:5"}}, "nobody is linked with b/s"},
		{end{Party: cache.Party{Addr: "10.0.0.9:57461"}}, nil, "see whether a service listens at 10.0.0.9:57461"},
		{end{Party: p("b", ""), sibling: true}, nil, "b/s E runs, but does not hear this group's multicast"},
		{end{Party: p("b", "10.0.0.2:1"), known: true, links: 2}, nil, "is TCP 10.0.0.2:1 let through?"},
	} {
		for _, got := range []string{remedy(here, c.other, c.refused), remedy(c.other, here, c.refused)} {
			if !strings.Contains(got, c.says) {
				t.Errorf("%q, want %q", got, c.says)
			}
		}
	}
}

// TestViewNeverCallsItComplete: not while a service of this host is silent, nor
// while one is not ready without saying so.
func TestViewNeverCallsItComplete(t *testing.T) {
	l := newLittle("abc")
	v := viewOf([]heard{l.says("a"), {client: web.NewClient("mail", ""), err: errors.New("timed out")}})
	if v.Complete {
		t.Error("complete, though a service does not answer")
	}
	if h := v.Hosts[0]; h.Name != "ha" || len(h.Services) != 2 || h.Services[1].Error != "timed out" {
		t.Errorf("%+v", v.Hosts)
	}
	a := l.says("a")
	a.status.Regions[0].Ready, a.status.Regions[0].Unready = false, "filling 42 %"
	v = viewOf([]heard{a})
	if len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0].Text, "filling 42 %") || v.Hosts[0].Services[0].Unready[0] != "region R: filling 42 %" {
		t.Errorf("%+v %+v", v.Warnings, v.Hosts[0])
	}
}

// TestViewSecret: who has no secret is told first, once for each endpoint.
func TestViewSecret(t *testing.T) {
	a := newLittle("ab").says("a")
	a.status.Endpoints[0].Security = cache.Security{Open: "no cluster secret: whoever reaches it …"}
	v := viewOf([]heard{a})
	if len(v.Warnings) != 1 || v.Warnings[0].Kind != web.WarnSecret || v.Warnings[0].Text != "ha/s E: no cluster secret: whoever reaches it …" {
		t.Errorf("%+v", v.Warnings)
	}
	a.status.Endpoints[0].Security = cache.Security{}
	if v = viewOf([]heard{a}); len(v.Warnings) != 1 || v.Warnings[0].Kind != web.WarnLoopback {
		t.Errorf("%+v", v.Warnings)
	}
}

// TestViewLarge: what cannot be drawn is told by its sums and what is missing.
func TestViewLarge(t *testing.T) {
	var ids strings.Builder
	for i := range web.MaxGrid + 1 {
		ids.WriteRune(rune('A' + i))
	}
	l := newLittle(ids.String())
	l.cut("B", "C")
	v := viewOf([]heard{l.says("A")})
	if g := v.Grids[0]; g.Rows != nil || len(g.Members) != web.MaxGrid+1 || g.Expected-g.Present != 1 || len(v.Missing) != 1 || g.Members[1].Up != g.Members[1].Want-1 {
		t.Errorf("%d of %d links, %d rows, %+v", g.Present, g.Expected, len(g.Rows), v.Missing)
	}
}

func TestTreeOf(t *testing.T) {
	var h fields.Hash
	h.Set("name", "<b>anna\n")
	number, err := jcs.Make(int32(4711))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		v    cache.Value
		text string
		ok   bool
	}{
		{h.Value(), "hash of 1 fields\n  \"name\": \"<b>anna\\n\"\n", true},
		{cache.Value{Bytes: "\xff", Form: cache.FormHash}, "not readable: ", true},
		{number, "4711 (Integer)", true},
		{cache.Value{Bytes: "\xac", Form: cache.FormJava}, "not readable: ", true},
		{cache.Value{Bytes: "plain"}, "", false},
	} {
		if text, ok := treeOf(c.v); ok != c.ok || !strings.HasPrefix(text, c.text) {
			t.Errorf("%q: %q, %v", c.v.Bytes, text, ok)
		}
	}
}

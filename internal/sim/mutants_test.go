// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A mutant is the heart without one of its rules.
type mutant struct {
	rule    string // as docs/coherence.md has it
	flavour string // of the schedules that are to catch it; "": all
	edits   []edit
}

func one(rule, flavour, file, old, new string) mutant {
	return mutant{rule, flavour, []edit{{file, old, new}}}
}

// mutants are the rules, each with what takes it away. A text that is no
// longer found fails the test: the rule has moved, and so must its line here.
var mutants = []mutant{
	one("merge keeps the larger stamp", "replicated", "region/apply.go",
		"c.Stamp.Compare(has) > 0 && !(peer", "c.Stamp != has && !(peer"),
	one("clocks follow the stamps that they see", "replicated", "cache/stamp.go",
		"for s.Time > last && !c.last.CompareAndSwap(last, s.Time) {", "for false {"),
	one("a removal leaves a tombstone", "replicated", "region/remove.go",
		"	if r.mode != Replicate || !h.shared {\n		if found {\n",
		"	if r.mode != Replicate || !h.shared || o != cache.LocalOnly {\n		if found {\n			if r.mode == Replicate {\n				r.undigest(prev)\n			}\n"),
	one("a removal of many leaves a floor", "replicated", "region/remove.go",
		"	if !r.floors.raise(op, name, s, r.digest) {\n		return nil\n	}\n	mid, over := r.floors.median()\n", "	mid, over := cache.Stamp{}, false\n"),
	one("what a floor covers is not admitted", "replicated", "region/apply.go",
		"if v := r.floors.covers(c.Key, tagsOf(c), c.Stamp); v == stays || v == strips && peer {", "if v := stays; v == stays {"),
	{"a sync at the first meeting", "", []edit{
		{"mesh/follow.go", "	l.m.frontier.Gap(l.peer.id)\n	l.syncShared()\n	return nil\n}\n\n// skip", "	return nil\n}\n\n// skip"},
		{"mesh/frontier.go", "if l.m.frontier.Wants(l.peer.id, t.asked) {", "if false {"}}},
	{"a sync after a gap", "gaps", []edit{
		{"mesh/follow.go", "		\"peer\", l.name(), \"dropped\", dropped)\n	l.syncShared()\n", "		\"peer\", l.name(), \"dropped\", dropped)\n"},
		{"mesh/frontier.go", "if l.m.frontier.Wants(l.peer.id, t.asked) {", "if false {"}}},
	one("a periodic sync", "", "mesh/sync.go", "if l.own.ID < l.peerHello.ID {\n				l.syncShared()", "if false {\n				l.syncShared()"),
	one("an invalidated region starts empty after a gap", "gaps", "mesh/follow.go", "dropped := l.m.dropStale()\n", "dropped := 0\n"),
	one("a peer that is gone without a goodbye is a gap", "invalidated", "mesh/dial.go",
		"\"peer\", p.name(), \"dropped\", m.dropStale())", "\"peer\", p.name(), \"dropped\", 0)"),
	one("a goodbye with changes that were not handed over is a gap", "gaps", "mesh/receive.go",
		"if g.Leaving && g.Unread {", "if false {"),
	one("a fill needs its ticket", "invalidated", "region/ticket.go", "r.Held(c.Key) || r.invalid.void(hash, t) || foreign(c)", "r.Held(c.Key) || foreign(c)"),
	one("what a peer answers is kept only after a quiet time", "invalidated", "region/ticket.go",
		"foreign(c) && fromPeer(c.Origin) && t.last != 0 && now-t.last <= r.s.Quiet.Milliseconds()", "false"),
	one("while a link is down memory is bypassed after StaleMax", "invalidated", "down.go",
		"if since, ok := d.Since(); ok && time.Since(since) >= b.outage.staleMax {", "if since, ok := d.Since(); ok && since.IsZero() {"),
	one("of a bounded region the largest stamps stay", "bounded", "region/region.go", "	case \"stamp\":\n		p = byStamp\n", "	case \"stamp\":\n		p = byAccess\n"),
	{"a link resumes where the peer stands", "", []edit{
		{"mesh/follow.go", "if cur, err := log.Cursor(r.read + 1); err == nil {", "if cur, err := log.Cursor(log.Next()); err == nil {"},
		{"mesh/follow.go", "if s.bad || seq == 0 || seq > p.received.Load()+1 {", "if s.bad {"}}},
	{"a receiver skips what it has", "", []edit{
		{"mesh/follow.go", "if cur, err := log.Cursor(r.read + 1); err == nil {", "if cur, err := log.Cursor(st.First); err == nil {"},
		{"mesh/follow.go", "if seq <= p.received.Load() {", "if false {"}}},
	one("a put waits for its acknowledgements", "", "mesh/acks.go", "case have >= need:", "case true:"),
	one("an acknowledgement covers no change before a gap", "gaps", "mesh/peer.go",
		"p.acked.Load() >= change && (change < p.lost.from || change >= p.lost.to)", "p.acked.Load() >= change"),
	one("only who applies changes acknowledges them", "", "mesh/receive.go",
		"l.peer.ack(min(s.uint64(), l.m.c.Log.Next()-1))", "l.peer.ack(max(s.uint64(), l.m.c.Log.Next()-1))"),
	one("a strict region is served under leases only", "strict", "strict.go",
		"return lease(time.Since(s.started)) < l }", "return lease(time.Since(s.started)) < l || true }"),
	one("a removal in a strict region waits until nobody serves what it removed", "strict", "strict.go",
		"if err := m.Settle(ctx); err != nil {", "if err := ctx.Err(); m != nil && err != nil {"),
	one("a key of a strict region is held by all members while its source changes", "strict", "strict.go",
		"	for _, m := range b.strict.meshes {\n		r, err := m.Hold(", "	for _, m := range b.strict.meshes[:0] {\n		r, err := m.Hold("),
	one("a vote for one taker binds", "sessions", "take.go", "binds := ok && old.id", "binds := false && ok && old.id"),
	one("a taker needs more than half of all votes", "sessions", "mesh/take.go", "{ return t.Of/2 + 1 }", "{ return 1 }"),
	one("a node that stops hands its sessions over", "sessions", "node.go", "left = n.drain()", "left = nil"),
	one("a miss of a session asks the peers", "sessions", "session.go",
		"b.Aux, b.AllowGet, b.PutOnlyMode = newest{m}, true, false", "b.Aux = newest{m}"),
}

// A proof is tests of another room that notice what schedules hardly find.
type proof struct{ pkg, tests string }

// model visits every order of what may happen to a few nodes and one key.
var model = proof{"converge", "^(TestLateArrivals|TestLateFrontier|TestEveryOrder|TestAnyOrder)$"}

// proven are the rules that hold back the forgetting of removals, and who is a
// member of strict regions. What goes wrong without them takes a coincidence that
// a schedule has once in many thousands, and the model, or a story, in any case.
var proven = []struct {
	mutant
	by proof
}{
	{one("a tombstone is dropped when every member is known to have it, not when this node is", "removals", "converge/reckon.go",
		"		if m.waitedFor() {\n			s = min(s, m.told)\n", "		if false {\n			s = min(s, m.told)\n"), model},
	{one("the frontier is frozen over a gap until a sync", "removals", "converge/frontier.go", "		if m.gap == 0 {\n", "		if true {\n"), model},
	{one("who has ended counts until all have compared what they have of it", "removals", "converge/reckon.go",
		"		if m.Standing != Counting { // its", "		if true { // its"), model},
	{one("who is silent counts on", "removals", "converge/frontier.go",
		"f.change(id, func(m *member) { m.linked = false; f.depart(m) })", "f.change(id, func(m *member) { m.linked = false; m.Receives = false; m.heard = 1 << 62 })"), model},
	{one("what is everywhere is told by the members of now", "removals", "converge/reckon.go",
		"	return set, f.reckon(), f.everywhere(), f.version\n", "	return set, f.reckon(), f.stable.Load(), f.version\n"), model},
	{one("a frontier counts only over a superset of this node's members", "removals", "converge/reckon.go",
		"if _, ok := m.set[id]; !ok {", "if _, ok := m.set[id]; !ok && false {"), model},
	{one("strict regions count whom peers reckon with", "strict", "mesh/census.go",
		"		if o.Standing == converge.Counting {\n", "		if o.Standing == converge.Counting && false {\n"), proof{"", "^TestStrictJoinerOfAPart$"}},
	{one("a lease is granted behind the set of members", "strict", "mesh/grant.go", "	case !l.toldReckon():\n", "	case false:\n"), proof{"mesh", "^TestLeaseBehindReckon$"}},
	{one("memory is emptied for a member that has ended elsewhere", "strict", "mesh/census.go",
		"(e.met && linked[at(e)] || m.frontier.Ended(id))", "e.met && linked[at(e)]"), proof{"", "^TestForget$"}},
	{one("a stranger's removal takes room in a bounded region", "bounded", "region/remove.go",
		"r.late(c) && !r.owed(c) && !r.removes(", "r.late(c) && !r.removes("), proof{"region", "^TestLateRemovalTakesRoom$"}},
	{one("what is everywhere is not with a new member", "bounded", "converge/frontier.go",
		"		f.present.Store(0)\n", ""), proof{"converge", "^TestPresent$"}},
	{one("a tombstone that capacity pushed out is remembered", "removals", "region/stable.go",
		"	if c.Stamp.Compare(at) > 0 || at.Time <= r.stable() {", "	if true {"), proof{"region", "^TestBuried$"}},
}

// TestMutantsApply keeps the table of mutants in step with the code.
func TestMutantsApply(t *testing.T) {
	all := slices.Clone(mutants)
	for _, p := range proven {
		all = append(all, p.mutant)
	}
	for _, m := range all {
		t.Run(m.rule, func(t *testing.T) { overlay(t, t.TempDir(), m.edits) })
	}
}

// TestProven builds the rooms without each of the rules of removals in turn and
// wants their own tests to notice.
func TestProven(t *testing.T) {
	which := wanted(t, len(proven))
	for _, p := range proven {
		if which != "all" && !strings.Contains(p.rule, which) {
			continue
		}
		t.Run(p.rule, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-failfast", "-overlay", overlay(t, t.TempDir(), p.edits),
				"-run", p.by.tests, "./"+p.by.pkg)
			cmd.Dir = module(t)
			out, err := cmd.CombinedOutput()
			at := strings.Index(string(out), "--- FAIL")
			if err == nil || at < 0 {
				t.Fatalf("the tests of %s did not notice that this rule is gone: %v\n%s", p.by.pkg, err, out)
			}
			progress("without %q: %.300s", p.rule, strings.ReplaceAll(string(out[at:]), "\n", " "))
		})
	}
}

// wanted says which mutants are to run, and skips the test if none are.
func wanted(t *testing.T, n int) string {
	which := os.Getenv(mutantsEnv)
	if which == "" && os.Getenv(schedulesEnv) != "" {
		which = "all"
	}
	if which == "" {
		t.Skipf("it builds the program %d times: run it with %s=all", n, mutantsEnv)
	}
	return which
}

// mutantsEnv has TestMutants and TestProven run: "all", or a part of a rule's words.
const mutantsEnv = "LATERAL_MUTANTS"

// TestMutants builds the heart without each of its rules in turn and wants a
// schedule to notice.
func TestMutants(t *testing.T) {
	which := wanted(t, len(mutants))
	for _, m := range mutants {
		if which != "all" && !strings.Contains(m.rule, which) {
			continue
		}
		t.Run(m.rule, func(t *testing.T) {
			binary := build(t, slices.Clone(m.edits)...)
			began, ran, caught := time.Now(), 0, report{}
			o := orders{From: 1, Count: 1_000_000, Stop: true, Flavour: m.flavour, Until: began.Add(mutantTime)}
			children(t, binary, o, func(r report) {
				ran += r.Ran
				if len(r.Broken) > 0 && caught.Plan == "" {
					caught = r
				}
			})
			if caught.Plan == "" {
				t.Fatalf("%d schedules did not notice that this rule is gone", ran)
			}
			progress("without %q: seed %d: %.200s", m.rule, caught.Seed, caught.Broken[0])
		})
	}
}

// mutantTime bounds the search for a schedule that catches a mutant; most take
// a second.
const mutantTime = 3 * time.Minute

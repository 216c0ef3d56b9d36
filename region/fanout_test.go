// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"strings"
	"testing"

	"lateral/cache"
)

// A row of the contract: who, to whom, what, under which conditions (a plus
// or minus before the name; what is not named does not matter), told what.
type row struct {
	origins, kind, ops, when string
	want                     Sending
}

const (
	anyone    = "app local lateral remote disk sync"
	others    = "local lateral remote disk sync"
	notDisk   = "app local lateral remote sync"
	puts      = "put put-if-absent update"
	plainPuts = "put put-if-absent"
	removals  = "remove remove-all remove-group remove-tag"
	questions = "get keys get-matching merge"
)

var contract = []row{
	{anyone, "disk lateral remote", questions, "", Nothing},

	{"disk", "disk", puts + " " + removals, "", Nothing},
	{notDisk, "disk", removals, "", TheRemoval},
	{notDisk, "disk", puts, "-UseDisk", Nothing},
	{notDisk, "disk", puts, "+UseDisk -DiskUpdate", Nothing},
	{notDisk, "disk", puts, "+UseDisk +DiskUpdate -Spool", Nothing},
	{notDisk, "disk", puts, "+UseDisk +DiskUpdate +Spool", TheValue},

	{others, "remote", puts + " " + removals, "", Nothing},
	{"app", "remote", removals, "", TheRemoval},
	{"app", "remote", puts, "-UseRemote", Nothing},
	{"app", "remote", puts, "+UseRemote -Remote", Nothing},
	{"app", "remote", puts, "+UseRemote +Remote", TheValue},

	{others, "lateral", puts + " " + removals, "", Nothing},
	{"app", "lateral", removals, "", TheRemoval},
	{"app", "lateral", plainPuts, "-UseLateral", Nothing},
	{"app", "lateral", plainPuts, "+UseLateral -Lateral", Nothing},
	{"app", "lateral", plainPuts, "+UseLateral +Lateral +IssueRemoveOnPut", TheRemoval},
	{"app", "lateral", plainPuts, "+UseLateral +Lateral -IssueRemoveOnPut -AllowPut", Nothing},
	{"app", "lateral", plainPuts, "+UseLateral +Lateral -IssueRemoveOnPut +AllowPut", TheValue},
	{"app", "lateral", "update", "-UseLateral", TheRemoval},
	{"app", "lateral", "update", "+UseLateral -Lateral", TheRemoval},
	{"app", "lateral", "update", "+UseLateral +Lateral +IssueRemoveOnPut", TheRemoval},
	{"app", "lateral", "update", "+UseLateral +Lateral -IssueRemoveOnPut -AllowPut", TheRemoval},
	{"app", "lateral", "update", "+UseLateral +Lateral -IssueRemoveOnPut +AllowPut", TheValue},
}

var (
	originNames = map[string]cache.Origin{"app": cache.Application, "local": cache.LocalOnly, "lateral": cache.FromLateral,
		"remote": cache.FromRemote, "disk": cache.FromDisk, "sync": cache.FromSync}
	kindNames = map[string]cache.Kind{"disk": cache.Disk, "lateral": cache.Lateral, "remote": cache.RemoteTier}
)

// switches are every attribute and gate, each on or off by a bit of n.
func switches(n int) (a cache.Attributes, g Gates, on map[string]bool) {
	on = map[string]bool{}
	for i, s := range []struct {
		name string
		bit  *bool
	}{
		{"Spool", &a.Spool}, {"Lateral", &a.Lateral}, {"Remote", &a.Remote},
		{"UseLateral", &g.UseLateral}, {"UseRemote", &g.UseRemote}, {"UseDisk", &g.UseDisk}, {"DiskUpdate", &g.DiskUpdate},
		{"AllowPut", &g.AllowPut}, {"IssueRemoveOnPut", &g.IssueRemoveOnPut}, {"AllowGet", &g.AllowGet},
		{"PutOnlyMode", &g.PutOnlyMode}, {"Receive", &g.Receive}, {"FilterRemoveByHashCode", &g.FilterRemoveByHashCode},
	} {
		*s.bit = n>>i&1 == 1
		on[s.name] = *s.bit
	}
	return a, g, on
}

const (
	allSwitches     = 1 << 13
	puttingSwitches = 1 << 9 // those up to IssueRemoveOnPut
)

func has(list, word string) bool { return strings.Contains(" "+list+" ", " "+word+" ") }

func holds(when string, on map[string]bool) bool {
	for _, c := range strings.Fields(when) {
		if on[c[1:]] != (c[0] == '+') {
			return false
		}
	}
	return true
}

// Every combination of origin, kind, operation, attributes and gates falls
// under exactly one row of the contract, and Fanout says what the row says.
func TestFanout(t *testing.T) {
	used := make([]int, len(contract))
	for n := range puttingSwitches {
		a, g, on := switches(n)
		rows := make([]int, 0, len(contract))
		for i := range contract {
			if holds(contract[i].when, on) {
				rows = append(rows, i)
			}
		}
		for oname, o := range originNames {
			for kname, k := range kindNames {
				for op := cache.Get; op <= cache.Merge; op++ {
					found := -1
					for _, i := range rows {
						if w := &contract[i]; has(w.origins, oname) && has(w.kind, kname) && has(w.ops, op.String()) {
							if found >= 0 {
								t.Fatalf("rows %d and %d both mean %s to %s, %s", found, i, oname, kname, op)
							}
							found = i
						}
					}
					if found < 0 {
						t.Fatalf("no row for %s to %s, %s, %v", oname, kname, op, on)
					}
					used[found]++
					if got := Fanout(o, k, op, &a, g); got != contract[found].want {
						t.Fatalf("%s from %s to %s with %v: %d, the contract says %d in %+v", op, oname, kname, on, got, contract[found].want, contract[found])
					}
				}
			}
		}
	}
	for i, n := range used {
		if n == 0 {
			t.Errorf("row %d never applies: %+v", i, contract[i])
		}
	}
}

func TestSpoolsAsksAccepts(t *testing.T) {
	for n := range allSwitches {
		a, g, on := switches(n)
		for name, k := range kindNames {
			asks := map[string]bool{"disk": true, "remote": on["UseRemote"], "lateral": on["AllowGet"] && !on["PutOnlyMode"]}[name]
			if got := Asks(k, g); got != asks {
				t.Fatalf("Asks(%s, %v) = %v", name, on, got)
			}
			if got, want := Spools(k, &a, g), name == "disk" && on["Spool"] && !on["DiskUpdate"]; got != want {
				t.Fatalf("Spools(%s, %v) = %v", name, on, got)
			}
		}
		for name, o := range originNames {
			if got, want := Accepts(o, g), on["Receive"] || !has("lateral sync", name); got != want {
				t.Fatalf("Accepts(%s, %v) = %v", name, on, got)
			}
		}
	}
}

func TestModeOf(t *testing.T) {
	value := Gates{UseLateral: true, AllowPut: true}
	removes := Gates{UseLateral: true, AllowPut: true, IssueRemoveOnPut: true}
	lateral := cache.DefaultAttributes
	stays := lateral
	stays.Lateral = false
	for _, c := range []struct {
		a        cache.Attributes
		laterals []Gates
		want     Mode
	}{
		{lateral, nil, Local},
		{lateral, []Gates{value}, Replicate},
		{lateral, []Gates{removes}, Invalidate},
		{lateral, []Gates{{UseLateral: true}}, Invalidate}, // AllowPut=false
		{lateral, []Gates{{AllowPut: true}}, Invalidate},   // UseLateral=false: removals travel all the same
		{stays, []Gates{value}, Invalidate},                // IsLateral=false
		{lateral, []Gates{removes, value}, Replicate},      // one that takes values decides
		{lateral, []Gates{value, {}}, Replicate},           // whatever its place
		{stays, []Gates{removes, {UseLateral: true}}, Invalidate},
	} {
		if got := ModeOf(&c.a, c.laterals); got != c.want {
			t.Errorf("ModeOf(Lateral=%v, %+v) = %s, want %s", c.a.Lateral, c.laterals, got, c.want)
		}
	}
	if s := fmt.Sprint(Local, Invalidate, Replicate); s != "local invalidate replicate" {
		t.Error(s)
	}
}

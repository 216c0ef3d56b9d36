// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// says returns a check that finds this.
func says(name string, depends []string, found ...Finding) Check {
	return Check{Name: name, DependsOn: depends, Run: func(context.Context) []Finding { return found }}
}

func TestConsequencesAreHidden(t *testing.T) {
	down := Finding{Severity: Failure, Saw: "down", About: []string{"eth0"}}
	checks := []Check{
		says("interfaces", nil, down),
		says("route", []string{"interfaces"},
			Finding{Severity: Failure, Saw: "a", About: []string{"224.0.0.1", "eth0"}},
			Finding{Severity: Failure, Saw: "b", About: []string{"239.0.0.1", "eth1"}}),
		says("loop", []string{"route"}, // on interfaces too, by way of route
			Finding{Severity: Warning, Saw: "c", About: []string{"eth0"}},
			Finding{Severity: Warning, Saw: "d", About: []string{"lo"}},
			Finding{Saw: "e", About: []string{"eth0"}}),
		says("hostname", nil, Finding{Severity: Warning, Saw: "f"}),
	}
	r := runAll(t.Context(), checks)
	because := map[string]string{"a": "interfaces", "c": "interfaces"}
	for _, f := range r.Findings {
		if f.Because != because[f.Saw] {
			t.Errorf("%s is because of %q, want %q", f.Saw, f.Because, because[f.Saw])
		}
	}
	if r.ExitCode != 2 || r.Count(Failure) != 2 || r.Count(Warning) != 2 || r.Count(Ok) != 1 || r.Hidden() != 2 {
		t.Errorf("exit %d, %d failures, %d warnings, %d ok, %d hidden", r.ExitCode, r.Count(Failure), r.Count(Warning), r.Count(Ok), r.Hidden())
	}
}

func TestCausesInACircle(t *testing.T) {
	r := runAll(t.Context(), []Check{
		says("a", []string{"b"}, Finding{Severity: Failure}),
		says("b", []string{"a"}, Finding{Severity: Failure}),
	})
	if r.ExitCode != 2 || r.Hidden() != 1 {
		t.Errorf("exit %d, hidden %d: two checks blame each other and both are silent", r.ExitCode, r.Hidden())
	}
}

func TestExitCode(t *testing.T) {
	for s, want := range map[Severity]int{Ok: 0, Warning: 1, Failure: 2} {
		if r := runAll(t.Context(), []Check{says("a", nil, Finding{}, Finding{Severity: s})}); r.ExitCode != want {
			t.Errorf("%v: exit %d", s, r.ExitCode)
		}
	}
}

// A check that does not end is a warning after the deadline, and the others
// have their findings.
func TestLateCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		r := runAll(ctx, []Check{
			{Name: "deaf", Run: func(context.Context) []Finding { <-release; return nil }},
			says("fast", nil, Finding{Saw: "there"}),
			{Name: "just", Run: func(ctx context.Context) []Finding { <-ctx.Done(); return []Finding{{Saw: "until then"}} }},
		})
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Check+" "+f.Severity.String())
		}
		if want := []string{"deaf warning", "fast ok", "just ok"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if took := time.Since(begin); took != time.Second+grace {
			t.Errorf("took %v", took)
		}
	})
}

// Both checks wait for each other: one after the other they never end.
func TestChecksRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := make(chan bool), make(chan bool)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := runAll(ctx, []Check{
			{Name: "a", Run: func(context.Context) []Finding { close(a); <-b; return nil }},
			{Name: "b", Run: func(context.Context) []Finding { close(b); <-a; return nil }},
		})
		if len(r.Findings) != 0 {
			t.Errorf("findings %+v", r.Findings)
		}
	})
}

var report = newReport([]Check{{Name: "route"}, {Name: "loop", DependsOn: []string{"route"}}, {Name: "hostname"}}, []Finding{
	{Check: "interfaces", Saw: "eth0 up"},
	{Check: "route", Severity: Failure, Saw: "no route", Why: "nobody\nis found", Do: "ip route add\nor so", Details: []string{"row 1", "row 2"}},
	{Check: "loop", Severity: Failure, Saw: "nothing came back"},
	{Check: "hostname", Severity: Warning, Saw: "vm\x1b[2J leads to 127.0.1.1"},
})

const reportText = `✓ interfaces  eth0 up
✗ route       no route
              why: nobody
                   is found
              do:  ip route add
                   or so
              row 1
              row 2
! hostname    vm?[2J leads to 127.0.1.1
1 failure, 1 warning, 1 ok; 1 consequence of these not shown
`

func TestWrite(t *testing.T) {
	var b strings.Builder
	if err := report.Write(&b, false); err != nil || b.String() != reportText {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	if err := report.Write(&b, true); err != nil || !strings.Contains(b.String(), "\x1b[31m✗\x1b[0m route") {
		t.Errorf("%v\n%q", err, b.String())
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"exit_code":2`, `"severity":"failure"`, `"because":"route"`, `"saw":"no route"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil || back.Findings[1].Severity != Failure || back.ExitCode != 2 {
		t.Errorf("read back: %+v, %v", back, err)
	}
	var s Severity
	if s.UnmarshalText([]byte("worse")) == nil {
		t.Error("there is a severity called worse")
	}
}

// Whatever a finding quotes, only the report's own colours reach the terminal.
func FuzzWrite(f *testing.F) {
	f.Add("\x1b]0;title\x07", "a\nb\r", 2)
	f.Add("\u009b2J\x00", strings.Repeat("\n", 1000), -1)
	f.Add("\xff", "\u202e", 1<<31)
	f.Fuzz(func(t *testing.T, saw, do string, severity int) {
		var b strings.Builder
		r := Report{Findings: []Finding{{Check: "c", Saw: saw, Do: do, Severity: Severity(severity), Details: []string{saw}}}}
		if err := r.Write(&b, false); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(b.String(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r <= 0x9f }); i >= 0 {
			t.Errorf("a control character: %q", b.String()[i:])
		}
	})
}

// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"maps"
	"slices"

	"lateral/cache"
)

// A Severity says how bad a finding is. Larger is worse.
type Severity int

// The severities; as numbers they are the exit codes.
const (
	Ok      Severity = iota
	Warning          // works, or may work, but not as one would expect
	Failure          // does not work until somebody acts
)

var severities = [...]string{"ok", "warning", "failure"}

// String returns ok, warning or failure.
func (s Severity) String() string {
	if s >= 0 && int(s) < len(severities) {
		return severities[s]
	}
	return fmt.Sprintf("severity %d", int(s))
}

// MarshalText makes the JSON form a word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads that word.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities[:], string(text))
	if i < 0 {
		return fmt.Errorf("doctor: no severity is called %q; there are ok, warning and failure", text)
	}
	*s = Severity(i)
	return nil
}

// A Finding is one thing that a check saw.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Saw      string   `json:"saw"`
	Why      string   `json:"why,omitempty"` // why it matters; "" where Severity is Ok
	Do       string   `json:"do,omitempty"`  // the next step; several lines are several steps
	// Run are the commands that mend it at once, each a line for a shell, to be
	// run in this order, as root where they change the system. They are printed
	// with Do, which has what they leave to be done.
	Run     []string `json:"run,omitempty"`
	Details []string `json:"details,omitempty"` // lines to print below, such as a routing table
	// About names what the finding is about: interfaces, groups, ports. A
	// cause hides only consequences about the same thing; empty is everything.
	About []string `json:"about,omitempty"`
	// Because names the check whose failure explains this finding; a
	// finding that has one is not printed and does not count.
	Because string `json:"because,omitempty"`
}

// A Report is what all checks found, in the order of the checks.
type Report struct {
	Findings []Finding `json:"findings"`
	ExitCode int       `json:"exit_code"` // 0, 1 or 2: the worst severity
	// Surveys are what a Cluster report was made of.
	Surveys []cache.Survey `json:"surveys,omitempty"`
}

// Count returns how many findings of a severity there are that no other explains.
func (r Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s && f.Because == "" {
			n++
		}
	}
	return n
}

// Hidden returns how many findings another one explains.
func (r Report) Hidden() int {
	n := 0
	for _, f := range r.Findings {
		if f.Because != "" {
			n++
		}
	}
	return n
}

// newReport hides the consequences among the findings and counts the rest.
func newReport(checks []Check, findings []Finding) Report {
	above := causes(checks)
	r := Report{Findings: findings}
	for i := range findings {
		f := &findings[i]
		if f.Severity == Ok || f.Because != "" {
			continue
		}
		for _, c := range findings {
			if c.Severity >= f.Severity && above[f.Check][c.Check] && touches(c.About, f.About) {
				f.Because = c.Check
				break
			}
		}
	}
	for _, f := range findings {
		if f.Because == "" {
			r.ExitCode = max(r.ExitCode, int(f.Severity))
		}
	}
	return r
}

// touches reports whether two findings are about the same thing.
func touches(cause, consequence []string) bool {
	if len(cause) == 0 || len(consequence) == 0 {
		return true
	}
	return slices.ContainsFunc(cause, func(a string) bool { return slices.Contains(consequence, a) })
}

// causes returns, for every check, all those it depends on, however far. Only
// checks before it in the list count, so that no two can blame each other.
func causes(checks []Check) map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, c := range checks {
		seen := map[string]bool{}
		for _, d := range c.DependsOn {
			if all[d] != nil {
				seen[d] = true
				maps.Copy(seen, all[d])
			}
		}
		delete(seen, c.Name)
		all[c.Name] = seen
	}
	return all
}

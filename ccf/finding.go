// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Severity says how much a Finding matters.
type Severity uint8

// The severities, worst first.
const (
	Error   Severity = iota // the file cannot mean what it says: refuse to start
	Warning                 // the file works, but not as whoever wrote it will think
	Note                    // worth knowing
)

// String returns "error", "warning" or "note".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "note"
}

// MarshalText makes the severity a word in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Finding is one thing to be said about one line of a file: what is there,
// why it matters, what to do.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"` // 0: the file as a whole
	Key      string   `json:"key,omitempty"`
	Severity Severity `json:"severity"`
	Saw      string   `json:"saw"`
	Why      string   `json:"why"`
	Do       string   `json:"do"`
}

// String prints the finding as file:line: key: saw; why; do.
func (f Finding) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(Pos{f.File, f.Line}.String() + ": ")
	}
	if f.Key != "" {
		b.WriteString(printable(f.Key) + ": ")
	}
	b.WriteString(f.Saw)
	for _, s := range []string{f.Why, f.Do} {
		if s != "" {
			b.WriteString("; " + s)
		}
	}
	return b.String()
}

// Error makes a Finding an error of its own.
func (f Finding) Error() string { return f.String() }

// Errors are all that is wrong with all files of a service: one edit of the
// files mends them all. Each is of severity Error.
type Errors []Finding

// Error prints one finding to a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As and errors.Is each finding.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, f := range e {
		errs[i] = f
	}
	return errs
}

// findings collects what there is to say. It keeps at most maxFindings, so
// that a file of garbage is answered with a page and not with a book.
type findings struct {
	list    []Finding
	dropped int
}

func (fs *findings) add(s Severity, p Pos, key, saw, why, do string) {
	if len(fs.list) >= maxFindings {
		fs.dropped++
		return
	}
	fs.list = append(fs.list, Finding{p.File, p.Line, key, s, saw, why, do})
}

// full reports whether nothing more is kept: suggestions need not be sought.
func (fs *findings) full() bool { return len(fs.list) >= maxFindings }

// split sorts the findings by file (in the order given) and line, and parts
// errors from the rest.
func (fs *findings) split(files []string) (errs Errors, rest []Finding) {
	if fs.dropped > 0 {
		fs.list = append(fs.list, Finding{Severity: Error,
			Saw: fmt.Sprintf("%d more findings are not shown", fs.dropped),
			Why: "this does not look like a cache.ccf", Do: "mend the first ones and check again"})
	}
	sortFindings(fs.list, files)
	for _, f := range fs.list {
		if f.Severity == Error {
			errs = append(errs, f)
		} else {
			rest = append(rest, f)
		}
	}
	return errs, rest
}

func sortFindings(list []Finding, files []string) {
	rank := func(f Finding) int {
		if i := slices.Index(files, f.File); i >= 0 {
			return i
		}
		return len(files)
	}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Severity, b.Severity))
	})
}

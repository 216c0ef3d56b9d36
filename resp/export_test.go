// SPDX-License-Identifier: Apache-2.0

package resp

// MaxStrangersOfOne is for tests.
const MaxStrangersOfOne = maxStrangersOfOne

// Watched counts the clients that loops serve, and the loops.
func (f *Front) Watched() (clients, loops int) { return f.loops.watched() }

// A KnownScript is one of the scripts that are recognised, and how many arguments it takes.
type KnownScript struct {
	Text string
	Args int
}

// KnownScripts is for tests.
func KnownScripts() (out []KnownScript) {
	for _, s := range knownScripts {
		out = append(out, KnownScript{s.text, s.args})
	}
	return out
}

// Row is a row of the table.
type Row struct {
	Name, Args        string
	Arity             int
	First, Last, Step int
}

// Rows is for tests.
func Rows() (out []Row) {
	for _, g := range groups {
		for _, c := range g.commands {
			out = append(out, Row{c.name, c.args, c.arity, c.first, c.last, c.step})
		}
	}
	return out
}

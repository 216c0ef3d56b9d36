// SPDX-License-Identifier: Apache-2.0

package resp

import (
	stdflag "flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var rewrite = stdflag.Bool("rewrite", false, "write the table of commands into docs/resp.md")

// DocsPath is where users read what is generated here.
const DocsPath = "../docs/resp.md"

// InDocs wants a text behind a mark of the documentation, up to "<!-- end -->";
// with -rewrite it writes it there.
func InDocs(t *testing.T, mark, text string) {
	t.Helper()
	begin, end := "<!-- "+mark+" -->\n", "<!-- end -->"
	b, err := os.ReadFile(DocsPath)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for %s", DocsPath, mark)
	}
	want := head + begin + "\n" + text + "\n" + end + tail
	if *rewrite {
		if err := os.WriteFile(DocsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(b) {
		t.Errorf("what %s says of %s is not what the code has: run go test ./resp -rewrite and read the difference", DocsPath, mark)
	}
}

// The documentation's table is this one.
func TestTableInDocs(t *testing.T) {
	var sections []string
	for _, g := range groups {
		var b strings.Builder
		fmt.Fprintf(&b, "### %s\n\n| command | what it does |\n|---|---|\n", g.name)
		for _, c := range g.commands {
			call := strings.TrimSpace(c.name + " " + c.args)
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(call, "|", `\|`), c.does)
		}
		sections = append(sections, b.String())
	}
	InDocs(t, "commands", strings.Join(sections, "\n"))
}

// Rows of the table are whole, and their keys lie where the manual has them.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range groups {
		for i := range g.commands {
			c := &g.commands[i]
			if seen[c.name] || c.name != strings.ToUpper(c.name) || len(c.name) > maxCommandName || c.run == nil || c.does == "" || c.arity == 0 {
				t.Errorf("row %s is not whole", c.name)
			}
			seen[c.name] = true
			if (c.first == 0) != (c.step == 0) || c.flags&(reads|tracked) != 0 && c.first == 0 {
				t.Errorf("%s: keys from %d by %d", c.name, c.first, c.step)
			}
			if c.flags&write != 0 && c.flags&(gated|alone) == 0 || c.flags&readonly != 0 && c.flags&write != 0 {
				t.Errorf("%s: flags %b", c.name, c.flags)
			}
		}
	}
}

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

// The documentation's table is this one.
func TestTableInDocs(t *testing.T) {
	const path, begin, end = "../docs/resp.md", "<!-- commands -->\n", "<!-- end -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	var table strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&table, "### %s\n\n| command | what it does |\n|---|---|\n", g.name)
		for _, c := range g.commands {
			call := strings.TrimSpace(c.name + " " + c.args)
			fmt.Fprintf(&table, "| `%s` | %s |\n", strings.ReplaceAll(call, "|", `\|`), c.does)
		}
		table.WriteString("\n")
	}
	want := head + begin + "\n" + table.String() + end + tail
	if *rewrite {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(b) {
		t.Errorf("the table in %s is not that of table.go: run go test ./resp -rewrite and read the difference", path)
	}
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

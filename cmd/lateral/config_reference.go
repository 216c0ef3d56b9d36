// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"lateral/ccf"
)

type referenceCmd struct {
	JSON     bool `name:"json" xor:"form" help:"Print JSON."`
	Markdown bool `xor:"form" help:"Print tables: docs/configuration.md."`
}

func (*referenceCmd) Help() string {
	return `Prints every key that is known with its default and meaning, as a cache.ccf that
can be read. It comes from the table that the parser uses.

Examples:

  lateral config reference
  lateral config reference > cache.ccf
  lateral config reference --markdown > docs/configuration.md
  lateral config reference --json | jq '.[] | select(.own).key'`
}

func (c *referenceCmd) Run(s *streams) error {
	if c.JSON {
		return s.out.json(ccf.Reference())
	}
	if c.Markdown {
		s.out.printf("%s", configuration(ccf.Reference()))
		return nil
	}
	return ccf.WriteReference(s.out)
}

const configurationHead = `# Configuration: every key of cache.ccf

Made by ${lateral config reference --markdown} of the table that the parser uses; ${lateral config reference} prints the same as a file, and
${lateral config show FILE} what counts in yours and where it comes from. Values are checked when a service starts, and ${lateral config check} before.

The format is Java's .properties. NAME and LTCP stand for the names of a region and of an auxiliary. **own**: a key of Lateral's, which JCS ignores.
Names are those of JCS 1.3; what other generations call a key is said with it, and a file is read as that of the generation that its class names tell
(org.apache.jcs is 1.3, org.apache.commons.jcs 2, .jcs3 3, .jcs4 4).
`

// configuration is the reference as a page of the documentation.
func configuration(list []ccf.KeyDoc) string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(strings.ReplaceAll(configurationHead, "${", "`"), "}", "`"))
	place := map[string]int{} // of a heading
	for _, k := range list {
		if _, seen := place[k.Scope]; !seen {
			place[k.Scope] = len(place)
		}
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b ccf.KeyDoc) int { return place[a.Scope] - place[b.Scope] })
	scope := ""
	for _, k := range list {
		if k.Scope != scope {
			scope = k.Scope
			fmt.Fprintf(&b, "\n## %s\n\n", scope)
			if before := strings.TrimSuffix(k.Key, k.Name); before != "" && before != k.Key {
				fmt.Fprintf(&b, "Each begins with `%s`.\n\n", before)
			}
			b.WriteString("| key | default | meaning |\n|---|---|---|\n")
		}
		def := "–"
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, def, cellText(meaning(k)))
	}
	return b.String()
}

// meaning is all that is to be said about a key.
func meaning(k ccf.KeyDoc) string {
	text := k.Doc
	if k.Own {
		text = "**own** " + text
	}
	if len(k.Words) > 0 {
		text += " One of " + strings.Join(k.Words, ", ") + "."
	}
	if why, idle := strings.CutPrefix(k.Status, "accepted, not needed: "); idle {
		text += " Accepted, not needed: " + why
	}
	for _, sp := range k.Spelled {
		if sp.Name != k.Name || sp.Type != k.Type {
			text += fmt.Sprintf(" JCS %s: `%s` (%s)", strings.Join(sp.Generations, ", "), sp.Name, sp.Type)
			if sp.Default != "" {
				text += ", default `" + sp.Default + "`"
			}
			text += "."
		}
	}
	return text
}

// cellText is a text that ends no cell of a table.
func cellText(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s)
}

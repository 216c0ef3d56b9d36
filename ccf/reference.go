// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A KeyDoc is one key as the reference explains it.
type KeyDoc struct {
	Scope   string     `json:"scope"` // the heading it stands under
	Key     string     `json:"key"`   // in full, as JCS 1.3 or Lateral spells it
	Name    string     `json:"name"`
	Type    string     `json:"type"`
	Words   []string   `json:"words,omitempty"` // of type word: what may be written
	Default string     `json:"default"`
	Doc     string     `json:"doc"`
	Status  string     `json:"status"` // "honoured", or "accepted, not needed: " and why
	Own     bool       `json:"own"`    // Lateral's own: no JCS knows it
	Spelled []Spelling `json:"spelled"`
}

// A Spelling is how some generations of JCS write a key.
type Spelling struct {
	Generations []string `json:"generations"`
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Default     string   `json:"default"`
}

const honoured = "honoured"

// Reference returns every key, by scope.
func Reference() []KeyDoc {
	list := make([]KeyDoc, 0, len(keys))
	for _, k := range keys {
		first := k.spell[0]
		d := KeyDoc{Scope: scopeTexts[k.scope].title, Key: scopeTexts[k.scope].prefix + first.name, Name: first.name,
			Type: first.typ.String(), Words: k.words, Default: first.def, Doc: k.doc, Status: honoured, Own: first.gens == 0}
		if k.idle != "" {
			d.Status = "accepted, not needed: " + k.idle
		}
		for _, sp := range k.spell {
			if sp.gens != 0 {
				d.Spelled = append(d.Spelled, Spelling{sp.gens.list(), sp.name, sp.typ.String(), sp.def})
			}
		}
		list = append(list, d)
	}
	return list
}

// referenceHead explains the reference in its own form.
const referenceHead = `# cache.ccf: every key that Lateral reads, with its default and its meaning.
#
# The format is Java's .properties: "#" starts a comment, at the start of a
# line only; blanks around "=" do not count, blanks at the end of a line do;
# "\" at its end continues it; text is ISO-8859-1, other letters are \uXXXX;
# ${name} is replaced by an override or by another key.
#
# Names are those of JCS 1.3; where another generation writes a key otherwise,
# it says so. Which generation a file speaks is told by its class names:
# org.apache.jcs is 1.3, org.apache.commons.jcs 2, .jcs3 3 and .jcs4 4.
#
# A line that starts with "#" is not set by default, or not needed.
`

// WriteReference writes every key with its default and meaning, as a ccf
// that Parse reads.
func WriteReference(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(referenceHead)
	for s := scopeTop; int(s) < len(scopeTexts); s++ {
		writeScope(b, s)
	}
	return b.Flush()
}

const referenceWidth = 78

func writeScope(w *bufio.Writer, s scope) {
	rule := "#" + strings.Repeat("-", referenceWidth-1)
	fmt.Fprintf(w, "\n%s\n# %s\n%s\n", rule, scopeTexts[s].title, rule)
	idle := sharedReason(s)
	if idle != "" {
		w.WriteByte('\n')
		comment(w, "None of these is needed: "+idle+".")
	}
	width := 0
	for _, k := range byScope[s] {
		width = max(width, len(k.line()))
	}
	for _, k := range byScope[s] {
		w.WriteByte('\n')
		comment(w, k.doc)
		if len(k.words) > 0 {
			comment(w, "One of "+strings.Join(k.words, ", ")+".")
		}
		for _, text := range k.remarks(idle) {
			comment(w, text)
		}
		value := k.like
		if value == "" {
			value = k.spell[0].def
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-*s = %s", width, k.line(), value), " "))
	}
}

// sharedReason is why no key of a scope is needed; "" if some are.
func sharedReason(s scope) string {
	reason := byScope[s][0].idle
	for _, k := range byScope[s] {
		if k.idle != reason {
			return ""
		}
	}
	return reason
}

// line returns the key as the reference shows it, commented out if nothing is
// set by default or nothing comes of it.
func (k *key) line() string {
	full := scopeTexts[k.scope].prefix + strings.Replace(k.name(), "auxiliary.NAME", "auxiliary.LTCP", 1)
	if k.idle != "" || k.spelled(g13) == nil || k.spell[0].def == "" && (k.scope != scopeTop || k.like == "") {
		return "#" + full
	}
	return full
}

// remarks tell what differs between generations, and why the key is not needed
// unless that is told.
func (k *key) remarks(told string) []string {
	var list []string
	first := k.spell[0]
	switch {
	case first.gens == 0:
		list = append(list, "Lateral's own.")
	case k.own != 0:
		list = append(list, fmt.Sprintf("JCS %s; Lateral honours it in every file.", first.gens))
	case first.gens != gAll && len(k.spell) == 1:
		list = append(list, fmt.Sprintf("JCS %s only.", first.gens))
	case first.gens != gAll && first.typ != k.spell[len(k.spell)-1].typ:
		list = append(list, fmt.Sprintf("JCS %s: in %s.", first.gens, first.typ))
	}
	for i, sp := range k.spell[1:] {
		switch before := k.spell[i]; {
		case sp.name == before.name && sp.typ == before.typ:
		case sp.typ == before.typ:
			list = append(list, fmt.Sprintf("JCS %s: %s.", sp.gens, sp.name))
		default:
			list = append(list, fmt.Sprintf("JCS %s: %s, as %s, default %s.", sp.gens, sp.name, sp.typ, orNone(sp.def)))
		}
	}
	if k.idle != told {
		list = append(list, "Accepted, not needed: "+k.idle+".")
	}
	return list
}

// comment writes a text as comment lines of a readable width.
func comment(w *bufio.Writer, text string) {
	at := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case at == 0:
			w.WriteString("#")
			at = 1
		case at+1+len(word) > referenceWidth:
			w.WriteString("\n#")
			at = 1
		}
		w.WriteString(" " + word)
		at += 1 + len(word)
	}
	w.WriteByte('\n')
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// typed is a command line that somebody is typing: the words behind the
// program's name, of which the last, perhaps empty, is to be completed.
type typed struct {
	node  *kong.Node // the command up to there
	words []string
	here  func() (services, regions []string)

	flag *kong.Flag // whose value comes next
	args int        // words that are arguments
}

// offers returns lines for a shell; see scripts.
func (t *typed) offers() []string {
	last := t.words[len(t.words)-1]
	for _, w := range t.words[:len(t.words)-1] {
		if !t.step(w) {
			return nil
		}
	}
	name, value, assigned := strings.Cut(last, "=")
	switch {
	case t.flag != nil:
		return t.values(t.flag.Value, "", strings.TrimPrefix(last, "=")) // bash: "=" is a word
	case strings.HasPrefix(last, "--") && assigned:
		if f := t.find(name); f != nil && !f.IsBool() {
			return t.values(f.Value, name+"=", value)
		}
		return nil
	case strings.HasPrefix(last, "-"):
		return t.flags(last)
	case len(t.node.Children) > 0:
		return t.commands(last)
	case len(t.node.Positional) == 0:
		return nil
	}
	i := min(t.args, len(t.node.Positional)-1)
	if p := t.node.Positional[i]; i == t.args || p.IsCumulative() {
		return t.values(p, "", last)
	}
	return nil
}

// step reads a word that is complete, and reports whether it makes sense.
func (t *typed) step(w string) bool {
	switch {
	case t.flag != nil:
		if w != "=" {
			t.flag = nil
		}
	case strings.HasPrefix(w, "-") && w != "-":
		name, _, assigned := strings.Cut(w, "=")
		f := t.find(name)
		if f == nil {
			return false
		}
		if !assigned && !f.IsBool() {
			t.flag = f
		}
	case len(t.node.Children) > 0:
		for _, c := range t.node.Children {
			if c.Name == w {
				t.node = c
				return true
			}
		}
		return false
	default:
		t.args++
	}
	return true
}

// known returns the flags that may be given here.
func (t *typed) known() (out []*kong.Flag) {
	for _, group := range t.node.AllFlags(true) {
		out = append(out, group...)
	}
	return out
}

func (t *typed) find(name string) *kong.Flag {
	for _, f := range t.known() {
		if "--"+f.Name == name || f.Short != 0 && "-"+string(f.Short) == name {
			return f
		}
	}
	return nil
}

func (t *typed) flags(start string) (out []string) {
	for _, f := range t.known() {
		name := "--" + f.Name
		given := slices.ContainsFunc(t.words[:len(t.words)-1], func(w string) bool { return w == name || strings.HasPrefix(w, name+"=") })
		if given && !f.IsCumulative() || !strings.HasPrefix(name, start) {
			continue
		}
		if !f.IsBool() {
			name += "="
		}
		out = append(out, offer(name, f.Help))
	}
	return out
}

func (t *typed) commands(start string) (out []string) {
	for _, c := range t.node.Children {
		if !c.Hidden && strings.HasPrefix(c.Name, start) {
			out = append(out, offer(c.Name, c.Help))
		}
	}
	return out
}

// values returns what a flag or an argument may be, where that is known:
// a word of a list, a file, a service or a region.
func (t *typed) values(v *kong.Value, before, start string) (out []string) {
	var list []string
	kind := v.Name
	if v.Flag != nil && (v.Flag.PlaceHolder == "FILE" || v.Flag.PlaceHolder == "DIR") {
		kind = "file"
	}
	switch {
	case v.Enum != "":
		list = v.EnumSlice()
	case kind == "file":
		return []string{":files"}
	case kind == "service" && v.Flag.PlaceHolder == "NAME" && t.node.Name != "run": // whose name must be a new one
		list, _ = t.here()
	case kind == "region":
		_, list = t.here()
	}
	for _, w := range list {
		if w != "" && strings.HasPrefix(w, start) {
			out = append(out, offer(before+w, ""))
		}
	}
	return out
}

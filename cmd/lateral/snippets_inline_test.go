// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// What running text and tables say in backticks is often a part of a command:
// `lateral put --tag` lacks a key, `lateral config check|show` is two. So the
// command must be one, and its flags must be its own.

// span is code within a line.
type span struct {
	page string
	line int
	text string
}

var code = regexp.MustCompile("``([^`].*?)``|`([^`]+)`")

// spans lists code of a page in text that readers see, but for blocks.
func spans(page, text string) (list []span) {
	fenced, hidden := false, false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
		case hidden, strings.HasPrefix(line, "<!--"):
			hidden = !strings.Contains(line, "-->")
		default:
			for _, m := range code.FindAllStringSubmatch(line, -1) {
				list = append(list, span{page, i + 1, strings.ReplaceAll(m[1]+m[2], `\|`, "|")})
			}
		}
	}
	return list
}

// judge tells what is wrong with a span that is, or begins, a call of lateral,
// and with one that is a flag of ours.
func (s span) judge(app *kong.Node) error {
	words := strings.Fields(s.text)
	if strings.HasPrefix(s.text, "--") && !foreign[flagOf(words[0])] {
		if !anyHas(app, flagOf(words[0])) {
			return fmt.Errorf("no command has %s", words[0])
		}
		return nil
	}
	if len(words) < 2 || words[0] != "lateral" {
		return nil
	}
	if !strings.Contains(words[1], "|") {
		return s.call(app, words[1:])
	}
	for name := range strings.SplitSeq(words[1], "|") {
		if err := s.call(app, append([]string{name}, words[2:]...)); err != nil {
			return err
		}
	}
	return nil
}

// foreign are flags of other programs.
var foreign = map[string]bool{"--pipe": true, "--scan": true, "--bigkeys": true} // of redis-cli

// call judges one command with what follows it.
func (s span) call(node *kong.Node, words []string) error {
	path := "lateral"
	if len(words) > 0 && (words[0] == "COMMAND" || words[0] == "…") { // any
		for _, w := range words[1:] {
			if !anyHas(node, flagOf(w)) {
				return fmt.Errorf("no command has %s", w)
			}
		}
		return nil
	}
	for len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		next := child(node, words[0])
		if next == nil && strings.Contains(words[0], "|") {
			for name := range strings.SplitSeq(words[0], "|") {
				if child(node, name) == nil {
					return fmt.Errorf("%s has no command %q", path, name)
				}
			}
			return nil
		}
		if next == nil {
			break
		}
		node, path, words = next, path+" "+words[0], words[1:]
	}
	if len(node.Children) > 0 && len(words) > 0 && !strings.HasPrefix(words[0], "-") {
		return fmt.Errorf("%s has no command %q", path, words[0])
	}
	for _, w := range words {
		if w == "--" {
			break
		}
		for f := range strings.SplitSeq(w, "|") {
			if f = strings.Trim(f, "[]"); strings.HasPrefix(f, "-") && !has(node, flagOf(f)) {
				return fmt.Errorf("%s has no flag %s", path, flagOf(f))
			}
		}
	}
	return nil
}

func flagOf(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return strings.TrimRight(name, ".,;:")
}

func child(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// has reports whether a command takes a flag, long or short.
func has(node *kong.Node, flag string) bool {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if "--"+f.Name == flag || f.Short != 0 && "-"+string(f.Short) == flag {
				return true
			}
		}
	}
	return false
}

func anyHas(node *kong.Node, flag string) bool {
	if has(node, flag) {
		return true
	}
	for _, c := range node.Children {
		if anyHas(c, flag) {
			return true
		}
	}
	return false
}

// TestInline judges each call of lateral, and each flag, in running text and tables.
func TestInline(t *testing.T) {
	parser, err := kong.New(new(commands), kong.Name("lateral"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range pages() {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range spans(page, string(text)) {
			if strings.HasPrefix(s.text, "lateral ") || strings.HasPrefix(s.text, "--") {
				seen++
			}
			if err := s.judge(parser.Model.Node); err != nil {
				t.Errorf("%s:%d: `%s`: %v", s.page, s.line, s.text, err)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d were found", seen)
	}
}

// TestInlineJudges has the judge say no where it must.
func TestInlineJudges(t *testing.T) {
	parser, err := kong.New(new(commands), kong.Name("lateral"))
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		"lateral mesh": true, "lateral mesh --wait 10s": true, "lateral config check|show|reference": true, "lateral put --tag": true, "lateral why REGION KEY": true,
		"lateral top -n 3": true, "lateral --help": true, "lateral run --help": true, "--ready-nodes 2": true, "lateral/cache": true, "lateral mesh|stats": true,
		"lateral COMMAND --json": true, "lateral … --jason": false,
		"lateral mush": false, "lateral mesh --wate": false, "lateral config chek": false, "lateral config check|shaw": false, "lateral put --tree": false, "--ready-node": false, "lateral mesh|stat": false,
	} {
		list := spans("page", "A line with `"+text+"` in it.\n```sh\n`lateral no`\n```\n<!--\n`lateral no`\n-->\n")
		if len(list) != 1 || (list[0].judge(parser.Model.Node) == nil) != good {
			t.Errorf("%s: want %v, got %v", text, good, list)
		}
	}
}

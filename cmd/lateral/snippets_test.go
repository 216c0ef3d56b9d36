// SPDX-License-Identifier: Apache-2.0

package main

// What the documentation prints is tried. A page is README.md, SECURITY.md or
// one of docs/*.md; a block is fenced by ``` and names its language:
//
//	go          compiled and vetted, in a module of its own that replaces
//	            lateral. A block is a file (package …), declarations, or
//	            statements with a ctx; what it does not import is imported,
//	            what it declares need not be used. What it takes for granted
//	            stands above it, where readers do not see it:
//
//	                <!-- given
//	                var users *lateral.Region[string]
//	                -->
//
//	sh          every call of lateral in it must be one that the program
//	            knows, and the line above says how it is run:
//
//	                <!-- run -->            by itself, sh -eu, in an empty directory; must end with 0
//	                <!-- script: NAME -->   by a script of cmd/lateral/testdata: snippet docs/PAGE.md NAME FILE
//	                <!-- session -->        with the others of its page, in order, in one shell, as root on a machine
//	                                        of its own (namespaces); must end with 0. Lines behind the word
//	                                        come before, unseen by readers: TestSessions
//	                <!-- not run: why -->
//
//	console     the same, for commands after "$ " with what they print after
//	            them; … stands for anything. In a script: console docs/PAGE.md NAME
//	properties  a cache.ccf, whole or in part (a part has no jcs.default): no error, no warning
//	json        is JSON
//	text        is to be looked at, or with <!-- doctor: TRAP --> above it what
//	            the doctor says of a trap: TestTraps compares
//
// With <!-- client: NAME --> above it a block of any language is one that the
// tests of clients use word for word.
//
// Any other language wants a script or a reason. Blocks by indentation are
// refused outside of lists, as nobody can tell what they are. Code in running text
// and tables: snippets_inline_test.go.

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"lateral/ccf"
)

// A block is one fenced block of a page.
type block struct {
	page string // README.md, docs/resp.md
	line int    // of the first line within
	lang string
	text string
	mark string // "run", "script", "not run", "given" or ""
	says string // behind the mark
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// root is the top of the module, from the place that tests start in.
var root, _ = filepath.Abs("../..")

// pages lists what is documentation, by its path from the top.
func pages() (list []string) {
	for _, pattern := range []string{"README.md", "SECURITY.md", "docs/*.md"} {
		found, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, path := range found {
			name, _ := filepath.Rel(root, path)
			list = append(list, filepath.ToSlash(name))
		}
	}
	return list
}

// blocks returns the blocks of a page, and complaints about what none is.
func blocks(page string) (list []block, complaints []string) {
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	if err != nil {
		return nil, []string{err.Error()}
	}
	return parseBlocks(page, string(data))
}

func parseBlocks(page, text string) (list []block, complaints []string) {
	lines := strings.Split(text, "\n")
	above := "" // the comment that ends on the line before
	listed := false
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "```"):
			b := block{page: page, line: i + 2, lang: strings.TrimSpace(line[3:])}
			end := i + 1
			for end < len(lines) && lines[end] != "```" {
				end++
			}
			if end == len(lines) {
				return list, append(complaints, fmt.Sprintf("%v: the block does not end", b))
			}
			b.text = strings.Join(lines[i+1:end], "\n") + "\n"
			b.mark, b.says = marked(above)
			list, above, i = append(list, b), "", end
		case strings.HasPrefix(line, "<!--"):
			end := i
			for end < len(lines)-1 && !strings.Contains(lines[end], "-->") {
				end++
			}
			above, i = strings.Join(lines[i:end+1], "\n"), end
		default:
			above = ""
			if strings.HasPrefix(line, "    ") && i > 0 && lines[i-1] == "" && !listed {
				complaints = append(complaints, fmt.Sprintf("%s:%d: a block by indentation; fence it with ``` and its language", page, i+1))
			}
			if line != "" && line[0] != ' ' {
				listed = bullet.MatchString(line)
			}
		}
	}
	return list, complaints
}

var bullet = regexp.MustCompile(`^([-*]|\d+\.) `)

// marked takes the comment above a block apart.
func marked(comment string) (mark, says string) {
	comment = strings.TrimSuffix(strings.TrimPrefix(comment, "<!--"), "-->")
	for _, m := range []string{"given", "run", "session", "script:", "not run:", "doctor:", "client:"} {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(comment), m); ok && (strings.HasSuffix(m, ":") || rest == "" || strings.TrimSpace(rest[:1]) == "") {
			return strings.TrimSuffix(m, ":"), strings.TrimSpace(rest)
		}
	}
	return strings.TrimSpace(comment), ""
}

// TestSnippets judges every block by its language, as the head of this file
// says, but for Go's (TestGoSnippets) and those that run (TestSnippetsRun).
func TestSnippets(t *testing.T) {
	used := scripted(t)
	for _, page := range pages() {
		list, complaints := blocks(page)
		for _, c := range complaints {
			t.Error(c)
		}
		names := map[string]bool{}
		for _, b := range list {
			if b.mark == "script" {
				if names[b.says] {
					t.Errorf("%v: a second block %s on this page", b, b.says)
				}
				names[b.says] = true
				if !used[page+" "+b.says] {
					t.Errorf("%v: no script of cmd/lateral/testdata has: snippet %s %s", b, page, b.says)
				}
			}
			if err := b.judge(); err != nil {
				t.Errorf("%v: %v", b, err)
			}
		}
	}
}

// scripted lists the blocks that scripts use, as "docs/resp.md ask".
func scripted(t *testing.T) map[string]bool {
	used := map[string]bool{}
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^(?:snippet|console) (\S+) (\S+)`).FindAllStringSubmatch(string(data), -1) {
			used[m[1]+" "+m[2]] = true
		}
	}
	return used
}

// judge tells what is wrong with a block, without running it.
func (b block) judge() error {
	switch b.mark {
	case "", "run", "session", "script", "given", "client":
	case "doctor":
		if b.lang != "text" {
			return fmt.Errorf("what the doctor says is text, not %s", b.lang)
		}
	case "not run":
		if len(b.says) < 10 {
			return fmt.Errorf("not run: say why")
		}
	default:
		return fmt.Errorf("the comment above says %q; write one of: run, session, script: NAME, not run: why, given, doctor: TRAP, client: NAME", b.mark)
	}
	if (b.mark == "run" || b.mark == "session") && b.lang != "sh" && b.lang != "console" {
		return fmt.Errorf("only sh and console run by themselves")
	}
	if b.mark == "given" && b.lang != "go" {
		return fmt.Errorf("only Go is given something")
	}
	switch b.lang {
	case "go", "text":
		return nil
	case "properties":
		return judgeCCF(b.text)
	case "json":
		return json.Unmarshal([]byte(b.text), new(any))
	case "":
		return fmt.Errorf("the block does not say its language; text is one")
	}
	if b.mark == "" {
		return fmt.Errorf("%s: write above it how it is run: <!-- run -->, <!-- script: NAME --> or <!-- not run: why -->", b.lang)
	}
	if b.lang == "sh" || b.lang == "console" {
		for _, call := range calls(b) {
			if err := knows(call); err != nil {
				return fmt.Errorf("lateral %s: %w", strings.Join(call, " "), err)
			}
		}
	}
	return nil
}

// judgeCCF wants no error and no warning of a ccf. What a part does not say
// itself is added: that its regions and auxiliaries exist.
func judgeCCF(text string) error {
	if !regexp.MustCompile(`(?m)^jcs\.default\s*=`).MatchString(text) {
		add := map[string]string{
			"jcs.default": "",
		}
		for _, m := range regexp.MustCompile(`(?m)^jcs\.region\.(\w+)`).FindAllStringSubmatch(text, -1) {
			add["jcs.region."+m[1]] = "LTCP"
			add["jcs.region."+m[1]+".cacheattributes"] = "org.apache.jcs.engine.CompositeCacheAttributes"
			add["jcs.region."+m[1]+".elementattributes"] = "org.apache.jcs.engine.ElementAttributes"
			add["jcs.auxiliary.LTCP"] = factory
			add["jcs.auxiliary.LTCP.attributes"] = attributes
		}
		for _, m := range regexp.MustCompile(`(?m)^jcs\.auxiliary\.(\w+)`).FindAllStringSubmatch(text, -1) {
			add["jcs.auxiliary."+m[1]] = factory
			add["jcs.auxiliary."+m[1]+".attributes"] = attributes
		}
		if _, has := add["jcs.auxiliary.LTCP"]; has {
			add["jcs.auxiliary.LTCP.attributes.TcpListenerPort"] = "57461"
		}
		for key, value := range add {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `\s*=`).MatchString(text) {
				text += key + "=" + value + "\n"
			}
		}
	}
	cfg, err := ccf.Parse(ccf.Source{Name: "block", Data: []byte(text)})
	if err != nil {
		return err
	}
	for _, f := range cfg.Findings {
		if f.Severity == ccf.Warning {
			return fmt.Errorf("%v", f)
		}
	}
	return nil
}

const (
	factory    = "org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory"
	attributes = "org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes"
)

// calls returns the arguments of each call of lateral in a shell's block. It
// knows as much of the shell as documentation should ask of its readers.
func calls(b block) (list [][]string) {
	text := strings.ReplaceAll(b.text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if b.lang == "console" {
			var is bool
			if line, is = strings.CutPrefix(line, "$ "); !is {
				continue
			}
		}
		line, _, _ = strings.Cut(line, " #")
		for _, command := range regexp.MustCompile(`[;|&]+`).Split(line, -1) {
			words := regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(command, -1)
			for i, w := range words {
				words[i] = strings.Trim(w, `'"`)
			}
			for len(words) > 0 && (words[0] == "sudo" || words[0] == "do" || words[0] == "go" || words[0] == "run" || words[0] == "exec" || strings.Contains(words[0], "=")) {
				words = words[1:]
			}
			if len(words) == 0 || words[0] != "lateral" && words[0] != "./cmd/lateral" {
				continue
			}
			for i, w := range words {
				if strings.ContainsAny(w, "<>") {
					words = words[:i]
					break
				}
			}
			list = append(list, words[1:])
		}
	}
	return list
}

// knows asks the command line, without running it.
func knows(args []string) error {
	asked := false
	parser, err := kong.New(new(commands), kong.Name("lateral"), kong.Exit(func(int) { asked = true }), kong.Writers(new(strings.Builder), new(strings.Builder)))
	if err != nil {
		return err
	}
	if _, err = parser.Parse(args); err != nil && !asked {
		return err
	}
	return nil
}

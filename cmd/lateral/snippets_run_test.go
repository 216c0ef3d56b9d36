// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// find returns the block of a page that has a script's name.
func find(page, name string) (block, error) {
	list, _ := blocks(page)
	for _, b := range list {
		if b.mark == "script" && b.says == name {
			return b, nil
		}
	}
	return block{}, fmt.Errorf("%s has no block marked <!-- script: %s -->", page, name)
}

// snippet PAGE NAME FILE [OLD=NEW]… writes a block to a file. A shell's block
// ends with wait, for what it started.
func snippet(ts *testscript.TestScript, neg bool, args []string) {
	b, err := find(args[0], args[1])
	ts.Check(err)
	text := instead(b.text, args[3:])
	if strings.HasSuffix(args[2], ".sh") {
		text += "wait\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o600))
}

// console PAGE NAME [OLD=NEW]… runs a block of commands with their answers.
func console(ts *testscript.TestScript, neg bool, args []string) {
	b, err := find(args[0], args[1])
	ts.Check(err)
	b.text = instead(b.text, args[2:])
	ts.Check(ts.Exec("sh", "-c", b.script()))
	ts.Check(b.compare(ts.ReadFile("stdout")))
}

func instead(text string, pairs []string) string {
	var words []string
	for _, p := range pairs {
		old, new, _ := strings.Cut(p, "=")
		words = append(words, old, new)
	}
	return strings.NewReplacer(words...).Replace(text)
}

// TestSnippetsRun runs the blocks that are marked so, each by itself.
func TestSnippetsRun(t *testing.T) {
	for _, page := range pages() {
		list, _ := blocks(page)
		for _, b := range list {
			if b.mark != "run" {
				continue
			}
			t.Run(b.String(), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				script := "set -eu\n" + b.text
				if b.lang == "console" {
					script = b.script()
				}
				cmd := exec.CommandContext(ctx, "sh", "-c", script)
				cmd.Dir = t.TempDir()
				cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "LATERAL_RUNTIME_DIR="+filepath.Join(cmd.Dir, "run"), "GORACE=atexit_sleep_ms=0")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if b.lang == "console" {
					if err := b.compare(string(out)); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

const prompt = "\x01" // between what commands print

// script makes a shell's script of a console's block. What it left in the
// background is ended.
func (b block) script() string {
	var s strings.Builder
	s.WriteString("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\nexec 2>&1\n")
	for line := range strings.Lines(b.text) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			s.WriteString("printf '" + `\001` + "'\n" + command)
		}
	}
	return s.String()
}

// compare wants what a console's block says was printed.
func (b block) compare(out string) error {
	got := strings.Split(out, prompt)[1:]
	said := regexp.MustCompile(`(?m)^\$ `).Split(b.text, -1)[1:]
	if len(got) != len(said) {
		return fmt.Errorf("%d of %d commands were run:\n%s", len(got), len(said), out)
	}
	for i, s := range said {
		command, want, _ := strings.Cut(s, "\n")
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), "…", "(?s:.*?)")
		if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(strings.TrimSpace(got[i])) {
			return fmt.Errorf("$ %s\nprinted\n%s\nthe page says\n%s", command, got[i], want)
		}
	}
	return nil
}

// TestGoSnippets compiles and vets the blocks of Go.
func TestGoSnippets(t *testing.T) {
	dir := t.TempDir()
	n := 0
	for _, page := range pages() {
		list, _ := blocks(page)
		for _, b := range list {
			if b.lang != "go" || b.mark == "client" {
				continue
			}
			n++
			file, err := b.goFile()
			if err != nil {
				t.Errorf("%v: %v", b, err)
				continue
			}
			at := filepath.Join(dir, fmt.Sprintf("block%03d", n), "block.go")
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module lateral", "module snippets", 1) + "\nrequire lateral v0.0.0\nreplace lateral => " + root + "\n"
	for name, data := range map[string]string{"go.mod": text, "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "vet", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// imported are the packages that a block need not import itself.
var imported = []string{
	"context", "database/sql", "encoding/json", "errors", "fmt", "io", "iter", "log", "log/slog", "maps", "net", "net/http", "net/http/httptest", "os", "slices", "strings", "sync", "testing", "testing/synctest", "time",
	"lateral", "lateral/cache", "lateral/ccf", "lateral/fields", "lateral/httpsession", "lateral/lateraltest", "lateral/scsstore", "lateral/web",
	"github.com/redis/go-redis/v9", "github.com/alexedwards/scs/v2",
}

// goFile makes a file of a block whose lines are those of the page.
func (b block) goFile() (string, error) {
	origin := fmt.Sprintf("//line %s:%d\n", b.page, b.line)
	given := ""
	if b.mark == "given" {
		given = fmt.Sprintf("//line %s:given-above-%d:1\n%s\n", b.page, b.line, b.says)
	}
	fset := token.NewFileSet()
	if _, err := parser.ParseFile(fset, "", b.text, parser.PackageClauseOnly); err == nil {
		return origin + b.text, nil
	}
	body := origin + b.text
	f, err := parser.ParseFile(fset, "", "package block\n"+body+given, 0)
	if err != nil { // statements, then
		statements := body
		body = "func _(ctx context.Context) {\n" + statements + "}\n"
		if f, err = parser.ParseFile(fset, b.String(), "package block\n"+body, 0); err != nil {
			return "", err
		}
		body = "func _(ctx context.Context) {\n" + statements + discard(f) + "}\n"
		if f, err = parser.ParseFile(fset, b.String(), "package block\n"+body+given, 0); err != nil {
			return "", err
		}
	}
	own := "" // a block's own imports come first in a file
	for _, im := range f.Imports {
		own += im.Path.Value
	}
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil {
				used[x.Name] = true
			}
		}
		return true
	})
	head := "package block\n"
	for _, path := range imported {
		name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(path, "/v9"), "/v2"), "/go-redis")
		name = name[strings.LastIndex(name, "/")+1:]
		if used[name] && !strings.Contains(own, `"`+path+`"`) {
			head += fmt.Sprintf("import %q\n", path)
		}
	}
	return head + body + given, nil
}

// discard uses what statements declare.
func discard(f *ast.File) string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			for _, s := range n.List {
				switch s := s.(type) {
				case *ast.AssignStmt:
					for _, e := range s.Lhs {
						if id, ok := e.(*ast.Ident); ok && s.Tok == token.DEFINE && id.Name != "_" && !slices.Contains(names, id.Name) {
							names = append(names, id.Name)
						}
					}
				case *ast.DeclStmt:
					if d, ok := s.Decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
						for _, v := range d.Specs {
							for _, id := range v.(*ast.ValueSpec).Names {
								names = append(names, id.Name)
							}
						}
					}
				}
			}
			return false // what is declared further in must be used there
		}
		return true
	})
	text := ""
	for _, name := range names {
		text += "_ = " + name + "\n"
	}
	return text
}

// TestJudge has each kind of bad block refused, and its good twin not.
func TestJudge(t *testing.T) {
	for _, c := range []struct{ name, good, bad string }{
		{"language", "```text\nx\n```", "```\nx\n```"},
		{"end", "```text\nx\n```", "```text\nx"},
		{"indentation", "- a list\n\n    x", "text\n\n    x"},
		{"how a shell's is run", "<!-- run -->\n```sh\ntrue\n```", "```sh\ntrue\n```"},
		{"mark", "<!-- run -->\n```sh\ntrue\n```", "<!-- ran -->\n```sh\ntrue\n```"},
		{"reason", "<!-- not run: it takes hours -->\n```sh\ntrue\n```", "<!-- not run: -->\n```sh\ntrue\n```"},
		{"other languages", "<!-- not run: PHP is not here -->\n```php\nx\n```", "```php\nx\n```"},
		{"flag", "<!-- run -->\n```sh\nlateral get R \\\n k --json | cat\n```", "<!-- run -->\n```sh\nlateral get R \\\n k --jsonn | cat\n```"},
		{"command", "<!-- run -->\n```console\n$ lateral version\nlateral get is it\n```", "<!-- run -->\n```console\n$ lateral versoin\n```"},
		{"ccf", "```properties\njcs.region.R.cacheattributes.Acks=1\n```", "```properties\njcs.region.R.cacheattributes.Ackz=1\n```"},
		{"json", "```json\n{}\n```", "```json\n{\n```"},
	} {
		for _, text := range []string{c.good, c.bad} {
			list, complaints := parseBlocks("page", text)
			for _, b := range list {
				if err := b.judge(); err != nil {
					complaints = append(complaints, err.Error())
				}
			}
			if want := text == c.bad; want != (len(complaints) > 0) {
				t.Errorf("%s: %q: complaints %q", c.name, text, complaints)
			}
		}
	}
	b := block{text: "$ echo a\na\n$ echo b c\nb …\n"}
	for out, ok := range map[string]bool{"\x01a\n\x01b c\n": true, "\x01a\n\x01c\n": false, "\x01a\n": false} {
		if err := b.compare(out); (err == nil) != ok {
			t.Errorf("%q: %v", out, err)
		}
	}
}

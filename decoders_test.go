// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var decodes = regexp.MustCompile(`^(Decode|Parse|Open|decode|parse)([A-Z]|$)`)

// notFromOthers are rooms whose functions have such names and read what nobody
// else has sent.
var notFromOthers = map[string]string{
	"internal/lab": "it reads what tests have captured",
}

// TestDecoders: what reads bytes of others is in the table of docs/security.md,
// with fuzz targets that there are, and limits in one block, each with a reason.
func TestDecoders(t *testing.T) {
	doc, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "## Decoders")
	if !ok {
		t.Fatal("there is no table")
	}
	fuzz := map[string][]string{}     // room → targets
	limits := map[string][]*limiter{} // file → declarations of constants that are limits
	readers := map[string]string{}    // room → a function that decodes
	sources(t, func(path string, f *ast.File, _ *token.FileSet) {
		room := filepath.ToSlash(filepath.Dir(path))
		test := strings.HasSuffix(path, "_test.go")
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if test && strings.HasPrefix(d.Name.Name, "Fuzz") {
					fuzz[room] = append(fuzz[room], d.Name.Name)
				}
				if !test && decodes.MatchString(d.Name.Name) && takesBytes(d) {
					readers[room] = d.Name.Name
				}
			case *ast.GenDecl:
				if l := limiterOf(d); l != nil {
					limits[filepath.ToSlash(path)] = append(limits[filepath.ToSlash(path)], l)
				}
			}
		}
	})
	listed := map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || strings.Contains(cells[2], "room") || strings.Contains(cells[2], "---") {
			continue
		}
		room := strings.TrimSpace(cells[2])
		listed[room] = true
		for _, file := range strings.Fields(cells[4]) {
			all := limits[room+"/"+file]
			if len(all) != 1 {
				t.Errorf("%s/%s has its limits (constants max…) in %d places, and not in one block: %v", room, file, len(all), all)
			}
			for _, l := range all {
				for _, name := range l.bare {
					t.Errorf("%s/%s: no comment says why %s is what it is", room, file, name)
				}
			}
		}
		targets := strings.Fields(cells[3])
		for _, target := range targets {
			if !slices.Contains(fuzz[room], target) {
				t.Errorf("%s has no %s", room, target)
			}
		}
		if len(targets) != len(fuzz[room]) {
			t.Errorf("%s has %v, the table says %v", room, fuzz[room], targets)
		}
	}
	for room, name := range readers {
		first, _, _ := strings.Cut(room, "/")
		if notFromOthers[room] == "" && notFromOthers[first] == "" && !listed[room] {
			t.Errorf("%s: %s reads bytes, and the room is not in the table of decoders in docs/security.md: give it limits and a fuzz target", room, name)
		}
	}
	if len(listed) < 13 {
		t.Errorf("the table has only %d rooms", len(listed))
	}
}

// A limiter is a declaration of constants with limits among them.
type limiter struct {
	names, bare []string // limits; those without a reason
}

func (l *limiter) String() string { return strings.Join(l.names, " ") }

// limiterOf returns the limits that are declared; nil: there are none.
func limiterOf(d *ast.GenDecl) *limiter {
	var l limiter
	for _, s := range d.Specs {
		v, ok := s.(*ast.ValueSpec)
		if !ok || d.Tok != token.CONST {
			return nil
		}
		for _, n := range v.Names {
			if !strings.HasPrefix(strings.ToLower(n.Name), "max") {
				continue
			}
			l.names = append(l.names, n.Name)
			if v.Comment == nil && v.Doc == nil && (d.Lparen.IsValid() || d.Doc == nil) {
				l.bare = append(l.bare, n.Name)
			}
		}
	}
	if len(l.names) == 0 {
		return nil
	}
	return &l
}

// takesBytes reports whether a function's first parameter is a []byte.
func takesBytes(d *ast.FuncDecl) bool {
	if d.Type.Params.NumFields() == 0 {
		return false
	}
	a, ok := d.Type.Params.List[0].Type.(*ast.ArrayType)
	if !ok || a.Len != nil {
		return false
	}
	elem, ok := a.Elt.(*ast.Ident)
	return ok && elem.Name == "byte"
}

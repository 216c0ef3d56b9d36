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
// with fuzz targets that there are, and limits.
func TestDecoders(t *testing.T) {
	doc, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "## Decoders")
	if !ok {
		t.Fatal("there is no table")
	}
	fuzz := map[string][]string{}   // room → targets
	limits := map[string][]string{} // file → constants
	readers := map[string]string{}  // room → a function that decodes
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
				if d.Tok != token.CONST {
					continue
				}
				for _, s := range d.Specs {
					for _, n := range s.(*ast.ValueSpec).Names {
						if strings.HasPrefix(strings.ToLower(n.Name), "max") {
							limits[filepath.ToSlash(path)] = append(limits[filepath.ToSlash(path)], n.Name)
						}
					}
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
		room, file := strings.TrimSpace(cells[2]), strings.TrimSpace(cells[4])
		listed[room] = true
		if len(limits[room+"/"+file]) == 0 {
			t.Errorf("%s: %s names no limit (a constant max…)", room, file)
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

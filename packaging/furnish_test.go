// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUnlinked(t *testing.T) {
	there := func(target string) bool { return target == "a.md" || target == "x/p.png" }
	for text, want := range map[string]string{
		"see [a](a.md), [b](b.md) and [`c`](c/d.go)":  "see [a](a.md), b and `c`",
		"[a](a.md#part) [b](b.md#part) [here](#part)": "[a](a.md#part) b [here](#part)",
		"![p](x/p.png) [w](https://example.org/b.md)": "![p](x/p.png) [w](https://example.org/b.md)",
		"f(x)[1](y)": "f(x)1",
	} {
		if got := unlinked(text, there); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestDocsWhole: what a package's pages link to and show is in the package.
func TestDocsWhole(t *testing.T) {
	t.Parallel()
	stage := t.TempDir()
	if err := os.WriteFile(filepath.Join(stage, "lateral"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	j := job{when: time.Unix(1_795_000_000, 0)}
	if err := j.furnish(stage); err != nil {
		t.Fatal(err)
	}
	links, pictures := 0, 0
	err := filepath.WalkDir(filepath.Join(stage, "doc"), func(file string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".md" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "](/") {
			t.Errorf("%s links to a path of some machine", file)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			links++
			if ext := filepath.Ext(m[2]); ext == ".png" || ext == ".svg" {
				pictures++
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[2])); err != nil {
				t.Errorf("%s: %s", file, m[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// In the source each link leads somewhere; of these the pages' own are left, and all pictures.
	if links < 150 || pictures < 20 {
		t.Errorf("only %d links and %d pictures are left", links, pictures)
	}
}

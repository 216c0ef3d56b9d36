// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestWire: docs/wire.md names every frame that mesh/doc.go has, once.
func TestWire(t *testing.T) {
	t.Parallel()
	read := func(path string) string {
		data, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	var spec, told []string
	for _, m := range regexp.MustCompile(`(?m)^//\t *(\d+) ([a-z]+)  `).FindAllStringSubmatch(read("mesh/doc.go"), -1) {
		spec = append(spec, m[1]+" "+m[2])
	}
	_, table, _ := strings.Cut(read("docs/wire.md"), "| for | frames |")
	table, _, _ = strings.Cut(table, "\n\n")
	told = append(told, regexp.MustCompile(`\d+ [a-z]+`).FindAllString(table, -1)...)
	number := func(a string) int { n, _ := strconv.Atoi(strings.Fields(a)[0]); return n }
	slices.SortFunc(told, func(a, b string) int { return number(a) - number(b) })
	if len(spec) < 40 || !slices.Equal(spec, told) {
		t.Errorf("mesh/doc.go: %q\ndocs/wire.md: %q", spec, told)
	}
}

// TestLinks: what pages link to in the repository is there.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, page := range pages() {
		data, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(string(data), -1) {
			path, part, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], "://") {
				continue
			}
			target := filepath.Join(root, page)
			if path != "" {
				target = filepath.Join(root, filepath.Dir(page), path)
			}
			text, err := os.ReadFile(target)
			if st, e := os.Stat(target); e != nil || err != nil && !st.IsDir() {
				t.Errorf("%s: %s is not there", page, m[1])
				continue
			}
			if part != "" && !slices.Contains(anchors(string(text)), part) {
				t.Errorf("%s: %s has no heading %s", page, path, part)
			}
		}
	}
}

// anchors are the headings of a page as links name them.
func anchors(text string) (list []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, strings.ReplaceAll(name, " ", "-"))
	}
	return list
}

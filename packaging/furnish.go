// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// shown are the files of the module that are in a package as documentation, at
// the same place below /usr/share/doc/lateral.
var shown = []string{"LICENSE", "*.md", "docs/*.md", "docs/*/*.png", "docs/*/*.svg", "benchmarks/results/*.txt", "contrib/*/*"}

// furnish puts beside the program what else is in a package, with the modes
// and times that it has there.
func (j *job) furnish(stage string) error {
	here := filepath.Join(root(), "packaging")
	for _, name := range []string{"lateral@.service", "sysusers.conf", "tmpfiles.conf", "postinst", "prerm", "postrm"} {
		if err := place(filepath.Join(here, name), filepath.Join(stage, name), 0o644, j.when); err != nil {
			return err
		}
	}
	doc := filepath.Join(stage, "doc")
	for _, pattern := range shown {
		files, err := filepath.Glob(filepath.Join(root(), pattern))
		if err != nil {
			return err
		}
		for _, from := range files {
			name, err := filepath.Rel(root(), from)
			if err != nil {
				return err
			}
			if err := place(from, filepath.Join(doc, name), 0o644, j.when); err != nil {
				return err
			}
		}
	}
	if err := j.unlink(doc); err != nil {
		return err
	}
	return os.Chtimes(filepath.Join(stage, "lateral"), j.when, j.when)
}

// unlink takes out of the pages below dir what links to the source, which is
// not there.
func (j *job) unlink(dir string) error {
	return filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".md" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		there := func(target string) bool {
			_, err := os.Stat(filepath.Join(filepath.Dir(file), target))
			return err == nil
		}
		if err := os.WriteFile(file, []byte(unlinked(string(text), there)), 0o644); err != nil {
			return err
		}
		return os.Chtimes(file, j.when, j.when)
	})
}

// link is one of Markdown, to a file: [text](path#part).
var link = regexp.MustCompile(`\[([^\][]*)\]\(([^()\s:#]+)(#[^()\s]*)?\)`)

// unlinked leaves of links to what is not there their text.
func unlinked(text string, there func(target string) bool) string {
	return link.ReplaceAllStringFunc(text, func(all string) string {
		m := link.FindStringSubmatch(all)
		if target := path.Clean(m[2]); there(target) || strings.HasPrefix(target, "/") {
			return all
		}
		return m[1]
	})
}

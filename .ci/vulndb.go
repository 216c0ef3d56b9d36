// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// vulndb makes, of the reports in the module golang.org/x/vulndb, the files
// that govulncheck reads (https://go.dev/doc/security/vuln/database): for
// machines that reach a module proxy and not vuln.go.dev.
//
//	go run .ci/vulndb.go MODULE-DIRECTORY NEW-DIRECTORY
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// report is what is indexed of one (https://ossf.github.io/osv-schema/).
type report struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
		Ranges []struct {
			Events []struct {
				Fixed string `json:"fixed"`
			} `json:"events"`
		} `json:"ranges"`
	} `json:"affected"`
}

type vuln struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
	Fixed    string `json:"fixed,omitempty"`
}

type module struct {
	Path  string `json:"path"`
	Vulns []vuln `json:"vulns"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: vulndb MODULE-DIRECTORY NEW-DIRECTORY"))
	}
	paths, err := filepath.Glob(filepath.Join(os.Args[1], "data", "osv", "*.json"))
	if err == nil && len(paths) < 1000 {
		err = fmt.Errorf("%s has %d reports: that is not the database", os.Args[1], len(paths))
	}
	fail(err)
	for _, dir := range []string{"ID", "index"} {
		fail(os.MkdirAll(filepath.Join(os.Args[2], dir), 0o755))
	}
	newest, of := "", map[string]*module{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		fail(err)
		var r report
		fail(json.Unmarshal(data, &r))
		newest = max(newest, r.Modified)
		r.index(of)
		fail(os.WriteFile(filepath.Join(os.Args[2], "ID", r.ID+".json"), data, 0o644))
	}
	var all []*module
	for _, m := range of {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *module) int { return cmp.Compare(a.Path, b.Path) })
	write("modules.json", all)
	write("db.json", map[string]string{"modified": newest})
	fmt.Printf("%d reports, the newest of %s\n", len(paths), newest)
}

func (r *report) index(of map[string]*module) {
	for _, a := range r.Affected {
		v := vuln{ID: r.ID, Modified: r.Modified}
		for _, g := range a.Ranges {
			for _, e := range g.Events {
				v.Fixed = cmp.Or(e.Fixed, v.Fixed)
			}
		}
		m := of[a.Package.Name]
		if m == nil {
			m = &module{Path: a.Package.Name}
			of[m.Path] = m
		}
		if !slices.Contains(m.Vulns, v) {
			m.Vulns = append(m.Vulns, v)
		}
	}
}

func write(name string, v any) {
	data, err := json.Marshal(v)
	fail(err)
	fail(os.WriteFile(filepath.Join(os.Args[2], "index", name), data, 0o644))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "vulndb:", err)
		os.Exit(1)
	}
}

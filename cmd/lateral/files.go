// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// first is the file that has jcs.default.
const first = "cache.ccf"

// expand puts in place of each directory the files in it, cache.ccf first.
func expand(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, &problem{saw: err.Error(), do: "check the path; a directory stands for all *.ccf in it", err: err}
		}
		if !st.IsDir() {
			out = append(out, p)
			continue
		}
		files := ccfIn(p)
		if len(files) == 0 {
			return nil, &problem{saw: "directory " + p + " has no *.ccf file", do: "name the file, or the directory that has it"}
		}
		out = append(out, files...)
	}
	return out, nil
}

// ccfIn returns the ccf files in a directory, cache.ccf first.
func ccfIn(dir string) []string {
	entries, _ := os.ReadDir(dir) // what can't be read is missed by the caller
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".ccf") && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	slices.SortFunc(files, firstFirst)
	return files
}

// firstFirst orders the files of one directory.
func firstFirst(a, b string) int {
	switch x, y := filepath.Base(a) == first, filepath.Base(b) == first; {
	case x && !y:
		return -1
	case y && !x:
		return 1
	}
	return strings.Compare(a, b)
}

// A set is the files of one service.
type set struct {
	name  string
	files []string
}

// sets sorts what was named on the command line into services: a directory
// with ccf files is one, a directory of such directories several, and files
// belong to the service of their directory.
func sets(paths []string) ([]set, error) {
	var out []set
	add := func(name string, files ...string) {
		i := slices.IndexFunc(out, func(s set) bool { return s.name == name })
		if i < 0 {
			out = append(out, set{name: name})
			i = len(out) - 1
		}
		for _, f := range files {
			if !slices.Contains(out[i].files, f) {
				out[i].files = append(out[i].files, f)
			}
		}
	}
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, &problem{saw: err.Error(), do: "check the path; a directory is a service, its *.ccf are its files", err: err}
		}
		if !st.IsDir() {
			add(dirName(filepath.Dir(p)), p)
			continue
		}
		files := ccfIn(p)
		if len(files) > 0 {
			add(dirName(p), files...)
		}
		subs, _ := os.ReadDir(p)
		for _, d := range subs {
			if sub := ccfIn(filepath.Join(p, d.Name())); d.IsDir() && len(sub) > 0 {
				add(d.Name(), sub...)
				files = sub
			}
		}
		if len(files) == 0 {
			return nil, &problem{saw: "neither " + p + " nor a directory in it has a *.ccf file", do: "name the files, or a directory such as /opt/open-xchange/etc"}
		}
	}
	for _, s := range out {
		slices.SortStableFunc(s.files, func(a, b string) int {
			if filepath.Dir(a) != filepath.Dir(b) {
				return 0
			}
			return firstFirst(a, b)
		})
	}
	return out, nil
}

func dirName(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	return filepath.Base(abs)
}

// named reads NAME=FILE,FILE.
func named(args []string) ([]set, error) {
	var out []set
	for _, a := range args {
		name, list, ok := strings.Cut(a, "=")
		if !ok || name == "" || list == "" {
			return nil, &problem{saw: fmt.Sprintf("--service %s", a), do: "write --service NAME=FILE,FILE or --service NAME=DIR"}
		}
		files, err := expand(strings.Split(list, ","))
		if err != nil {
			return nil, err
		}
		out = append(out, set{name, files})
	}
	return out, nil
}

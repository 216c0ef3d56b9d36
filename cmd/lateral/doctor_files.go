// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lateral/cache"
	"lateral/doctor"
)

// setsOf returns the files of running services. Of one that was given its
// files by names that only mean something in its own directory, and whose
// directory cannot be seen, it says so: what is not checked must not look well.
func setsOf(running []cache.Status) (out []set, unseen []doctor.Finding) {
	for _, st := range running {
		files := slices.Clone(st.Files)
		for i, f := range files {
			if filepath.IsAbs(f) {
				continue
			}
			dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", st.PID))
			if err != nil {
				unseen = append(unseen, doctor.Finding{Severity: doctor.Warning,
					Saw: fmt.Sprintf("service %s was given %s, in a directory of its own that cannot be seen (%v)", st.Service, strings.Join(st.Files, ", "), err),
					Why: "what its files ask of this host is not checked",
					Do:  "lateral doctor --config FILE, with the file's whole path; or start the service with whole paths"})
				files = nil
				break
			}
			files[i] = filepath.Join(dir, f)
		}
		if len(files) > 0 {
			out = append(out, set{st.Service, files})
		}
	}
	return out, unseen
}

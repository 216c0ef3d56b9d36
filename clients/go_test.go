// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs are those of the module clients/go.
var programs struct {
	once
	dir string
}

// needGo builds them, once.
func needGo(t *testing.T) (dir string) {
	t.Helper()
	for _, f := range []string{"go/go.mod", "go/go.sum"} {
		source(t, f)
	}
	programs.do(t, func() error {
		programs.dir = filepath.Join(filepath.Dir(binary), "go")
		if out, err := exec.Command("go", "build", "-C", "go", "-o", programs.dir+"/", "./...").CombinedOutput(); err != nil {
			return fmt.Errorf("go build in clients/go: %w\n%s", err, out)
		}
		return nil
	})
	return programs.dir
}

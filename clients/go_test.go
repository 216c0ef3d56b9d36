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

// go-redis: values, hashes, transactions, messages, locks, in both protocols.
func TestGoRedis(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(needGo(t), "goredis")
	s := newSite(t)
	if out := s.output(s.a.Command(bin, "127.0.0.1:6379", socket(s.b))); out != "RESP2 done\nRESP3 done\n" {
		t.Errorf("goredis: %s", out)
	}
}

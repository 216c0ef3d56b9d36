// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// node is where clients/node is, with its modules.
var node struct {
	once
	dir string
}

// needNode installs the modules, once.
func needNode(t *testing.T) (dir string) {
	t.Helper()
	tool(t, "npm", "node", "apt-get install nodejs npm")
	npm := tool(t, "npm", "npm", "apt-get install nodejs npm")
	files := []string{source(t, "node/package.json"), source(t, "node/app.js"), source(t, "node/client.js")}
	node.do(t, func() error {
		node.dir = filepath.Join(filepath.Dir(binary), "node")
		if err := os.Mkdir(node.dir, 0o755); err != nil {
			return err
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err == nil {
				err = os.WriteFile(filepath.Join(node.dir, filepath.Base(f)), text, 0o644)
			}
			if err != nil {
				return err
			}
		}
		if out, err := exec.Command(npm, "install", "--prefix", node.dir, "--no-audit", "--no-fund", "--silent").CombinedOutput(); err != nil {
			return fmt.Errorf("npm install: %w\n%s", err, out)
		}
		return nil
	})
	return node.dir
}

// node-redis, in both protocols, with client-side caching in RESP3.
func TestNodeRedis(t *testing.T) {
	t.Parallel()
	dir := needNode(t)
	s := newSite(t)
	cmd := s.a.Command("node", filepath.Join(dir, "client.js"), "redis://127.0.0.1:6379/0", socket(s.b))
	if out := s.output(cmd); !strings.Contains(out, "RESP2 done\nRESP3 done\n") {
		t.Errorf("client.js: %s", out)
	}
}

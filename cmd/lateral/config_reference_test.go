// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"lateral/ccf"
)

// TestConfiguration: docs/configuration.md is what the program prints. With
// -update it is written.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(root, "docs", "configuration.md")
	want := configuration(ccf.Reference())
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/configuration.md is another: go test ./cmd/lateral -run TestConfiguration -update")
	}
}

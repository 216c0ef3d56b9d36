// SPDX-License-Identifier: Apache-2.0

package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lateral/secret"
)

func TestReadPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string
		loose      bool
	}{
		{"first line", "  horse battery \nsecond\n", 0o600, "horse battery", false},
		{"no newline", "staple", 0o400, "staple", false},
		{"group may read", "staple", 0o640, "", true},
		{"all may read", "staple", 0o604, "", true},
		{"empty", "\nstaple\n", 0o600, "", false},
		{"another file", strings.Repeat("staple", 1000), 0o600, "", false},
	} {
		os.Remove(path)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := secret.ReadPassword(path)
		if got != c.want || (err == nil) != (c.want != "") || errors.Is(err, secret.ErrLoose) != c.loose {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "staple") {
			t.Errorf("%s: the error tells the password: %v", c.name, err)
		}
	}
	if _, err := secret.ReadPassword(t.TempDir()); !errors.Is(err, secret.ErrFile) {
		t.Errorf("a directory: %v", err)
	}
}

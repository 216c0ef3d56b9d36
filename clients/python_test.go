// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"strings"
	"testing"
)

// redis-py: strings, hashes, transactions, messages, locks, invalidations.
func TestRedisPy(t *testing.T) {
	t.Parallel()
	py, program := python(t, "redis"), source(t, "python/client.py")
	s := newSite(t)
	if out := s.output(s.a.Command(py, program, "redis://127.0.0.1:6379/0", "unix://"+socket(s.b)+"?db=0")); !strings.HasSuffix(out, "done\n") {
		t.Errorf("client.py: %s", out)
	}
}

// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"os"
	"strings"
	"testing"
)

// Missing skips a test that lacks something, with the reason: "needs …". Where
// the environment variable LATERAL_REQUIRE contains what, as in CI, the test
// fails instead, so that nothing is left out in silence.
func Missing(t testing.TB, what, reason string) {
	t.Helper()
	if strings.Contains(os.Getenv("LATERAL_REQUIRE"), what) {
		t.Fatalf("LATERAL_REQUIRE contains %q, but this test %s", what, reason)
	}
	t.Skip(reason)
}

// SPDX-License-Identifier: Apache-2.0

package host

import (
	"slices"
	"testing"
)

// A name is asked of the real resolver: each address once, IPv4 as such.
func TestSystemLookup(t *testing.T) {
	all, err := SystemLookup(t.Context(), "localhost")
	if err != nil || len(all) == 0 {
		t.Skipf("this machine does not know localhost: %v", err)
	}
	for i, a := range all {
		if a.Is4In6() || slices.Contains(all[:i], a) {
			t.Errorf("%v", all)
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"fmt"
	"strings"

	"lateral/cache"
)

// regionName is a region's name as it stands in keys: without ':'.
func regionName(region string) string {
	var b strings.Builder
	for i := range len(region) {
		if c := region[i]; c == '%' || c == ':' || c <= ' ' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// splitKey takes a key on the server apart: the name of the region as it
// stands in keys, and the key within it; many is whether it is the hash of the
// removals of many.
func splitKey(prefix, key string) (region, name string, many, ok bool) {
	rest, ok := strings.CutPrefix(key, prefix+":")
	if !ok || rest == "" {
		return "", "", false, false
	}
	region, name, found := strings.Cut(rest, ":")
	return region, name, !found, true
}

// elementKey reports whether a region may have an element of that key.
func elementKey(key string) bool {
	_, _, floor := cache.SplitFloor(key)
	return key != "" && len(key) <= cache.MaxKey && !cache.IsPrefix(key) && !floor
}

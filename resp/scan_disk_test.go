// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lateral/internal/memnet"
	"lateral/resp"
)

// What memory has no room for is on disk, and listed from there, its type too.
func TestScanOfDisk(t *testing.T) {
	const disk = "org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCache"
	s := &site{t: t, net: memnet.New(), more: "jcs.region.Dsk=DC\njcs.region.Dsk.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes\njcs.region.Dsk.cacheattributes.MaxObjects=10\n" +
		"jcs.region.Dsk.cacheattributes.MemoryCacheName=org.apache.jcs.engine.memory.lru.LRUMemoryCache\n" +
		"jcs.auxiliary.DC=" + disk + "Factory\njcs.auxiliary.DC.attributes=" + disk + "Attributes\njcs.auxiliary.DC.attributes.DiskPath=" + t.TempDir() + "\n"}
	s.add(1, func(c *resp.Config) { c.Map, _ = resp.ParseMap("0=Dsk") })
	c := s.client(0, "0")
	var want []string
	for i := range 60 {
		key := fmt.Sprintf("key%02d", i)
		if i%3 == 0 {
			c.expect("#1", "HSET", key, "f", "v")
		} else {
			c.expect("OK", "SET", key, "v")
			want = append(want, key)
		}
	}
	scan := func(args ...string) []string {
		seen := map[string]bool{}
		for cursor := "0"; ; {
			parts := strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(c.do(append([]string{"SCAN", cursor}, args...)...)))
			for _, k := range parts[1:] {
				seen[k] = true
			}
			if cursor = parts[0]; cursor == "0" {
				return slices.Sorted(maps.Keys(seen))
			}
			if _, err := strconv.ParseUint(cursor, 10, 53); err != nil {
				t.Fatalf("a cursor that clients may not be able to send back: %s", cursor)
			}
		}
	}
	if got := scan("COUNT", "7"); len(got) != 60 {
		t.Errorf("%d keys: %v", len(got), got)
	}
	if got := scan("TYPE", "string"); !slices.Equal(got, want) {
		t.Errorf("strings: %v", got)
	}
	if got := strings.Fields(c.do("KEYS", "key*")); len(got) != 60 {
		t.Errorf("%d keys: %v", len(got), got)
	}
	c.expect("v", "GET", "key01")
}

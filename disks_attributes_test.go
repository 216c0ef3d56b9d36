// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What the attributes of JCS say about regions with a disk is what a node does: what goes there
// and when, and what the next life has of it.
func TestDiskAttributes(t *testing.T) {
	const dc, r = "jcs.auxiliary.DC.attributes.", "jcs.region."
	for name, test := range map[string]struct {
		lines      []string
		region     string
		meanwhile  int // elements on disk when 40 were put, of which memory holds ten
		afterwards int // and when the node was stopped and starts again
	}{
		"SWAP":                    {nil, "Kept", 30, 40},
		"UPDATE":                  {nil, "All", 40, 40},
		"UseDisk=false, UPDATE":   {[]string{r + "All.cacheattributes.UseDisk=false"}, "All", 0, 0},
		"IsSpool=false, SWAP":     {[]string{r + "Kept.elementattributes.IsSpool=false"}, "Kept", 0, 0},
		"IsSpool=false, UPDATE":   {[]string{r + "All.elementattributes.IsSpool=false"}, "All", 0, 0},
		"MaxKeySize=7":            {[]string{dc + "MaxKeySize=7"}, "All", 7, 7},
		"DiskLimitTypeName=SIZE":  {[]string{dc + "MaxKeySize=1", dc + "DiskLimitTypeName=SIZE"}, "All", -1, -1},
		"ClearDiskOnStartup=true": {[]string{dc + "ClearDiskOnStartup=true"}, "Kept", 30, 0},
		"Restore=NEVER":           {[]string{dc + "Restore=NEVER"}, "Kept", 30, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				c.cut = map[string]func(){}
				lines := onDisk(t.TempDir(), test.lines...)
				check := func(want int) {
					t.Helper()
					if d := c.disk("1", test.region); d.Elements != want && want >= 0 || want < 0 && (d.Elements == 0 || d.Elements == 40 || d.Bytes > 1024) {
						t.Errorf("%d elements of %d bytes, want %d", d.Elements, d.Bytes, want)
					}
				}
				c.own(1, lines...)
				for i := range 40 {
					c.put("1", test.region, fmt.Sprint("k", i), strings.Repeat("v", 50))
				}
				c.written("1", test.region)
				check(test.meanwhile)
				c.stop("1")
				c.own(1, lines...)
				c.written("1", test.region)
				check(test.afterwards)
				c.close()
			})
		})
	}
}

// Who may wait for no time leaves at most what can be noted at once, and ends.
func TestShutdownSpoolTimeLimit(t *testing.T) {
	c, dir := newCluster(t), t.TempDir()
	c.cut = map[string]func(){}
	lines := onDisk(dir, "jcs.region.Big=DC", "jcs.auxiliary.DC.attributes.ShutdownSpoolTimeLimit=0")
	c.own(1, lines...)
	value := strings.Repeat("v", 1<<20)
	for i := range 96 { // three times what is noted before the first of it must be written
		c.put("1", "Big", fmt.Sprint("k", i), value)
	}
	c.stop("1")
	c.own(1, lines...)
	if d := c.disk("1", "Big"); d.Elements == 96 || d.Harmed > 0 {
		t.Errorf("%+v", d)
	}
}

// What is over its lifetime is cleared away on disk, where nobody asks for it.
func TestDiskExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.cut = map[string]func(){}
		const kept = "jcs.region.Kept.elementattributes."
		c.own(1, onDisk(t.TempDir(), kept+"IsEternal=false", kept+"MaxLifeSeconds=60")...)
		for i := range 40 {
			c.put("1", "Kept", fmt.Sprint("k", i), "v")
		}
		c.written("1", "Kept")
		if d := c.disk("1", "Kept"); d.Elements != 30 {
			t.Errorf("%+v", d)
		}
		time.Sleep(50 * time.Second)
		c.expect("1", "Kept", "k0", "v")
		time.Sleep(11 * time.Second)
		c.expect("1", "Kept", "k1", "")
		c.until(2*time.Minute, "it is cleared away", func() bool { return c.disk("1", "Kept").Elements == 0 })
		c.close()
	})
}

// A node whose file was harmed while it was away, or while it runs, serves nothing of it; its peers fill it.
func TestHarmedDiskIsRefilled(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprint("running ", running), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, dir := newCluster(t), t.TempDir()
				c.cut = map[string]func(){}
				for i := 1; i <= 2; i++ {
					c.own(i, onDisk(dir, "jcs.auxiliary.DC.attributes.Restore=ALWAYS")...)
				}
				c.wait(2)
				for i := range 40 {
					c.put("1", "BothAll", fmt.Sprint("k", i), strings.Repeat("old", 100))
				}
				c.until(time.Minute, "it is there", func() bool { return c.get("2", "BothAll", "k39") != "" })
				c.written("1", "BothAll")
				if !running {
					c.kill("1")
				}
				for i := range 20 {
					c.put("2", "BothAll", fmt.Sprint("k", i), "new")
				}
				c.remove("2", "BothAll", "k20")
				file := filepath.Join(dir, "s1", "BothAll", "elements.db")
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for i := 8192; i < len(b); i += 100 { // behind the pages that say where all is
					b[i] ^= 0x10
				}
				if err := os.WriteFile(file, b, 0o600); err != nil { // the same file, if a node has it open
					t.Fatal(err)
				}
				if !running {
					c.own(1, onDisk(dir, "jcs.auxiliary.DC.attributes.Restore=ALWAYS")...)
					c.wait(2)
				}
				c.until(time.Minute, "1 has what 2 has", func() bool { return c.get("1", "BothAll", "k0") == "new" && c.get("1", "BothAll", "k20") == "" })
				for i := range 40 {
					if key := fmt.Sprint("k", i); i != 20 {
						c.expect("1", "BothAll", key, c.get("2", "BothAll", key))
					}
				}
				c.until(time.Minute, "it is noticed", func() bool {
					c.put("1", "BothAll", "later", "v")
					st := c.region("1", "BothAll").Disks[0]
					return st.Harmed > 0 && st.Works
				})
				if _, err := os.Stat(file + ".bad"); err != nil {
					t.Error(err)
				}
				c.written("1", "BothAll")
				if why, err := c.nodes["1"].Explain(t.Context(), "BothAll", "later"); err != nil || !strings.Contains(strings.Join(why.Why, "\n"), "disk DC has the value") {
					t.Errorf("%v, %v", why.Why, err)
				}
				c.close()
			})
		})
	}
}

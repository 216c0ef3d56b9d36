// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func diskFile(g gen, kind, more string) string {
	p := g.root() + "auxiliary.disk." + kind + "." + strings.ToUpper(kind[:1]) + kind[1:]
	return "jcs.default=A\njcs.auxiliary.A=" + p + "DiskCacheFactory\njcs.auxiliary.A.attributes=" + p + "DiskCacheAttributes\n" + more
}

const diskAttr = "jcs.auxiliary.A.attributes."

// TestDisk: every attribute of an indexed or block disk cache is honoured, or
// said not to be needed.
func TestDisk(t *testing.T) {
	for _, v := range generations {
		for kind, own := range map[string]scope{"indexed": scopeIndexed, "block": scopeBlock} {
			plain := parse(diskFile(v.gen, kind, diskAttr+"DiskPath=/d\n"))
			if len(plain.Findings) > 0 || plain.Auxiliaries[0].Disk == nil {
				t.Fatalf("JCS %s, %s: %v", v.text, kind, plain.Findings)
			}
			for _, k := range slices.Concat(byScope[scopeDisk], byScope[own]) {
				sp := k.spelled(v.gen)
				if sp == nil || k.name() == "DiskLimitTypeName" {
					continue
				}
				key := diskAttr + sp.name
				c := parse(diskFile(v.gen, kind, diskAttr+"DiskPath=/d\n"+key+"="+other(k, *sp, v.gen)+"\n"))
				changed := !reflect.DeepEqual(*c.Auxiliaries[0].Disk, *plain.Auxiliaries[0].Disk)
				if told := said(c, key); k.name() != "DiskPath" && (changed != (k.idle == "") || k.idle != "" && (len(told) != 1 || !strings.HasPrefix(told[0], "note: "))) {
					t.Errorf("JCS %s %s: changed %t, said %q", v.text, key, changed, told)
				}
			}
		}
	}
}

func TestDiskMeans(t *testing.T) {
	c := parse(diskFile(g3, "indexed", diskAttr+"DiskPath=sub\n"+diskAttr+"DiskLimitTypeName=SIZE\n"+diskAttr+"MaxKeySize=2000\n"+diskAttr+"ShutdownSpoolTimeLimit=7\n"))
	want := Disk{Path: "sub", MaxElements: -1, MaxBytes: 2000 << 10, MaxPurgatorySize: 5000, ShutdownSpoolTimeLimit: 7 * time.Second,
		OptimizeAtRemoveCount: -1, OptimizeOnShutdown: true, Restore: "PROVEN"}
	if got := *c.Auxiliaries[0].Disk; got != want {
		t.Errorf("%+v", got)
	}
	for lines, finding := range map[string]string{
		"":                                 "error",
		"DiskPath=/d\nMaxKeySize=0":        "warning",
		"DiskPath=/d\nMaxPurgatorySize=-1": "warning",
	} {
		more := ""
		for line := range strings.Lines(lines) {
			more += diskAttr + line
		}
		c, err := Parse(Source{Name: "f", Data: []byte(diskFile(g13, "block", more+"\n"))})
		if finding == "error" != (err != nil) || finding == "warning" && (len(c.Findings) != 1 || c.Findings[0].Severity != Warning) {
			t.Errorf("%q: %v, %+v", lines, err, c)
		}
	}
	if c := parse("jcs.default=A\njcs.auxiliary.A=org.apache.jcs.auxiliary.disk.file.FileDiskCacheFactory\njcs.auxiliary.A.attributes=org.apache.jcs.auxiliary.disk.file.FileDiskCacheAttributes\n"); c.Auxiliaries[0].Disk != nil || len(c.Findings) != 1 {
		t.Errorf("a file disk cache: %+v", c.Findings)
	}
}

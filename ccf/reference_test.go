// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/reference.ccf anew")

func TestWriteReference(t *testing.T) {
	var b bytes.Buffer
	if err := WriteReference(&b); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/reference.ccf"
	if *rewrite {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("the reference is not %s: run go test -rewrite and read the difference (%v)", golden, err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if strings.TrimRight(line, " ") != line || strings.HasPrefix(line, "# ") && len(line) > referenceWidth+10 {
			t.Errorf("line %d: %q", i+1, line)
		}
	}
}

// TestReferenceParses: the reference is a file, and says what counts anyway.
func TestReferenceParses(t *testing.T) {
	var b bytes.Buffer
	if err := WriteReference(&b); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(Source{Name: "reference", Data: b.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	d, l := parse(base(g13)).Default, *c.Auxiliaries[0].Lateral
	d.Where, c.Default.Where = Pos{}, Pos{}
	if got := c.Default; got.MaxObjects != d.MaxObjects || got.Attr != d.Attr || got.Policy != d.Policy || got.MaxMemoryIdle != d.MaxMemoryIdle {
		t.Errorf("%+v is not the default %+v", got, d)
	}
	if plain := *parse(base(g13)).Auxiliaries[0].Lateral; l.LogBytes != plain.LogBytes || l.UdpDiscoveryAddr != plain.UdpDiscoveryAddr || l.MemberTimeout != plain.MemberTimeout {
		t.Errorf("%+v is not the default %+v", l, plain)
	}
	for _, k := range Reference() {
		if !strings.Contains(b.String(), strings.Replace(k.Key, "auxiliary.NAME", "auxiliary.LTCP", 1)+" ") {
			t.Errorf("%s is missing", k.Key)
		}
	}
	if _, err := json.Marshal(Reference()); err != nil {
		t.Error(err)
	}
}

func TestEffective(t *testing.T) {
	c := parse(base(g3) + "jcs.default.elementattributes.MaxLife=9\njcs.region.r.cacheattributes.maxObjects=5\njcs.auxiliary.LTCP.attributes.TcpServers=b:1\n" +
		"jcs.auxiliary.LTCP.serializer=org.apache.commons.jcs3.utils.serialization.EncryptingSerializer\njcs.auxiliary.LTCP.serializer.attributes.PreSharedKey=geheim\n" +
		"jcs.region.j=J\njcs.auxiliary.J=org.apache.commons.jcs3.auxiliary.disk.jdbc.JDBCDiskCacheFactory\njcs.auxiliary.J.attributes=org.apache.commons.jcs3.auxiliary.disk.jdbc.JDBCDiskCacheAttributes\njcs.auxiliary.J.attributes.Password=geheim\n")
	list := c.Effective()
	for _, want := range []Setting{
		{Key: "jcs.default", Value: "LTCP", Source: "f:1"},
		{Key: "jcs.region.r", Value: "LTCP", Source: "f:2"},
		{Key: "jcs.region.r.cacheattributes.MaxObjects", Value: "5", Source: "f:7"},
		{Key: "jcs.region.r.cacheattributes.SpoolChunkSize", Value: "2", Source: "default"},
		{Key: "jcs.region.r.elementattributes.MaxLife", Value: "9", Source: "f:6"},
		{Key: "jcs.auxiliary.LTCP.attributes.TcpListenerPort", Value: "57462", Source: "f:5"},
		{Key: "jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled", Value: "false", Source: "f:8"},
		{Key: "jcs.auxiliary.LTCP.attributes.LogBytes", Value: "64M", Source: "default"},
		{Key: "jcs.auxiliary.LTCP.serializer.attributes.PreSharedKey", Value: notShown, Source: "f:10"},
		{Key: "jcs.auxiliary.J.attributes.Password", Value: notShown, Source: "f:14"},
	} {
		if !slices.ContainsFunc(list, func(s Setting) bool {
			return s.Key == want.Key && s.Value == want.Value && s.Source == want.Source && s.Doc != ""
		}) {
			t.Errorf("missing %+v", want)
		}
	}
	text, _ := json.Marshal([]any{list, c.Findings})
	if strings.Contains(string(text), "geheim") {
		t.Error("a secret is shown")
	}
}

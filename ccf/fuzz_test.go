// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"strings"
	"testing"
)

// FuzzParse: whatever two files and an override hold, there is a Config, no
// panic, a bounded number of findings, and an error exactly if one of them is
// an Error.
func FuzzParse(f *testing.F) {
	for _, v := range generations {
		f.Add([]byte(base(v.gen)), []byte(base(v.gen)), "jcs.default", "${x}")
	}
	for _, c := range lexCases {
		f.Add([]byte(c.text), []byte(nil), "jcs.region.a", c.text)
	}
	p := base(g13)
	for _, s := range []string{
		"\x00", "\xff\xfe", "\xef\xbb\xbf", "jcs.region.", "jcs.region.=", "jcs.default.", "jcs.default.cacheattributes", "jcs.auxiliary.", "jcs.auxiliary.=x\njcs.default=,",
		"jcs.auxiliary..attributes.=", "jcs.region..cacheattributes.=", "thread_pool.", "thread_pool..=", "thread_pool.a.=1", "registry.host=", "jcs.remotecache.serverattributes.=",
		"jcs.region.a.cacheattributes.elementattributes.x", "jcs.defaultx=1", "jcs.default.elementattributes.cacheattributes=",
		p + "jcs.auxiliary.LTCP.attributes.TcpServers=:,,[:1,a:b:c, ,\x7f:1,::::1,[]:1 ", p + "jcs.auxiliary.LTCP.attributes.=x", p + "jcs.auxiliary.LTCP.serializer=", p + "jcs.auxiliary.LTCP.serializer.attributes.x=",
		p + "jcs.auxiliary.LTCP.attributes.LogBytes=9223372036854775807T\njcs.auxiliary.LTCP.attributes.LinkTimeout=-1\njcs.auxiliary.LTCP.attributes.UdpTTL=-2147483648",
		base(g4) + "jcs.region.r.elementattributes.MaxLife=PT999999999999999999H\njcs.region.r.cacheattributes.MaxObjects=-9223372036854775808",
		base(g2) + "jcs.region.r.elementattributes.MaxLife=9223372036854775807\njcs.region.r.elementattributes.TimeFactorForMilliseconds=-9223372036854775808",
		strings.Repeat("${x}", 1000) + "=" + strings.Repeat("${x}", 1000), "x=" + strings.Repeat("y", maxLine-2) + "\nz=${x}${x}", strings.Repeat("a\\\n", 1000), strings.Repeat("jcs.region.r=\n", 600),
	} {
		f.Add([]byte(s), []byte(s), "jcs.x", s)
	}
	f.Fuzz(func(t *testing.T, one, two []byte, key, value string) {
		o := Options{Overrides: map[string]string{key: value}}
		c, err := o.Parse(Source{Name: "one", Data: one}, Source{Name: "two", Data: two})
		if c == nil || (err != nil) != (len(c.errs) > 0) || len(c.errs)+len(c.Findings) > maxFindings+1 {
			t.Fatalf("%v %v", c, err)
		}
		for _, e := range c.errs {
			if e.Severity != Error || e.Saw == "" {
				t.Fatalf("%+v", e)
			}
		}
		for _, n := range c.Findings {
			if n.Severity == Error || n.Saw == "" || strings.ContainsAny(n.String(), "\x00\x1b\n") {
				t.Fatalf("%+v", n)
			}
		}
		c.Effective()
		c.Region("x")
		if n := len(CheckHost(Service{"a", c}, Service{"b", c})); n > maxFindings+1 {
			t.Fatal(n, "findings")
		}
		for _, a := range c.Auxiliaries {
			if l := a.Lateral; l != nil && (l.TcpListenerPort < 0 || l.TcpListenerPort > 65535 || !l.UdpDiscoveryAddr.IsValid() || l.LogBytes < 0) {
				t.Fatalf("%+v", l)
			}
		}
	})
}

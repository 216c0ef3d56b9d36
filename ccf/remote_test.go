// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const valkeyAttr = "jcs.auxiliary.A.attributes."

// valkeyFile is the file of a generation with a remote tier.
func valkeyFile(g gen, more ...string) string {
	text := "jcs.default=A,B\njcs.auxiliary.A=" + valkeyFactory + "\njcs.auxiliary.B=" + g.root() + "auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\n" +
		"jcs.auxiliary.B.attributes=" + g.root() + "auxiliary." + findMaker(g, "auxiliary.lateral.socket.tcp.LateralTCPCacheFactory").attrs +
		"\njcs.auxiliary.B.attributes.TcpListenerPort=5\njcs.auxiliary.B.attributes.TcpServers=127.0.0.1:6\njcs.auxiliary.B.attributes.UdpDiscoveryEnabled=false\n"
	for _, line := range more {
		text += valkeyAttr + line + "\n"
	}
	return text
}

// TestRemote: every attribute of a remote tier is honoured.
func TestRemote(t *testing.T) {
	for _, v := range generations {
		plain := parse(valkeyFile(v.gen, "FailoverServers=127.0.0.1:6379"))
		if len(plain.Findings)+len(plain.errs) > 0 || plain.Auxiliaries[0].Remote == nil {
			t.Fatalf("JCS %s: %v %v", v.text, plain.Findings, plain.errs)
		}
		for _, k := range byScope[scopeValkey] {
			sp := k.spelled(v.gen)
			value := other(k, *sp, v.gen)
			if k.name() == "FailoverServers" {
				value = "localhost:7000"
			}
			c := parse(valkeyFile(v.gen, "FailoverServers=127.0.0.1:6379", sp.name+"="+value))
			was, is := *plain.Auxiliaries[0].Remote, *c.Auxiliaries[0].Remote
			was.Where, is.Where = nil, nil
			if reflect.DeepEqual(was, is) {
				t.Errorf("JCS %s: %s=%s makes no difference", v.text, sp.name, value)
			}
		}
	}
}

func TestRemoteMeans(t *testing.T) {
	c := parse(valkeyFile(g3, "FailoverServers=10.0.0.1:6379, h:7", "PasswordFile=sub/word", "CAFile=/ca", "LinkTimeout=300ms", "HeartbeatInterval=100ms", "GetTimeoutMillis=5"))
	r := *c.Auxiliaries[0].Remote
	if r.PasswordFile != "sub/word" || !r.UseTLS || r.LinkTimeout != 300*time.Millisecond || r.GetTimeout != 5*time.Millisecond || !reflect.DeepEqual(r.Servers, []string{"10.0.0.1:6379", "h:7"}) {
		t.Errorf("%+v", r)
	}
	const at = "FailoverServers=127.0.0.1:6379\n"
	for lines, want := range map[string]string{
		"":                                     "error",
		"FailoverServers=x":                    "error",
		"FailoverServers=:6379":                "error",
		"FailoverServers=h:0":                  "error",
		"FailoverServers=10.0.0.1:6379":        "warning", // in plain
		"FailoverServers=[::1]:6379":           "",
		at + "CertFile=/c":                     "error",
		at + "KeyPrefix=a:b":                   "error",
		at + "KeyPrefix=":                      "error",
		at + "Database=-1":                     "error",
		at + "LinkTimeout=1s":                  "warning",
		at + "GetTimeoutMillis=-1":             "warning",
		at + "ZombieQueueMaxSize=0":            "warning",
		at + "WriteThrough=true\nGetOnly=true": "warning",
		at + "DiskPath=/d":                     "warning",
	} {
		c := parse(valkeyFile(g2, strings.Split(strings.TrimSpace(lines), "\n")...))
		if lines == "" {
			c = parse(valkeyFile(g2))
		}
		got := ""
		for _, f := range append(append([]Finding{}, c.Findings...), c.errs...) {
			got = f.Severity.String()
		}
		if got != want {
			t.Errorf("%q: %q, want %q: %v %v", lines, got, want, c.Findings, c.errs)
		}
	}
	c = parse(valkeyFile(g13, "FailoverServers=127.0.0.1:6379") + "jcs.region.S=A,B\njcs.region.S.cacheattributes.Strict=true\njcs.region.S.elementattributes.IsLateral=false\n")
	if len(c.errs) != 1 || !strings.Contains(c.errs[0].String(), "under no lease") {
		t.Errorf("%v", c.errs)
	}
}

// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestFindings: one line added to a base file, and what must be said of it.
// "" means that nothing is said.
func TestFindings(t *testing.T) {
	const c, e, a = "jcs.region.r.cacheattributes.", "jcs.region.r.elementattributes.", "jcs.auxiliary.LTCP.attributes."
	for _, x := range []struct {
		gen  gen
		line string
		want string // severity: and a part of the text
	}{
		{g13, c + "maxObjects=5", ""},
		{g13, c + "MaxObject=5", "warning: f:6: " + c + "MaxObject: unknown attribute; JCS 1.3 ignores the line with a warning; did you mean MaxObjects?"},
		{g13, c + "MAXObjects=5", "warning: |unknown attribute"},
		{g4, c + "maxObjects=5", "warning: |JCS 4 ignores the line without a word; did you mean MaxObjects?"},
		{g4, a + "allowGet=false", ""},
		{g13, c + "MaxObjects=5x", "warning: |JCS warns and goes on with the default"},
		{g13, c + "MaxObjects= 5 ", ""},
		{g13, c + "MaxObjects=3000000000", "warning: |whole number of 32 bits"},
		{g4, c + "MaxObjects=5x", "error: |stops with an exception"},
		{g4, a + "ZombieQueueMaxSize=5x", "warning: |goes on with the default"},
		{g13, c + "MaxObjects=-1", "warning: |counts as 0"},
		{g13, e + "IsEternal=yes", "warning: |goes on with the default"},
		{g13, e + "IsEternal= FALSE ", ""},
		{g4, e + "IsLateral=yes", "warning: |takes it for false"},
		{g2, e + "MaxLifeSeconds=300", "warning: |write MaxLife=300"},
		{g3, e + "MaxLifeSeconds=300", "warning: |the spelling of JCS 1.3, in a file of JCS 3"},
		{g4, e + "MaxLifeSeconds=300", "warning: |write MaxLife=PT300S"},
		{g13, e + "MaxLife=300", "warning: |write MaxLifeSeconds=300"},
		{g13, e + "MaxLife=PT5M", "warning: |write MaxLifeSeconds=300"},
		{g4, e + "MaxLife=3600", "warning: |milliseconds: 3.6s, not 1h0m0s"},
		{g4, e + "IdleTime=60", "warning: |write MaxIdleTime=PT60S"},
		{g4, e + "MaxIdleTime=soon", "error: |not a duration"},
		{g13, e + "MaxLifeSeconds=300", "warning: |IsEternal=false"},
		{g13, e + "TimeFactorForMilliseconds=1", "warning: |an attribute of JCS 2, 3"},
		{g13, c + "a.b=1", "warning: |JCS ignores the line without a word"},
		{g13, c + "MemoryCacheName=org.apache.jcs.engine.memory.lru.LRUCache", "warning: |goes on with LRU"},
		{g13, c + "MemoryCacheName=org.apache.jcs.engine.memory.soft.SoftReferenceMemoryCache", "warning: |goes on with LRU"},
		{g2, c + "MemoryCacheName=org.apache.commons.jcs.engine.memory.soft.SoftReferenceMemoryCache", "note: |no soft references"},
		{g13, c + "MemoryCacheName= org.apache.jcs.engine.memory.mru.MRUMemoryCache ", ""},
		{g2, c + "MemoryCacheName=org.apache.jcs.engine.memory.mru.MRUMemoryCache", "warning: |a class of JCS 1.3 beside one of JCS 2"},
		{g13, c + "DiskUsagePatternName=update please", ""},
		{g13, c + "DiskUsagePatternName=never", "warning: |SWAP"},
		{g13, c + "WhenLinkDown=Bypass\n" + c + "StaleMax=0", ""},
		{g2, c + "WhenLinkDown=stop", "error: |write serve or bypass or drop"},
		{g13, c + "Strict=true\n" + c + "Lease=500ms", ""},
		{g13, c + "Lease=10ms", "error: |100ms"},
		{g13, c + "Lease=2m", "warning: |counts as 1m0s"},
		{g13, c + "StaleMax=soon", "error: |write it as 10s"},
		{g4, c + "DiskUsagePattern=update", "warning: |wants exactly UPDATE"},
		{g13, "jcs.region.r.cacheattributes=org.apache.jcs.engine.CacheAttributes", "warning: |not the class"},
		{g13, a + "TransmissionTypeName=UDP", "note: |write TCP"},
		{g2, a + "TransmissionTypeName=tcp", "warning: |write TCP"},
		{g13, a + "EventQueueType=pooled", "note: |not needed"},
		{g13, a + "UdpDiscoveryAddr=cluster.example.org", "error: |not an IP address"},
		{g13, a + "UdpDiscoveryAddr=224.0.0.1 ", "error: |not an IP address"},
		{g13, a + "UdpDiscoveryAddr=10.0.0.1", "error: |not a multicast address"},
		{g13, a + "UdpDiscoveryAddr=224.0.0.1", "note: |one network segment"},
		{g13, a + "UdpDiscoveryAddr=ff15::6780", ""},
		{g13, a + "UdpDiscoveryPort=70000", "error: |0 to 65535"},
		{g13, a + "UdpDiscoveryPort=0", "error: |never meet"},
		{g13, a + "UdpDiscoveryEnabled=false", "warning: |finds no peer"},
		{g13, a + "AllowGet=true", "note: |PutOnlyMode"},
		{g4, a + "AllowGet=true", ""},
		{g4, a + "PutOnlyMode=false", "warning: |an attribute of JCS 1.3, 2, 3"},
		{g13, a + "TcpListenerHost=10.0.0.1", "note: |Lateral honours it"},
		{g3, a + "TcpListenerHost=10.0.0.1", ""},
		{g3, a + "TcpListenerHost=10.0.0.1 ", "warning: |part of the value"},
		{g13, a + "UdpTTL=300", "error: |0 to 255"},
		{g13, a + "SocketTimeOut=0", "warning: |no timeout"},
		{g13, a + "LogBytes=64X", "error: |not a size"},
		{g13, a + "LogBytes=1", "error: |at least"},
		{g13, a + "LinkTimeout=1s", "error: |healthy links would be cut"},
		{g13, a + "MemberTimeout=5s", "error: |between two announcements"},
		{g13, a + "HeartbeatInterval=often", "error: |write it as 10s"},
		{g13, a + "Clustername=x", "warning: |did you mean ClusterName?"},
		{g13, a + "DnsPeers=_lateral._tcp.example.org, peers.example.org:57462", ""},
		{g13, a + "DnsPeers=peers.example.org", "error: |neither name:port"},
		{g13, a + "CertFile=a\n" + a + "KeyFile=b", "error: |CertFile and KeyFile without CAFile"},
		{g13, a + "AllowJCSFrom=10.0.0.1", "warning: |AllowJCSFrom without AllowUnauthenticatedJCS"},
		{g13, a + "AllowUnauthenticatedJCS=true", "note: |AllowUnauthenticatedJCS without a secret"},
		{g13, a + "AllowJCSFrom=10.0.0.0/24,::1,localhost\n" + a + "ClusterSecretFile=s\n" + a + "AllowUnauthenticatedJCS=true", "error: |\"localhost\" is neither an address nor a network"},
		{g13, a + "ListenOnly=true", ""},
		{g13, a + "ListenOnly=true\n" + a + "Bridge=true", "error: |ListenOnly=true with Bridge=true"},
		{g13, a + "ListenOnly=true\n" + a + "Receive=false", "error: |ListenOnly=true with Receive=false"},
		{g13, a + "ListenOnly=true\n" + a + "ClusterSecretFile=s", "error: |ListenOnly=true with a cluster secret"},
		{g13, a + "ListenOnly=true\n" + a + "ClusterSecretFile=s\n" + a + "AllowUnauthenticatedJCS=true", ""},
		{g13, a + "ListenOnly=true\n" + a + "UdpDiscoveryEnabled=false", "warning: |ListenOnly=true without discovery"},
		{g13, a + "DnsPeers=b:1\n" + a + "ListenOnly=true", "warning: |peers are listed beside ListenOnly=true"},
		{g13, a + "IssueRemoveOnPut=true\n" + a + "ListenOnly=true", "note: |an observer puts nothing"},
		{g13, "jcs.region.q=LTCP,W\njcs.auxiliary.W=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\n" +
			"jcs.auxiliary.W.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes\njcs.auxiliary.W.attributes.TcpListenerPort=1\n" + a + "ListenOnly=true",
			"error: |LTCP, which only listens, beside W"},
		{g13, a + "Interface=*, eth0", "warning: |already"},
		{g13, "jcs.region.r2.MaxObjects=5", "warning: |did you mean jcs.region.r2.cacheattributes.MaxObjects?"},
		{g13, "jcs.region.myattributes=LTCP", "warning: |does not see a region"},
		{g13, "jcs.region.R.cacheattributes.MaxObjects=5", "warning: |region R is not declared; nothing reads the line; did you mean r?"},
		{g13, "jcs.region.q=LTPC", "error: |auxiliary LTPC is not defined; JCS runs the region without it; did you mean LTCP?"},
		{g13, "jcs.default.cacheattribute.MaxObjects=5", "warning: |did you mean jcs.default.cacheattributes?"},
		{g13, "jcs.auxilary.LTCP.attributes.Receive=false", "warning: |did you mean jcs.auxiliary?"},
		{g13, "jcs.auxiliary.LTPC.attributes.Receive=false", "warning: |did you mean LTCP?"},
		{g13, "jcs.auxiliary.LTCP.Receive=false", "warning: |jcs.auxiliary.LTCP.attributes.Receive?"},
		{g13, "jcs.auxiliary.DC=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheFactory", "note: |no region uses"},
		{g13, "jcs.auxiliary.LTCP.keymatcher=x.y", "note: |not needed"},
		{g13, "jcs.auxiliary.LTCP.cacheeventlogger=x.y", "note: |not needed"},
		{g13, "jcs.auxiliary.LTCP.serializer=org.apache.jcs.utils.serialization.StandardSerializer", "note: |does not use it there"},
		{g3, "jcs.auxiliary.LTCP.serializer=org.apache.commons.jcs3.utils.serialization.StandardSerializer", ""},
		{g3, "jcs.auxiliary.LTCP.serializer=org.apache.commons.jcs3.utils.serialization.EncryptingSerializer", "error: |PreSharedKey"},
		{g3, "jcs.auxiliary.LTCP.serializer=com.example.Own", "warning: |not a serializer of JCS"},
		{g13, "thread_pool.x.whenBlockedPolicy=BLOCK", "warning: |goes on with the default"},
		{g2, "thread_pool.x.whenBlockedPolicy=wait", "warning: |throws an exception"},
		{g3, "thread_pool.x.whenBlockedPolicy=wait", "warning: |wants exactly WAIT"},
		{g3, "thread_pool.x.whenBlockedPolicy=BLOCK", "warning: |rejects work"},
		{g13, "thread_pool.x.BoundarySize=1", "warning: |did you mean boundarySize?"},
		{g2, "thread_pool.x.BoundarySize=1", ""},
		{g2, "thread_pool.x.startUpSize=1000", "warning: |cannot make such a pool"},
		{g13, "nonsense=1", "warning: |unknown key"},
		{g13, "=1", "warning: |without a key"},
		{g13, c + "MaxObjects=${n}", "warning: |is not defined"},
		{g13, c + "MaxObjects=${n", "error: |without a }"},
		{g13, a + "ClusterName=\xc3\xbcber", "warning: |ISO-8859-1"},
	} {
		cfg := parse(base(x.gen) + x.line + "\n")
		key := strings.TrimRight(strings.SplitN(x.line, "=", 2)[0], " ")
		told := said(cfg, key)
		severity, part, split := strings.Cut(x.want, "|")
		if !split {
			severity, part = x.want, ""
		}
		ok := x.want == "" && len(told) == 0
		for _, s := range told {
			ok = ok || x.want != "" && strings.HasPrefix(s, severity) && strings.Contains(s, part)
		}
		if !ok {
			t.Errorf("JCS %s, %q:\n said %q\n want %q", x.gen, x.line, told, x.want)
		}
	}
}

// TestReading: lines added to a base file, and what the Config is then.
func TestReading(t *testing.T) {
	const c, e, a = "jcs.region.r.cacheattributes.", "jcs.region.r.elementattributes.", "jcs.auxiliary.LTCP.attributes."
	class := func(g gen) string {
		return "jcs.region.r.cacheattributes=" + g.root() + "engine.CompositeCacheAttributes\n"
	}
	region := func(f func(Region) any) func(*Config) any {
		return func(c *Config) any { r, _ := c.Region("r"); return f(r) }
	}
	objects := region(func(r Region) any { return r.MaxObjects })
	life := region(func(r Region) any { return r.Attr.MaxLife })
	policy := region(func(r Region) any { return r.Policy })
	lateral := func(f func(*Lateral) any) func(*Config) any {
		return func(c *Config) any { return f(c.Auxiliaries[0].Lateral) }
	}
	for i, x := range []struct {
		gen   gen
		lines string
		get   func(*Config) any
		want  any
	}{
		{g13, "jcs.default.cacheattributes.MaxObjects=7\n", objects, 7},
		{g13, "jcs.default.cacheattributes.MaxObjects=7\n" + c + "MaxObjects=8\n", objects, 8},
		{g13, "jcs.default.cacheattributes.MaxObjects=7\n" + class(g13), objects, 100},
		{g3, "jcs.default.cacheattributes.MaxObjects=7\n" + class(g3), objects, 100},
		{g4, "jcs.default.cacheattributes.MaxObjects=7\n" + class(g4), objects, 7},
		{g13, c + "MaxObjects=7\n" + c + "MaxObjects=9\n", objects, 9},
		{g13, "n=12\nm=${n}\n" + c + "MaxObjects=${n}\n", objects, 12},
		{g13, "n=12\nm=${n}\n" + c + "MaxObjects=${m}\n", objects, 100},
		{g13, e + "MaxLifeSeconds=300\n", life, 300 * time.Second},
		{g13, e + "MaxLifeSeconds=9223372036854775807\n", life, time.Duration(1<<63 - 1)},
		{g2, e + "MaxLife=300\n", life, 300 * time.Second},
		{g2, e + "MaxLife=300\n" + e + "TimeFactorForMilliseconds=1\n", life, 300 * time.Millisecond},
		{g2, e + "MaxLifeSeconds=300\n", life, time.Duration(-1)},
		{g4, e + "MaxLife=3600\n", life, 3600 * time.Millisecond},
		{g4, e + "MaxLife=PT1H30M1.5S\n", life, time.Hour + 30*time.Minute + 1500*time.Millisecond},
		{g4, e + "MaxLife=P2D\n", life, 48 * time.Hour},
		{g4, e + "MaxLife=pt-1s\n", life, time.Duration(-1)},
		{g4, e + "MaxLife=P\n", life, time.Duration(-1)},
		{g4, e + "IsLateral=yes\n", region(func(r Region) any { return r.Attr.Lateral }), false},
		{g13, e + "IsLateral=yes\n", region(func(r Region) any { return r.Attr.Lateral }), true},
		{g13, c + "MemoryCacheName=org.apache.jcs.engine.memory.lru.LHMLRUMemoryCache\n", policy, "lhmlru"},
		{g13, c + "MemoryCacheName=org.apache.jcs.engine.memory.fifo.FIFOMemoryCache\n", policy, "fifo"},
		{g13, c + "MemoryCacheName=org.apache.jcs.engine.memory.mru.MRUMemoryCache\n", policy, "mru"},
		{g13, c + "MemoryCacheName=nonsense\n", policy, "lru"},
		{g13, "", policy, ""},
		{g13, c + "DiskUsagePatternName=Updates\n", region(func(r Region) any { return r.DiskUpdate }), true},
		{g13, c + "WhenLinkDown=DROP\n", region(func(r Region) any { return r.WhenLinkDown }), "drop"},
		{g13, c + "Strict=true\n", region(func(r Region) any { return r.Strict }), true},
		{g13, c + "Lease=3s\n", region(func(r Region) any { return r.Lease }), 3 * time.Second},
		{g13, c + "Lease=1h\n", region(func(r Region) any { return r.Lease }), time.Minute},
		{g4, c + "StaleMax=1500\n", region(func(r Region) any { return r.StaleMax }), 1500 * time.Millisecond},
		{g13, c + "MaxBytes=64M\n", region(func(r Region) any { return r.MaxBytes }), int64(64 << 20)},
		{g13, "jcs.region.m=\n", func(c *Config) any { r, ok := c.Region("m"); return len(r.Auxiliaries) == 0 && ok }, true},
		{g13, "", func(c *Config) any {
			r, ok := c.Region("new")
			return r.Name == "new" && len(r.Auxiliaries) == 1 && !ok
		}, true},
		{g13, "jcs.region.x= LTCP , LTCP\njcs.system.s=LTCP\n", func(c *Config) any { return c.Regions[0].Name + c.Regions[1].Name + c.Regions[2].Auxiliaries[0] }, "srLTCP"},
		{g13, "jcs.region.r.MaxObjects=5\n", func(c *Config) any { return c.Regions[1].Name }, "r.MaxObjects"},
		{g13, a + "TcpServers=b:1\n", lateral(func(l *Lateral) any { return l.UdpDiscoveryEnabled }), false},
		{g13, a + "TcpServers=b:1\n" + a + "udpDiscoveryEnabled=true\n", lateral(func(l *Lateral) any { return l.UdpDiscoveryEnabled }), true},
		{g13, a + "TcpServers=\n", lateral(func(l *Lateral) any { return l.UdpDiscoveryEnabled }), true},
		{g13, a + "UdpDiscoveryInterface=eth1\n", lateral(func(l *Lateral) any { return strings.Join(l.Interface, "+") }), "eth1"},
		{g13, a + "UdpDiscoveryInterface=eth1\n" + a + "Interface=eth2,eth3\n", lateral(func(l *Lateral) any { return strings.Join(l.Interface, "+") }), "eth2+eth3"},
		{g13, a + "LogBytes=1G\n", lateral(func(l *Lateral) any { return l.LogBytes }), int64(1 << 30)},
		{g13, a + "HeartbeatInterval=PT0.5S\n", lateral(func(l *Lateral) any { return l.HeartbeatInterval }), 500 * time.Millisecond},
		{g13, a + "HeartbeatInterval=250\n", lateral(func(l *Lateral) any { return l.HeartbeatInterval }), 250 * time.Millisecond},
		{g13, a + "Receive=false\n", lateral(func(l *Lateral) any { return l.Where["Receive"] }), Pos{"f", 6}},
		{g4, a + "SocketTimeOut=PT3S\n", lateral(func(l *Lateral) any { return l.SocketTimeOut }), 3 * time.Second},
		{g3, a + "SocketTimeOut=3000\n", lateral(func(l *Lateral) any { return l.SocketTimeOut }), 3 * time.Second},
	} {
		if got := x.get(parse(base(x.gen) + x.lines)); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%d: JCS %s, %q: %v, want %v", i, x.gen, x.lines, got, x.want)
		}
	}
}

// TestServers: how each generation takes a list of peers apart.
func TestServers(t *testing.T) {
	const w, e = "warning", "error"
	for _, x := range []struct {
		gens gen
		raw  string
		want string
		said string // the severities
	}{
		{gAll, "a:1,b:2", "a:1 b:2", ""}, {gAll, "", "", ""}, {gAll, " ", "", ""}, {gAll, "a:1,", "a:1", ""},
		{g13to2, "a:1, b:2,c:3", "a:1 c:3", w}, {g3to4, "a:1 , b:2,c:3", "a:1 b:2 c:3", ""},
		{g13, "a:1,b:2 ", "a:1", w}, {g2, "a:1,b:2 ", "a:1", e}, {g3to4, "a:1,b:2 ", "a:1 b:2", e},
		{g13to2, "::1:1110,a:1", "a:1", w}, {g3to4, "::1:1110,[fe80::1]:2", "[::1]:1110 [fe80::1]:2", ""},
		{g13, "a,b:x,c:0,d:70000", "", "warning warning warning warning"}, {g2to4, "a:x", "", e}, {g2to4, "a", "", e},
		{g3to4, "x:y:1", "", w}, {gAll, ":1", "", "*"}, {gAll, "\u00fc:1", "", w},
	} {
		for _, v := range generations {
			if x.gens&v.gen == 0 {
				continue
			}
			peers, said := readServers(v.gen, x.raw)
			var severities []string
			for _, s := range said {
				severities = append(severities, s.severity.String())
			}
			if got := strings.Join(severities, " "); strings.Join(peers, " ") != x.want || got != x.said && (x.said != "*" || got == "") {
				t.Errorf("JCS %s, %q: %q, %+v", v.text, x.raw, peers, said)
			}
		}
	}
}

func TestSeveralFiles(t *testing.T) {
	second := "jcs.default=\njcs.default.cacheattributes.MaxObjects=1\njcs.region.r=\njcs.region.r.cacheattributes.MaxObjects=5\njcs.region.s=LTCP\njcs.auxiliary.LTCP.attributes.TcpListenerPort=1\n"
	c, err := Parse(Source{Name: "a", Data: []byte(base(g13))}, Source{Name: "b", Data: []byte(second)})
	if err != nil || len(c.Regions) != 2 || c.Regions[0].MaxObjects != 100 || len(c.Regions[0].Auxiliaries) != 1 || c.Auxiliaries[0].Lateral.TcpListenerPort != 57462 {
		t.Errorf("%v %+v", err, c.Regions)
	}
	want := []string{"b:1: jcs.default: ", "b:2: jcs.default.cacheattributes.MaxObjects: ", "b:3: jcs.region.r: ", "b:4: jcs.region.r.cacheattributes.MaxObjects: ", "b:6: jcs.auxiliary.LTCP.attributes.TcpListenerPort: "}
	places := []string{"a:1", "a:1", "a:2", "a:2", "a:5"}
	if len(c.Findings) != len(want) {
		t.Fatalf("%d findings: %v", len(c.Findings), c.Findings)
	}
	for i, f := range c.Findings {
		if f.Severity != Warning || !strings.HasPrefix(f.String(), want[i]) || !strings.Contains(f.String(), places[i]) {
			t.Errorf("%s %s; want %s… naming %s", f.Severity, f, want[i], places[i])
		}
	}
	if _, err := Parse(Source{Name: "b", Data: []byte("jcs.region.s=\n")}, Source{Name: "a", Data: []byte(base(g13))}); err == nil || !strings.HasPrefix(err.Error(), "b: jcs.default: missing") {
		t.Errorf("a first file without jcs.default: %v", err)
	}
}

func TestDuplicates(t *testing.T) {
	c := parse(base(g13) + "jcs.region.r.cacheattributes.MaxObjects=5\njcs.region.r.cacheattributes.maxObjects=6\njcs.auxiliary.LTCP.attributes.TcpListenerPort=1\n")
	if r, _ := c.Region("r"); r.MaxObjects != 6 || c.Auxiliaries[0].Lateral.Where["TcpListenerPort"] != (Pos{"f", 8}) {
		t.Error("the last one does not count", r.MaxObjects)
	}
	for _, want := range []string{"f:8: jcs.auxiliary.LTCP.attributes.TcpListenerPort: written before, at f:5", "f:7: jcs.region.r.cacheattributes.maxObjects: the same attribute as jcs.region.r.cacheattributes.MaxObjects at f:6"} {
		if !strings.Contains(Errors(c.Findings).Error(), want) {
			t.Errorf("missing %q in\n%v", want, Errors(c.Findings))
		}
	}
}

func TestOverrides(t *testing.T) {
	o := Options{Overrides: map[string]string{"jcs.region.r.cacheattributes.MaxObjects": "9", "jcs.region.new": "LTCP", "n": "77", "thread_pool.x": "1"}}
	c, err := o.Parse(Source{Name: "f", Data: []byte(base(g13) + "n=1\njcs.region.r.cacheattributes.MaxObjects=5\njcs.region.r.cacheattributes.SpoolChunkSize=${n}\n")})
	r, _ := c.Region("r")
	if _, ok := c.Region("new"); err != nil || !ok || r.MaxObjects != 9 || r.SpoolChunk != 77 {
		t.Errorf("%v %t %+v", err, ok, r)
	}
	if !written(c, "jcs.region.r.cacheattributes.MaxObjects") {
		t.Error("an override has no source")
	}
}

// TestErrorsTogether: all that is wrong with all files comes back at once, and
// the Config is there as far as it goes.
func TestErrorsTogether(t *testing.T) {
	c, err := Parse(
		Source{Name: "a", Data: []byte("jcs.region.r=GONE\n" + strings.TrimPrefix(base(g13), "jcs.default=LTCP\n") + "jcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=70000\n")},
		Source{Name: "b", Data: []byte("x=\\u12\njcs.region.s=${x\n")},
		Source{Name: "c", Data: []byte("\x7fELF\x00\x00")})
	var errs Errors
	var f Finding
	if !errors.As(err, &errs) || !errors.As(err, &f) || len(errs) != 6 || len(c.Regions) != 2 {
		t.Errorf("%d regions, errors:\n%v", len(c.Regions), err)
	}
	for _, want := range []string{"a: jcs.default: missing", "b:1: ", "b:2: ", "c:1: a NUL byte"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q", want)
		}
	}
}

func TestAuxiliaryErrors(t *testing.T) {
	for text, want := range map[string]string{
		"jcs.default=LTCP\n": "auxiliary LTCP is not defined",
		"jcs.default=A\njcs.auxiliary.A=org.apache.jcs.Foo":                                                          "is not the factory",
		"jcs.default=A\njcs.auxiliary.A=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory":          "jcs.auxiliary.A.attributes: missing",
		strings.ReplaceAll(base(g4), "LateralTCPCacheAttributes", "TCPLateralCacheAttributes"):                       "",
		strings.ReplaceAll(base(g3), "TCPLateralCacheAttributes", "LateralTCPCacheAttributes"):                       "leaves the auxiliary out",
		base(g13) + strings.ReplaceAll(strings.ReplaceAll(base(g13), "LTCP", "B"), "jcs.region.r=", "jcs.region.s="): "port 57462, which LTCP has too, at f:5",
	} {
		_, err := Parse(Source{Name: "f", Data: []byte(text)})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\n%v\nwant %q", text, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	good, big, gone := filepath.Join(dir, "good.ccf"), filepath.Join(dir, "big.ccf"), filepath.Join(dir, "gone.ccf")
	for path, data := range map[string][]byte{good: []byte(base(g13)), big: make([]byte, maxFile+2)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := Load(good); err != nil || len(c.Regions) != 1 || c.Files[0] != good {
		t.Error(c, err)
	}
	_, err := Load(gone, big, dir)
	for _, want := range []string{gone + ": ", big + ": more than", dir + ": "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "jcs.default") {
		t.Error("blames an unreadable file for what is not in it:", err)
	}
}

func TestNotText(t *testing.T) {
	for text, want := range map[string]string{
		"\xff\xfej\x00c\x00": "UTF-16", "jcs.default=\nx\x00": "f:2: a NUL byte", "jcs.default=\rx=1\r\n\x00": "f:3: a NUL", "jcs.default=" + strings.Repeat("x", maxLine): "a line of more than",
		strings.Repeat("a", 30) + strings.Repeat("\nx=${", 3000): "more findings are not shown",
	} {
		if _, err := Parse(Source{Name: "f", Data: []byte(text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %.300v", text, err)
		}
	}
	c, err := Parse(Source{Name: "f", Data: []byte("\xef\xbb\xbfjcs.default=\n")})
	if err != nil || len(c.Findings) != 1 || !strings.Contains(c.Findings[0].Saw, "byte order mark") {
		t.Error(err, c.Findings)
	}
}

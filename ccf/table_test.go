// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// base returns a small complete file of one generation.
func base(g gen) string {
	p := g.root()
	attrs := "TCPLateralCacheAttributes"
	if g == g4 {
		attrs = "LateralTCPCacheAttributes"
	}
	return "jcs.default=LTCP\njcs.region.r=LTCP\n" +
		"jcs.auxiliary.LTCP=" + p + "auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\n" +
		"jcs.auxiliary.LTCP.attributes=" + p + "auxiliary.lateral.socket.tcp." + attrs + "\n" +
		"jcs.auxiliary.LTCP.attributes.TcpListenerPort=57462\n"
}

// parse reads one file called f and fails on nothing.
func parse(text string) *Config {
	c, _ := Parse(Source{Name: "f", Data: []byte(text)})
	return c
}

// said returns what a Config's findings say about a key, as "severity: text".
func said(c *Config, key string) []string {
	var list []string
	for _, f := range slices.Concat(c.errs, c.Findings) {
		if f.Key == key {
			list = append(list, f.Severity.String()+": "+f.String())
		}
	}
	return list
}

// other returns a value of the type that is not the default.
func other(k *key, sp spelling, g gen) string {
	switch sp.typ {
	case tBool:
		return map[string]string{"true": "false", "false": "true"}[sp.def]
	case tWord:
		words := k.words
		if sp.name == "whenBlockedPolicy" {
			words = blockedWords(g)
		}
		return words[slices.IndexFunc(words, func(w string) bool { return w != sp.def && w != "WAIT" && w != "BLOCK" })]
	case tClass:
		return g.root() + "engine.memory.fifo.FIFOMemoryCache"
	case tAddr:
		return "239.9.9.9"
	case tList, tServers:
		if k.name() == "AllowJCSFrom" {
			return "10.9.9.0/24"
		}
		return "hostb:9"
	case tISO:
		return "PT7S"
	case tTime:
		return "4500ms"
	case tSize:
		return "1M"
	case tAcks:
		return "all"
	}
	return "7"
}

// prefixes are where the attributes of each scope stand in base.
var prefixes = map[scope]string{scopeCache: "jcs.region.r.cacheattributes.", scopeElement: "jcs.region.r.elementattributes.", scopeLateral: "jcs.auxiliary.LTCP.attributes."}

// TestEveryAttribute writes each attribute in each generation: what is
// honoured changes the Config, what is not needed changes nothing and is
// noted, what the generation does not know changes nothing and is warned of.
func TestEveryAttribute(t *testing.T) {
	for _, v := range generations {
		plain := parse(base(v.gen))
		if len(plain.errs) > 0 {
			t.Fatal(plain.errs)
		}
		for _, k := range keys {
			prefix, ok := prefixes[k.scope]
			if !ok || k.name() == "TransmissionTypeName" || k.name() == "CacheName" || k.name() == "TimeFactorForMilliseconds" {
				continue
			}
			for _, sp := range k.spell {
				text := prefix + sp.name + "=" + other(k, sp, v.gen) + "\n"
				c := parse(base(v.gen) + text)
				checkAttribute(t, v.gen, k, sp, plain, c, text)
			}
		}
	}
}

func checkAttribute(t *testing.T, g gen, k *key, sp spelling, plain, c *Config, text string) {
	t.Helper()
	var key, _, _ = strings.Cut(text, "=")
	told := said(c, key)
	changed := !reflect.DeepEqual(values(plain), values(c))
	known := k.spelled(g)
	switch {
	case known == nil || known.name != sp.name:
		if changed || len(told) != 1 || !strings.HasPrefix(told[0], "warning: f:6: ") {
			t.Errorf("JCS %s, %q: changed %t, said %q; want a warning only", g, text, changed, told)
		}
		if known != nil && !strings.Contains(told[0], "write "+known.name+"=") {
			t.Errorf("JCS %s, %q: %q does not name %s", g, text, told, known.name)
		}
	case known.typ != sp.typ: // same name, another unit
	case k.idle != "":
		if changed || len(told) != 1 || !strings.HasPrefix(told[0], "note: f:6: ") {
			t.Errorf("JCS %s, %q: changed %t, said %q; want a note only", g, text, changed, told)
		}
	case !changed:
		t.Errorf("JCS %s, %q is not honoured: %q", g, text, told)
	}
}

// values is what a Config means, without places.
func values(c *Config) []any {
	r, _ := c.Region("r")
	r.Where = Pos{}
	v := []any{r, c.Default}
	for _, a := range c.Auxiliaries {
		l := *a.Lateral
		l.Where = nil
		v = append(v, l)
	}
	return v
}

// TestOtherScopes: attributes of disk and remote auxiliaries, pools, serializers
// and the remote server are known by name and checked, each in its scope.
func TestOtherScopes(t *testing.T) {
	for _, v := range generations {
		p := v.root
		for _, m := range makers {
			if m.gens&v.gen == 0 || m.scopes[0] == scopeLateral || m.kept() { // TestDisk
				continue
			}
			head := "jcs.default=A\njcs.auxiliary.A=" + p + "auxiliary." + m.class + "\njcs.auxiliary.A.attributes=" + p + "auxiliary." + m.attrs + "\n"
			for _, s := range m.scopes {
				for _, k := range byScope[s] {
					for _, sp := range k.spell {
						key := "jcs.auxiliary.A.attributes." + sp.name
						c := parse(head + key + "=" + other(k, sp, v.gen) + "\n")
						known := k.spelled(v.gen)
						got := c.Auxiliaries[0].Other[k.name()] != ""
						if known != nil && known.name == sp.name && known.typ != sp.typ {
							continue // the same name in another unit
						}
						if want := known != nil && known.name == sp.name; got != want || want && len(said(c, key)) > 0 || !want && len(said(c, key)) != 1 {
							t.Errorf("JCS %s %s: kept %t, said %q", v.text, key, got, said(c, key))
						}
					}
				}
			}
		}
		for s, prefix := range map[scope]string{scopePool: "thread_pool.x.", scopeScheduler: "scheduler_pool.x.", scopeServer: "", scopeServerAttributes: "jcs.remotecache.serverattributes."} {
			for _, k := range byScope[s] {
				sp := k.spelled(v.gen)
				if sp == nil {
					continue
				}
				c := parse(base(v.gen) + prefix + sp.name + "=" + other(k, *sp, v.gen) + "\n")
				if told := said(c, prefix+sp.name); len(told) > 0 || !written(c, prefix+sp.name) {
					t.Errorf("JCS %s %s%s: said %q", v.text, prefix, sp.name, told)
				}
			}
		}
	}
}

func written(c *Config, key string) bool {
	return slices.ContainsFunc(c.Effective(), func(s Setting) bool { return s.Key == key && s.Source != "default" })
}

// TestDefaults compares every default with the reference's.
func TestDefaults(t *testing.T) {
	c := parse(base(g13))
	l := c.Auxiliaries[0].Lateral
	l.Where = nil
	if got, want := fmt.Sprintf("%+v", *l), "{TcpServers:[] TcpListenerPort:57462 TcpListenerHost: Receive:true AllowGet:true PutOnlyMode:true AllowPut:true "+
		"IssueRemoveOnPut:false FilterRemoveByHashCode:true SocketTimeOut:1s OpenTimeOut:2s ZombieQueueMaxSize:1000 UdpDiscoveryEnabled:true "+
		"UdpDiscoveryAddr:228.5.6.7 UdpDiscoveryPort:6789 UdpTTL:0 ClusterName: Interface:[] AdvertiseHost: DnsPeers:[] LogBytes:67108864 Bridge:false ListenOnly:false "+
		"HeartbeatInterval:1s LinkTimeout:5s MaxClockSkew:500ms AnnounceInterval:10s MemberTimeout:3m0s DrainTimeout:5s "+
		"ClusterSecretFile: CertFile: KeyFile: CAFile: AllowUnauthenticatedJCS:false AllowJCSFrom:[] Where:map[]}"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprintf("%+v", c.Default), "{Name: Auxiliaries:[LTCP] MaxObjects:100 MaxBytes:0 Acks:0 AckTimeout:250ms WhenLinkDown:serve StaleMax:10s RespMap: Strict:false Lease:2s Policy: UseShrinker:false ShrinkerInterval:30s MaxMemoryIdle:2h0m0s "+
		"MaxSpoolPerRun:-1 SpoolChunk:2 DiskUpdate:false UseLateral:true UseRemote:true UseDisk:true Attr:{Eternal:true Spool:true Lateral:true Remote:true "+
		"MaxLife:-1ns MaxIdle:-1ns Size:0 Tags:} Where:f:1}"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for _, v := range generations {
		c := parse(base(v.gen))
		d, e := c.Default, parse(base(g13)).Default
		if !reflect.DeepEqual(d, e) {
			t.Errorf("JCS %s has other defaults: %+v", v.text, d)
		}
		if l := c.Auxiliaries[0]; l.Generation != v.text || l.Lateral.SocketTimeOut != 1e9 || l.Lateral.OpenTimeOut != 2e9 || l.Lateral.PutOnlyMode != (v.gen != g4) {
			t.Errorf("JCS %s: %+v", v.text, l.Lateral)
		}
	}
}

// TestTable holds the table itself to its rules.
func TestTable(t *testing.T) {
	for _, k := range keys {
		var all gen
		for i, sp := range k.spell {
			if sp.gens&all != 0 || sp.gens == 0 && (i > 0 || k.own != gAll) {
				t.Errorf("%s: generations overlap", k.name())
			}
			all |= sp.gens
			if sp.def == "" || sp.typ == tServers {
				continue
			}
			for _, v := range generations {
				if sp.gens&v.gen == 0 && k.own&v.gen == 0 {
					continue
				}
				if got, bad := readValue(k, &sp, v.gen, false, sp.def); got == nil || bad != nil {
					t.Errorf("%s: default %q of JCS %s: %+v", k.name(), sp.def, v.text, bad)
				}
			}
		}
		if k.doc == "" || !strings.HasSuffix(k.doc, ".") || strings.ContainsFunc(k.doc, func(r rune) bool { return r > '~' }) {
			t.Errorf("%s: its doc is not a sentence in ASCII", k.name())
		}
		if k.scope == scopeTop {
			if p := place(strings.ReplaceAll(k.name(), "NAME", "x")).part; p == partOther || p == partHidden {
				t.Errorf("place does not know %s", k.name())
			}
		}
	}
}

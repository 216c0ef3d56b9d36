// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/jcs"
	"lateral/mesh"
	"lateral/secret"
)

// plainFile is a file of one endpoint; lines of the region User and of the
// endpoint are added to it.
const plainFile = `jcs.default=
jcs.region.User=A
jcs.region.User.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.User.elementattributes.IsLateral=false
jcs.region.SessionCache=A
jcs.auxiliary.A=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.A.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.A.attributes.TcpListenerPort=57462
jcs.auxiliary.A.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.A.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.A.attributes.UdpDiscoveryEnabled=true
`

// start starts a node of that file with more lines: of an attribute of the
// endpoint (".LogBytes=64K"), or whole ones.
func (w *watch) start(host byte, lines ...string) {
	w.t.Helper()
	text := plainFile
	for _, l := range lines {
		if strings.HasPrefix(l, ".") {
			l = "jcs.auxiliary.A.attributes" + l
		}
		text += l + "\n"
	}
	c, err := ccf.Parse(ccf.Source{Name: "story.ccf", Data: []byte(text)})
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := lateral.Open(context.Background(), lateral.Config{Service: "groupware", Host: fmt.Sprint("oxgw0", host), CCF: c,
		Network: w.net.Host(addr(int(host))).Edge(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.add(n)
}

// put writes so many sessions of 4 KB from one node.
func (w *watch) put(node, count int) {
	for i := range count {
		c := cache.Command{Op: cache.Put, Region: "SessionCache", Key: fmt.Sprint("more", i)}
		c.Value.Bytes = strings.Repeat(fmt.Sprintf("%03d ", w.scrapes), 1000)
		if _, err := w.nodes[node].Do(w.t.Context(), c); err != nil {
			w.t.Fatal(err)
		}
		c = cache.Command{Op: cache.Update, Region: "User", Key: fmt.Sprint("more", i)}
		if _, err := w.nodes[node].Do(w.t.Context(), c); err != nil {
			w.t.Fatal(err)
		}
	}
}

const user, sessions = "jcs.region.User.cacheattributes", "jcs.region.SessionCache.cacheattributes"

// stories are what raises the alarms that stock files do not.
var stories = map[string]func(w *watch, dir string){
	"a way that takes long": func(w *watch, _ string) {
		for host := range byte(2) {
			w.start(host+1, ".LinkTimeout=2m", ".OpenTimeOut=60000", ".SocketTimeOut=60000")
		}
		w.pass(2 * time.Minute)
		w.net.SetDelay(addr(1), addr(2), 25*time.Second)
		w.net.SetDelay(addr(2), addr(1), 25*time.Second)
		w.pass(8 * time.Minute)
		w.alarms("LateralPeerLags", "LateralPropagationSlow")
	},
	"too far behind": func(w *watch, _ string) {
		for host := range byte(2) {
			w.start(host+1, ".LogBytes=64K")
		}
		w.pass(2 * time.Minute)
		w.alarms()
		w.net.Block(addr(1), addr(2)) // for less than it takes to notice
		w.put(0, 200)
		time.Sleep(2 * time.Second)
		w.net.HealAll()
		w.pass(2 * time.Minute)
		w.alarms("LateralPeerSynced", "LateralRegionEmptied")
		w.pass(25 * time.Minute)
		w.alarms()
	},
	"served while a link is down": func(w *watch, _ string) {
		for host := range byte(3) {
			w.start(host+1, user+".WhenLinkDown=serve", user+".StaleMax=10m")
		}
		w.pass(2 * time.Minute)
		w.net.Partition(addr(1), addr(2))
		w.pass(9*time.Minute + 30*time.Second)
		w.alarms("LateralMeshIncomplete", "LateralStale")
	},
	"strict, and cut off": func(w *watch, _ string) {
		for host := range byte(2) {
			w.start(host+1, user+".Strict=true")
		}
		w.pass(2 * time.Minute)
		w.alarms()
		w.net.Partition(addr(1), addr(2))
		w.pass(2 * time.Minute)
		w.alarms("LateralMeshIncomplete", "LateralStrictUnserved")
	},
	"it starts, and is filled slowly": func(w *watch, _ string) {
		slow := []string{sessions + ".MaxObjects=10000", ".LinkTimeout=2m", ".OpenTimeOut=60000", ".SocketTimeOut=60000"}
		w.start(1, slow...)
		w.pass(2 * time.Minute)
		w.put(0, 3000)
		delay := func(d time.Duration) {
			w.net.SetDelay(addr(1), addr(2), d)
			w.net.SetDelay(addr(2), addr(1), d)
		}
		delay(100 * time.Millisecond) // until it is found
		w.start(2, slow...)
		time.Sleep(2 * time.Second) // a fifth is there
		delay(10 * time.Second)
		w.pass(7 * time.Minute)
		w.alarms("LateralNotReady", "LateralPropagationSlow", "LateralStale") // what was removed arrives later than StaleMax
	},
	"too small, and open": func(w *watch, _ string) {
		w.start(1, sessions+".MaxObjects=5")
		w.pass(65 * time.Minute)
		w.alarms("LateralReplicaFull", "LateralOpen")
	},
	"disks": func(w *watch, dir string) {
		blocked := filepath.Join(dir, "file")
		if err := os.WriteFile(blocked, nil, 0o600); err != nil {
			w.t.Fatal(err)
		}
		disk := func(path string) []string {
			return []string{"jcs.region.SessionCache=A,DC", "jcs.region.SessionCache.cacheattributes.MaxObjects=5",
				"jcs.auxiliary.DC=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheFactory", "jcs.auxiliary.DC.attributes=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheAttributes",
				"jcs.auxiliary.DC.attributes.DiskPath=" + path, "jcs.auxiliary.DC.attributes.MaxPurgatorySize=1"}
		}
		w.start(1, disk(filepath.Join(blocked, "spool"))...)
		w.start(2, disk(filepath.Join(dir, "spool"))...)
		w.each = func() { w.put(1, 20) }
		w.pass(40 * time.Minute)
		w.alarms("LateralDiskFails", "LateralDiskBehind", "LateralReplicaFull")
	},
	"nobody at the remote tier": func(w *watch, _ string) {
		const vc = "jcs.auxiliary.VC"
		w.start(1, "jcs.region.SessionCache=A,VC", vc+"=lateral.remote.ValkeyCacheFactory", vc+".attributes.FailoverServers=127.0.0.1:1", vc+".attributes.ZombieQueueMaxSize=5")
		w.each = func() { w.put(0, 20) }
		w.pass(8 * time.Minute)
		w.alarms("LateralRemoteAway", "LateralRemoteBehind")
	},
	"strangers": func(w *watch, dir string) {
		for host := range byte(3) {
			key := filepath.Join(dir, fmt.Sprint("secret", host/2))
			if host != 1 {
				if _, err := secret.Create(key, time.Now()); err != nil {
					w.t.Fatal(err)
				}
			}
			w.start(host+1, ".ClusterSecretFile="+key)
		}
		w.pass(12 * time.Minute)
		w.alarms("LateralStrangers")
	},
	"garbage on the port": func(w *watch, _ string) {
		w.start(1)
		w.start(2)
		w.pass(2 * time.Minute)
		other := w.net.Host(addr(9))
		for range 6 {
			c, err := other.Dial(w.t.Context(), netip.AddrPortFrom(addr(1), 57462).String())
			if err != nil {
				w.t.Fatal(err)
			}
			c.Write([]byte(mesh.Magic + "GET / HTTP/1.1\r\n\r\n"))
			io.Copy(io.Discard, c)
			c.Close()
		}
		w.pass(time.Minute)
		w.alarms("LateralProtocolErrors")
	},
	"a deaf Java node": func(w *watch, _ string) {
		w.start(1)
		w.start(2)
		group, err := w.net.Host(addr(9)).Multicast(netip.MustParseAddrPort("224.0.0.1:6780"))
		if err != nil {
			w.t.Fatal(err)
		}
		defer group.Close()
		says := jcs.Packet{Gen: jcs.JCS13, Kind: jcs.Passive, Host: "10.0.0.9", Port: 1110, Requester: 4711, Regions: []string{"User"}}
		b, err := says.Encode(&jcs.Serializer{})
		if err != nil {
			w.t.Fatal(err)
		}
		w.each = func() { group.Send(b) } // what it has announced has nobody who listens
		w.pass(7 * time.Minute)
		w.alarms("LateralJavaNodeDown")
	},
	"a Java node that can't be told": javaUntold,
	"Java nodes disagree":            javaDisagree,
}

// TestAlarmsOnMoreFaults is TestAlarmsOnFaults with files that are made for the
// fault.
func TestAlarmsOnMoreFaults(t *testing.T) {
	for name, tell := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var w *watch
			synctest.Test(t, func(t *testing.T) {
				w = emptyWatch(t)
				tell(w, dir)
				for i, n := range w.nodes {
					if !w.gone[i] {
						n.Close()
					}
				}
				time.Sleep(10 * time.Second) // one of valkey-go's goroutines sleeps on for a second
			})
			w.judge(t)
		})
	}
}

// TestEachAlarmIsRaised: by something that happens to real nodes.
func TestEachAlarmIsRaised(t *testing.T) {
	raised := map[string]bool{}
	for _, file := range []string{"faults_test.go", "stories_test.go", "java_stories_test.go"} {
		for _, m := range regexp.MustCompile(`w\.alarms\((.*)\)`).FindAllStringSubmatch(read(t, file), -1) {
			for _, name := range regexp.MustCompile(`Lateral\w+`).FindAllString(m[1], -1) {
				raised[name] = true
			}
		}
	}
	for _, name := range alarmNames(t) {
		if !raised[name] {
			t.Errorf("no fault raises %s", name)
		}
		delete(raised, name)
	}
	for name := range raised {
		t.Errorf("there is no alarm %s", name)
	}
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// An engine is one of what is compared: two processes, A and B.
type engine struct {
	short, name string
	java, redis bool
	// Of a kind: every node holds everything, or what it has read.
	replicates bool
	// drops: a put has the others drop what they hold, and values come from a
	// source; else a value can be read everywhere.
	drops bool
	// strict is Lateral's promise that a put returns only when nobody serves the old value.
	strict bool
	// says is the durability that its acknowledgement of the failover run has.
	says string
	// about is what is set beyond defaults, and why: the documented best for the task.
	about string
	// root is the package of JCS in its cache.ccf; "" for others.
	root string
}

// engines are in the order of the tables; ours are the last of their kinds.
var engines = []*engine{
	{short: "jcs13", name: "JCS 1.3", java: true, replicates: true, root: "org.apache.jcs", says: "put returned: JCS has no acknowledgements",
		about: "lateral TCP, TcpServers, IssueRemoveOnPut=false (values travel), AllowGet=false, EventQueueType=SINGLE, MaxObjects=2000000"},
	{short: "jcs3", name: "JCS 3.2.1", java: true, replicates: true, root: "org.apache.commons.jcs3", says: "put returned: JCS has no acknowledgements",
		about: "as JCS 1.3, with TcpListenerHost"},
	{short: "hz-replicated", name: "Hazelcast ReplicatedMap", java: true, replicates: true, says: "put returned: replication is asynchronous, no setting for it",
		about: "5.5.0: TCP-IP member list, in-memory-format OBJECT (reads without deserialising), LatestUpdateMergePolicy; heartbeat 1 s, max.no.heartbeat 10 s, merge.first/next.run.delay 5 s " +
			"(defaults of 60 s, 5 and 2 minutes would sit out the partition); Jet, metrics, phone home off"},
	{short: "ispn-replicated", name: "Infinispan replicated", java: true, replicates: true, says: "REPL_SYNC: put returns when B has it",
		about: "15.0.13: REPL_SYNC, media type application/x-java-object (reads without unmarshalling), IGNORE_RETURN_VALUES, ALLOW_READ_WRITES with PREFERRED_NON_NULL after a split; " +
			"JGroups' TCP stack with TCPPING, FD_ALL3 10 s (default 40 s), MERGE3 1 to 3 s (default 10 to 30 s)"},
	{short: "lateral", name: "Lateral, replicated", replicates: true, says: "PutAcks 1: put returns when B has it",
		about: "TcpServers, MaxObjects=2000000; all else default. In the failover run each put waits for one acknowledgement"},
	{short: "hz-near", name: "Hazelcast near cache", java: true, says: "put returns when the backup at B has it (backup-count 1)",
		about: "as above; IMap, backup-count 1 (synchronous), per-entry-stats-enabled (LatestUpdateMergePolicy wants it), near cache OBJECT with cache-local-entries and invalidate-on-change, map.invalidation.batch.enabled=false (invalidations are sent at once)"},
	{short: "ispn-invalidation", name: "Infinispan invalidation", java: true, drops: true, says: "-",
		about: "as above; INVALIDATION_SYNC, what was read from the source is kept by putForExternalRead"},
	{short: "redis", name: "Redis 7, client-side caching", redis: true, says: "answered by the one server; appendonly everysec in the failover run",
		about: "one redis-server, save \"\", appendonly no; A and B by valkey-go (RESP3 tracking, OPTIN), automatic pipelining, values cached 10 minutes at most"},
	{short: "lateral-strict", name: "Lateral, strict", drops: true, strict: true, says: "-",
		about: "as the next, with Strict=true: a put returns when nobody serves the old value any more"},
	{short: "lateral-invalidate", name: "Lateral, invalidated", drops: true, says: "-",
		about: "TcpServers, IsLateral=false, MaxObjects=2000000; put is Update (source first, then every copy is dropped), what was read from the source is kept by GetOrLoad"},
}

func engineOf(short string) *engine {
	for _, e := range engines {
		if e.short == short {
			return e
		}
	}
	return nil
}

func shorts(es []*engine) (out []string) {
	for _, e := range es {
		out = append(out, e.short)
	}
	return out
}

// ours is the system of Lateral that an engine is measured against.
func (e *engine) ours() *engine {
	if e.replicates {
		return engineOf("lateral")
	}
	return engineOf("lateral-invalidate")
}

func (e *engine) lateral() bool { return !e.java && !e.redis }

// redisForB is the server's address as B knows it: what passes between them is
// told from A's by it.
const redisForB = "127.0.0.2"

// peersJava are what JVMs are started with: Hazelcast's manual asks for the
// packages, for speed.
var peersJava = []string{"-XX:+UseG1GC", "-Djava.net.preferIPv4Stack=true", "--add-modules", "java.se", "--add-exports", "java.base/jdk.internal.ref=ALL-UNNAMED", "--add-opens", "java.base/java.lang=ALL-UNNAMED",
	"--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED", "--add-opens", "java.management/sun.management=ALL-UNNAMED", "--add-opens", "jdk.management/com.sun.management.internal=ALL-UNNAMED"}

// command is a process of the engine, in dir, with its own port and the other's.
func (e *engine) command(work, dir, role string, port, peer, heapMB int) (*exec.Cmd, error) {
	if e.root != "" || e.lateral() {
		if err := os.WriteFile(filepath.Join(dir, "cache.ccf"), []byte(e.ccf(port, peer)), 0o600); err != nil {
			return nil, err
		}
	}
	ports := []string{strconv.Itoa(port), strconv.Itoa(peer)}
	if !e.java {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self, append([]string{"-serve", e.short, role, dir}, ports...)...)
		cmd.Dir = dir
		return cmd, nil
	}
	path := strings.Join([]string{dir, filepath.Join(work, "java", "classes"), filepath.Join(work, "java", "lib", "*")}, string(os.PathListSeparator))
	args := append([]string{fmt.Sprintf("-Xmx%dm", heapMB), "-cp", path}, peersJava...)
	cmd := exec.Command("java", append(append(args, "peers.Main", e.short), ports...)...)
	cmd.Dir = dir
	return cmd, nil
}

// ccf is the cache.ccf of JCS and of Lateral. What it does not name has the
// default of the system that reads it.
func (e *engine) ccf(port, peer int) string {
	root := e.root
	if root == "" {
		root = "org.apache.jcs" // Lateral knows all of them
	}
	const a = "jcs.auxiliary.LTCP.attributes."
	lines := []string{
		"jcs.default=LTCP",
		"jcs.default.cacheattributes=" + root + ".engine.CompositeCacheAttributes",
		fmt.Sprintf("jcs.default.cacheattributes.MaxObjects=%d", max(2_000_000, 2*chosen().Hold)),
		"jcs.default.elementattributes=" + root + ".engine.ElementAttributes",
		fmt.Sprintf("jcs.default.elementattributes.IsLateral=%t", !e.drops),
		"jcs.region.Bench=LTCP",
		"jcs.auxiliary.LTCP=" + root + ".auxiliary.lateral.socket.tcp.LateralTCPCacheFactory",
		"jcs.auxiliary.LTCP.attributes=" + root + ".auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes",
		a + "TransmissionTypeName=TCP",
		fmt.Sprintf("%sTcpListenerPort=%d", a, port),
		fmt.Sprintf("%sTcpServers=127.0.0.1:%d", a, peer),
		a + "UdpDiscoveryEnabled=false",
		a + "IssueRemoveOnPut=false",
		a + "AllowGet=false",
		a + "EventQueueType=SINGLE",
	}
	if e.strict {
		lines = append(lines, "jcs.region.Bench.cacheattributes.Strict=true")
	}
	if e.short != "jcs13" { // which knows no such attribute
		lines = append(lines, a+"TcpListenerHost=127.0.0.1")
	}
	return strings.Join(lines, "\n") + "\n"
}

// buildJava compiles our driver and fetches the libraries, below work.
func buildJava(work string) error {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "lateral/benchmarks/compare").Output()
	if err != nil {
		return fmt.Errorf("the Java driver's sources were not found: %w; run this from within the module of Lateral", err)
	}
	target := filepath.Join(work, "java")
	cmd := exec.Command("mvn", "-q", "-B", "-f", filepath.Join(strings.TrimSpace(string(out)), "java", "pom.xml"), "-Dtarget="+target,
		"compile", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(target, "lib"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build of the Java driver: %w; mvn said:\n%s", err, out)
	}
	return nil
}

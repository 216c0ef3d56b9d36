// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A generation of JCS, as pom.xml names it.
type generation struct {
	profile, name, root string
}

// generations are those that are compared with.
var generations = []generation{
	{"jcs13", "JCS 1.3", "org.apache.jcs"},
	{"jcs3", "JCS 3.2.1", "org.apache.commons.jcs3"},
}

// spoken are those that Lateral is in one cluster with.
var spoken = []generation{generations[0], {"jcs2", "JCS 2.2.1", "org.apache.commons.jcs"}, generations[1]}

// toolsMissing says what must be installed before there is a JCS to compare with.
func toolsMissing(look func(string) (string, error)) error {
	var errs []error
	for _, t := range []struct{ name, why string }{
		{"java", "JCS is a Java library: install a Java runtime, 11 or later"},
		{"javac", "our driver is compiled for it: install the JDK of that runtime"},
		{"mvn", "it fetches JCS and builds the driver: install Apache Maven 3"},
	} {
		if _, err := look(t.name); err != nil {
			errs = append(errs, fmt.Errorf("%s is not in PATH; %s", t.name, t.why))
		}
	}
	return errors.Join(errs...)
}

// source finds the Java sources: they are read, not compiled in, so the
// command is to be run from within the module.
func source() (string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "lateral/benchmarks/jcs").Output()
	if err != nil {
		return "", fmt.Errorf("the Java driver's sources were not found: %w; run this from within the module of Lateral", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "java"), nil
}

// build compiles the driver for a generation below work.
func (g generation) build(src, work string) (*system, error) {
	target := filepath.Join(work, g.profile)
	cmd := exec.Command("mvn", "-q", "-B", "-f", filepath.Join(src, "pom.xml"), "-P", g.profile, "-Dtarget="+target,
		"compile", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(target, "lib"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build of the driver for %s: %w; mvn said:\n%s", g.name, err, out)
	}
	return &system{name: g.name, tells: "b",
		ccf: func(role string, port, peer int) string { return settings(g, role, port, peer) },
		command: func(_, dir string) *exec.Cmd {
			path := []string{dir, filepath.Join(target, "classes"), filepath.Join(target, "lib", "*")}
			return exec.Command("java", "-cp", strings.Join(path, string(os.PathListSeparator)), g.profile+".Main")
		}}, nil
}

// settings is the cache.ccf of one process. What it does not name has the
// default of the system that reads it, the memory's policy among them.
func settings(g generation, role string, port, peer int) string {
	const a = "jcs.auxiliary.LTCP.attributes."
	lines := []string{
		"jcs.default=LTCP",
		"jcs.default.cacheattributes=" + g.root + ".engine.CompositeCacheAttributes",
		"jcs.default.cacheattributes.MaxObjects=2000000",
		"jcs.default.elementattributes=" + g.root + ".engine.ElementAttributes",
		"jcs.default.elementattributes.IsLateral=true",
		"jcs.region.Bench=LTCP",
		"jcs.auxiliary.LTCP=" + g.root + ".auxiliary.lateral.socket.tcp.LateralTCPCacheFactory",
		"jcs.auxiliary.LTCP.attributes=" + g.root + ".auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes",
		a + "TransmissionTypeName=TCP",
		fmt.Sprintf("%sTcpListenerPort=%d", a, port),
		fmt.Sprintf("%sTcpServers=127.0.0.1:%d", a, peer),
		a + "UdpDiscoveryEnabled=false",
		a + "IssueRemoveOnPut=false",
		a + "AllowGet=false",
		a + "EventQueueType=SINGLE",
	}
	if g.profile != "jcs13" { // 1.3 knows no such attribute
		lines = append(lines, a+"TcpListenerHost=127.0.0.1")
	}
	if g.profile != "" && role == "b" {
		lines = append(lines, "jcs.default.cacheattributes.MemoryCacheName="+g.profile+".Counting")
	}
	return strings.Join(lines, "\n") + "\n"
}

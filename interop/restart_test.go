// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"fmt"
	"strconv"
	"testing"

	"lateral"
	"lateral/internal/lab"
)

// TestRestart: whoever restarts is written to again, with what the log held
// for it; Java nodes of JCS 3 write again to a Lateral node that restarted on
// its port, which they would never do to one of their own.
func TestRestart(t *testing.T) {
	t.Parallel() // with TestKill, in a namespace each
	if !inside(t) {
		return
	}
	each(t, func(t *testing.T, g generation) {
		if g.profile == "jcs2" {
			restartListed(t, g)
			return
		}
		group, ports := g.ports()
		at, javaAt := ports[0], ports[1]
		l := openAt(t, discovering(g, group, at))
		j := start(t, discovering(g, group, javaAt))
		linked(t, l, g, 1)
		reaches(t, "Lateral to Java", 1, lateralPuts(t, l), javaHas(j))
		reaches(t, "Java to Lateral", 2, javaPuts(j), lateralHas(t, l))

		j = restartJava(t, j, l, discovering(g, group, javaAt))
		reaches(t, "the restarted Java to Lateral", 3, javaPuts(j), lateralHas(t, l))

		l.Close()
		l = openAt(t, discovering(g, group, at))
		linked(t, l, g, 1)
		reaches(t, "Java to the restarted Lateral", 4, javaPuts(j), lateralHas(t, l))
		reaches(t, "the restarted Lateral to Java", 5, lateralPuts(t, l), javaHas(j))
	})
}

// restartJava kills a Java node and starts it again; it has what was put
// meanwhile.
func restartJava(t *testing.T, j *jvm, l *lateral.Node, n node) *jvm {
	t.Helper()
	got := 0
	j.kill()
	eventually(t, "the death is seen", func() bool { return len(l.Status().Endpoints[0].JavaDown) == 1 })
	for i := range 100 {
		put(t, l, fmt.Sprint("meanwhile", i), fmt.Sprint(i))
	}
	j = start(t, n)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("of what was put meanwhile the Java node had %d; counters of Lateral: %v", got, l.Status().Endpoints[0].Counters)
		}
	})
	eventually(t, "the restarted Java node has what was put meanwhile", func() bool {
		got, _ = strconv.Atoi(j.ask("check alpha meanwhile 100 0"))
		return got == 100
	})
	return j
}

// restartListed is TestRestart for JCS 2, whose discovery finds nobody:
// LateralTCPDiscoveryListener.addDiscoveredService looks up an auxiliary that is
// called "host:port", and CompositeCacheManager.addAuxiliaryCache keeps them by
// their names in the ccf (bytecode of 2.2.1). So a port that is announced to it
// means nothing, and what it once had a connection with it never dials again.
// It does go on dialling the last of its TcpServers that has never answered: a
// second port that is listed there is where Lateral has to be restarted, and then
// it is told all that was put meanwhile, up to ZombieQueueMaxSize.
func restartListed(t *testing.T, g generation) {
	at, second, javaAt := lab.Port(t), lab.Port(t), lab.Port(t)
	java := node{g: g, port: javaAt, peers: []int{at, second}}
	l := open(t, node{g: g, port: at, peers: []int{javaAt}})
	j := start(t, java)
	linked(t, l, g, 1)
	reaches(t, "Lateral to Java", 1, lateralPuts(t, l), javaHas(j))
	reaches(t, "Java to Lateral", 2, javaPuts(j), lateralHas(t, l))
	j = restartJava(t, j, l, java)
	reaches(t, "the restarted Java to Lateral", 3, javaPuts(j), lateralHas(t, l))

	l.Close()
	same := open(t, node{g: g, port: at, peers: []int{javaAt}})
	linked(t, same, g, 1)
	for i := range 100 {
		j.want("ok", "put alpha s:away%d s:v", i)
	}
	l = open(t, node{g: g, port: second, peers: []int{javaAt}})
	linked(t, l, g, 1)
	eventually(t, "what Java put meanwhile is at the second port", func() bool {
		have := 0
		for i := range 100 {
			if _, ok := held(t, l, fmt.Sprint("away", i)); ok {
				have++
			}
		}
		return have == 100
	})
	reaches(t, "Java to the restarted Lateral", 4, javaPuts(j), lateralHas(t, l))
	reaches(t, "the restarted Lateral to Java", 5, lateralPuts(t, l), javaHas(j))
	if _, ok := held(t, same, "away99"); ok {
		t.Error("JCS 2 wrote to a port that it had a connection with before: docs say that it never does")
	}
}

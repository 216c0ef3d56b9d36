// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestMeshing measures how long it takes from the start of the second of two
// nodes that find each other by multicast until each is told what the other
// puts: two Java nodes, and a Java and a Lateral node, whichever comes second.
// It is asked for by LATERAL_MESHING, the number of rounds: two Java nodes need
// half a minute. JCS 2.2.1 is left out, whose discovery finds nobody.
func TestMeshing(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("LATERAL_MESHING"))
	if rounds == 0 {
		t.Skip("LATERAL_MESHING=rounds is not set: a round takes a minute")
	}
	if !inside(t) {
		return
	}
	port, group := 22001, 6780
	for round := range rounds {
		for _, g := range []generation{generations[0], generations[2]} {
			for _, pair := range []string{"Java, then Java", "Java, then Lateral", "Lateral, then Java"} {
				port, group = port+2, group+1 // nobody believes in a former node
				meshed(t, g, pair, group, port, round)
			}
		}
	}
}

func meshed(t *testing.T, g generation, pair string, group, port, round int) {
	t.Helper()
	var put [2]func(string)
	var has [2]func(string) bool
	java := func(i int) {
		j := start(t, discovering(g, group, port+i))
		put[i], has[i] = javaPuts(j), javaHas(j)
	}
	lateral := func(i int) {
		l := openAt(t, discovering(g, group, port+i))
		put[i], has[i] = lateralPuts(t, l), lateralHas(t, l)
	}
	first, second := java, java
	switch pair {
	case "Java, then Lateral":
		second = lateral
	case "Lateral, then Java":
		first = lateral
	}
	first(0)
	time.Sleep(3 * time.Second) // it has said all that it says of itself when it starts
	second(1)
	began := time.Now() // a JVM takes half a second for its classes before
	var took [2]time.Duration
	for i := 0; took[0] == 0 || took[1] == 0; i++ {
		if time.Since(began) > time.Minute {
			break
		}
		key := fmt.Sprint("mesh", i)
		for from := range 2 {
			if took[from] == 0 {
				put[from](fmt.Sprint(key, ".", from))
			}
		}
		time.Sleep(5 * time.Millisecond)
		for from := range 2 {
			if took[from] == 0 && has[1-from](fmt.Sprint(key, ".", from)) {
				took[from] = time.Since(began)
			}
		}
	}
	t.Logf("JCS %-6s %-20s round %d: first to second after %8s, second to first after %8s", g.name, pair, round+1, orNever(took[0]), orNever(took[1]))
}

func orNever(d time.Duration) string {
	if d == 0 {
		return "never"
	}
	return d.Round(time.Millisecond).String()
}

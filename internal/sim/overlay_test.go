// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An edit replaces a text, of which there must be one, in a file that a build
// is made from. The file itself stays as it is: the build gets an overlay.
type edit struct{ file, old, new string }

// seeding are the edits of the Go runtime by which what it draws at random is
// drawn from the seed, for goroutines in a bubble: the order of select, of
// timers that are due at once, of maps, and math/rand. (Whatever else draws
// shares one number per run: how many maps are made depends on what pools
// hold.) What goes by the address of things, or by hash keys that a process
// draws as it starts, goes by the order in which they were made, or one key. And nobody
// is preempted for having run long, or given a mutex for having waited long,
// which a busy machine decides.
var seeding = []edit{
	{"math/rand/v2/rand.go", "//go:linkname runtime_rand runtime.rand\n", "//go:linkname runtime_rand runtime.simRand64\n"},
	{"runtime/rand.go", "func rand() uint64 {\n", "func rand() uint64 {\n\tif simBubbled() {\n\t\treturn simMaps\n\t}\n"},
	{"runtime/rand.go", "func rand32() uint32 {\n", "func rand32() uint32 {\n\tif simBubbled() {\n\t\treturn uint32(simMaps)\n\t}\n"},
	{"runtime/rand.go", "func maps_rand() uint64 {\n", "func maps_rand() uint64 {\n\tif simBubbled() {\n\t\treturn simMaps\n\t}\n"},
	{"runtime/rand.go", "var readRandomFailed bool\n", "var readRandomFailed bool\n" + seedSource},
	{"runtime/select.go", "j := cheaprandn(uint32(norder + 1))", "j := simRandn(uint32(norder + 1))"},
	{"runtime/select.go", "\t\t\tblockTimerChan(c)\n", ""},
	{"runtime/select.go", "\t// wait for someone to wake us up\n", simTimers},
	{"runtime/time.go", "t.rand = cheaprand()", "t.rand = simRand()"},
	{"runtime/alg.go", "\t\thashkey[i] = uintptr(bootstrapRand())\n", "\t\thashkey[i] = uintptr(i + 1)\n"},
	{"runtime/alg.go", "\t\tkey[i] = bootstrapRand()\n", "\t\tkey[i] = 0x9e3779b97f4a7c15 * uint64(i+1)\n"},
	{"context/context.go", "children map[canceler]struct{} //", "children map[canceler]uint64 //"},
	{"context/context.go", "make(map[canceler]struct{})", "make(map[canceler]uint64)"},
	{"context/context.go", "p.children[child] = struct{}{}", "p.children[child] = simChildren.Add(1)"},
	{"context/context.go", "for child := range c.children {", "for _, child := range simOrdered(c.children) {"},
	{"context/context.go", "// A cancelCtx can be canceled.", simChildren},
	{"internal/sync/mutex.go", "starvationThresholdNs = 1e6", "starvationThresholdNs = 1e18"},
	{"runtime/proc.go", "const forcePreemptNS = 10 * 1000 * 1000", "const forcePreemptNS = 3600 * 1000 * 1000 * 1000"},
}

// simTimers puts the timers that a select waits for on the heap, where each
// draws: not in the order in which it locks, which is that of their addresses.
const simTimers = `
	for _, casei := range pollorder {
		if c = scases[casei].c; c.timer != nil {
			blockTimerChan(c)
		}
	}
`

// simChildren has a context cancel those that are made of it in the order in
// which they were made, not in that of their addresses.
const simChildren = `
var simChildren atomic.Uint64

func simOrdered(m map[canceler]uint64) (all []canceler) {
	for child, at := range m {
		all = append(all, child)
		i := len(all) - 1
		for ; i > 0 && m[all[i-1]] > at; i-- {
			all[i] = all[i-1]
		}
		all[i] = child
	}
	return all
}

// A cancelCtx can be canceled.`

// seedSource is a splitmix64 (Steele, Lea, Flood: OOPSLA 2014).
const seedSource = `
var simState, simMaps uint64

//go:nosplit
func simBubbled() bool {
	gp := getg().m.curg
	return simMaps != 0 && gp != nil && gp.bubble != nil
}

//go:nosplit
func simNext() uint64 {
	simState += 0x9e3779b97f4a7c15
	z := simState
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func simRandn(n uint32) uint32 {
	if simBubbled() {
		return uint32(simNext()>>32) % n
	}
	return cheaprandn(n)
}

func simRand() uint32 {
	if simBubbled() {
		return uint32(simNext())
	}
	return cheaprand()
}

//go:linkname simRand64
func simRand64() uint64 {
	if simBubbled() {
		return simNext()
	}
	return rand()
}

//go:linkname simSeed lateral/internal/sim.seedRuntime
func simSeed(seed uint64) {
	simState = seed
	simMaps = simNext() | 1
	getg().m.p.ptr().schedtick = 0
}
`

// module is the directory of the module.
func module(t testing.TB) string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// goroot is where the sources of the Go that builds us are.
func goroot(t testing.TB) string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// path is where the file of an edit is: of the runtime, or of the module.
func (e edit) path(t testing.TB) string {
	for _, std := range []string{"runtime/", "math/", "internal/sync/", "context/"} {
		if strings.HasPrefix(e.file, std) {
			return filepath.Join(goroot(t), "src", e.file)
		}
	}
	return filepath.Join(module(t), e.file)
}

// overlay writes the edited files and says in JSON what they stand for.
func overlay(t testing.TB, dir string, edits []edit) string {
	texts := map[string]string{}
	for _, e := range edits {
		at := e.path(t)
		text, ok := texts[at]
		if !ok {
			b, err := os.ReadFile(at)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%s has %d times, not once, the text\n%s\nIf the file was changed, change the table that has this text", e.file, n, e.old)
		}
		texts[at] = strings.Replace(text, e.old, e.new, 1)
	}
	var o struct{ Replace map[string]string }
	o.Replace = map[string]string{}
	for at, text := range texts {
		to := filepath.Join(dir, fmt.Sprintf("%d_%s", len(o.Replace), filepath.Base(at)))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Replace[at] = to
	}
	b, _ := json.Marshal(o)
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// build makes the test binary of this package with the runtime that draws from
// the seed, and with more edits.
func build(t testing.TB, edits ...edit) (binary string) {
	dir := t.TempDir()
	binary = filepath.Join(dir, "sim.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-tags", "simseed", "-overlay", overlay(t, dir, append(edits, seeding...)), "-o", binary, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return binary
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lateral/internal/lab"
)

// asProgram has the test binary be the program: it starts itself again and again.
const asProgram = "LATERAL_COMPARE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// run is the whole program with tiny counts; what it could not do fails.
func run(t *testing.T, args ...string) report {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, append([]string{"-smoke", "-json"}, args...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+t.TempDir())
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if len(r.Notes) > 0 {
		t.Errorf("%s\n%s", strings.Join(r.Notes, "\n"), errs.String())
	}
	return r
}

// wants looks at figures that do not depend on the machine.
func (r *report) wants(t *testing.T, e string, want map[string]float64) {
	t.Helper()
	for id, v := range want {
		if got := median(r.Figures[id][e]); got != v {
			t.Errorf("%s of %s is %v, want %v", id, e, got, v)
		}
	}
	for _, id := range []string{"put1-100", "all8-1024", "get1", "fresh50"} {
		if got := median(r.Figures[id][e]); !finite(got) || got <= 0 {
			t.Errorf("%s of %s is %v", id, e, got)
		}
	}
}

var nothingLost = map[string]float64{"lost1-100": 0, "lost8-100": 0, "lost8-1024": 0, "unseen": 0, "unready": 0}

// The harness runs, all parts of it, with what is driven from Go.
func TestSmoke(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		lab.Missing(t, "redis", "needs redis-server in PATH")
	}
	if !privateNetwork() {
		lab.Missing(t, "root", "needs root and ip for a network of its own")
	}
	r := run(t, "-only", "lateral,lateral-invalidate,lateral-strict,redis")
	for _, e := range []string{"lateral", "lateral-invalidate", "lateral-strict", "redis"} {
		r.wants(t, e, nothingLost)
		r.wants(t, e, map[string]float64{"diverged": 0, "splitlost": 0})
		if got := median(r.Figures["heal"][e]); !finite(got) {
			t.Errorf("%s never healed", e)
		}
	}
	r.wants(t, "lateral", map[string]float64{"acklost": 0, "lacks": 0})
	r.wants(t, "lateral-strict", map[string]float64{"stale": 0})
	// While B is cut off from the server its reads and writes fail; Lateral's do not.
	if redis, us := median(r.Figures["splitlongest"]["redis"]), median(r.Figures["splitlongest"]["lateral"]); redis < 500 || us > redis {
		t.Errorf("with B cut off for a second the longest put took %v ms with Redis and %v ms with Lateral: was there a partition?", redis, us)
	}
}

// … and with Java: one of each library that nothing else here runs, or with
// LATERAL_COMPARE=all every system and part.
func TestSmokeJava(t *testing.T) {
	if os.Getenv("LATERAL_COMPARE") == "" {
		lab.Missing(t, "compare", "needs LATERAL_COMPARE=some or all: mvn fetches 60 MB, and JVMs take half a minute of CPU")
	}
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			lab.Missing(t, "java", "needs "+tool+" in PATH")
		}
	}
	args := []string{"-only", "hz-near,ispn-replicated", "rounds"}
	if os.Getenv("LATERAL_COMPARE") == "all" {
		args = []string{"-only", strings.Join(shorts(slices.DeleteFunc(slices.Clone(engines), func(e *engine) bool { return !e.java })), ",")}
	}
	r := run(t, args...)
	for _, e := range strings.Split(args[1], ",") {
		r.wants(t, e, nothingLost)
	}
}

// The two drivers and the list in protocol.go know the same questions.
func TestTwins(t *testing.T) {
	find := func(path, pattern string) []string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			words = append(words, m[1])
		}
		slices.Sort(words)
		return words
	}
	list := find("protocol.go", `(?m)^//\t([a-z]+) .*→`)
	for _, path := range []string{"driver.go", filepath.Join("java", "src", "peers", "Driver.java")} {
		if got := find(path, `case "([a-z]+)":`); !slices.Equal(got, list) || len(list) == 0 {
			t.Errorf("%s answers %s; protocol.go lists %s", path, strings.Join(got, " "), strings.Join(list, " "))
		}
	}
}

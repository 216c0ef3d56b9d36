// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A suite is a client's own tests, run from a copy of its module against a
// service: go-redis's specs of a single server, valkey-go's end-to-end tests.
// Counts are in docs/resp.md, "Clients".
func (s *site) suite(module, add string) (bin, dir string) {
	s.t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module)
	list.Dir = "go"
	from := strings.TrimSpace(s.output(list))
	dir = filepath.Join(s.t.TempDir(), "module")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		s.t.Fatal(err)
	}
	if add != "" {
		write(s.t, filepath.Join(dir, "lateral_test.go"), add)
	}
	bin = filepath.Join(s.t.TempDir(), "suite")
	build := exec.Command("go", "test", "-c", "-o", bin, ".")
	build.Dir = dir
	s.output(build)
	return bin, dir
}

// databases are regions for those besides 0 and 1 that suites select.
func databases() (lines []string) {
	for db := 2; db < 16; db++ {
		lines = append(lines, region(fmt.Sprint("Db", db), db))
	}
	return lines
}

// A spec of go-redis that fails is either of a command that is not there, or
// one of these.
var intended = []struct{ spec, why string }{
	{"should Wait$", "expects that there are no replicas; peers are some"},
	{"should HScan", "HSCAN answers with all at once"},
	{"ConfigSet|ConfigRewrite|MinIdleConns", "CONFIG SET changes three keys"},
	{"Info cpu", "INFO has no such section"},
	{"Conn TxPipeline", "uses SWAPDB"},
	{"should Save", "waits for SAVE"},
	{"CommandGetKeys$|Command Tips|filter commands by", "COMMAND tells less"},
	{"big message payload", "publishes before its subscription is confirmed: a server with one thread forgives it"},
	{"DebugObject|module loadex|returns latencies|reset all latencies|reset latencies", "fails on redis-server 7.0 too: DEBUG and MODULE are off"},
	{"ClientSetName on PubSub", "expects the old name in the list"},
}

var notThere = regexp.MustCompile(`unknown (sub)?command|runs no Lua`)

// go-redis's own specs: what is not of a missing command or an intended
// difference passes.
func TestSuiteGoRedis(t *testing.T) {
	if !all() {
		t.Skip("needs LATERAL_CLIENTS=all: minutes of compiling")
	}
	s := newSite(t, databases()...)
	bin, dir := s.suite("github.com/redis/go-redis/v9", "")
	report := filepath.Join(t.TempDir(), "report.json")
	args := []string{"RE_CLUSTER=true", "REDIS_VERSION=7.0", bin, "-test.run=^TestGinkgoSuite$", "-ginkgo.skip=Cluster|Ring |Sentinel", "-ginkgo.json-report=" + report}
	for _, f := range []string{"commands", "pubsub", "tx", "pipeline", "redis", "iterator", "csc_e2e"} {
		args = append(args, "-ginkgo.focus-file=/"+f+"_test.go")
	}
	cmd := s.a.Command("env", args...)
	cmd.Dir = dir
	out, _ := cmd.CombinedOutput() // some fail; which, the report says
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var suites []struct {
		SpecReports []struct {
			ContainerHierarchyTexts           []string
			LeafNodeType, LeafNodeText, State string
			Failure                           struct{ Message string }
		}
	}
	if err := json.Unmarshal(text, &suites); err != nil || len(suites) != 1 {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range suites[0].SpecReports {
		if r.LeafNodeType != "It" {
			continue
		}
		name := strings.Join(append(r.ContainerHierarchyTexts, r.LeafNodeText), " ")
		why := r.State
		if r.State != "passed" && r.State != "skipped" {
			if why = reason(name, r.Failure.Message); why == "" {
				t.Errorf("%s: %s: %.500s", name, r.State, r.Failure.Message)
			}
		}
		counts[why]++
	}
	for why, n := range counts {
		t.Logf("%4d %s", n, why)
	}
	if counts["passed"] < 235 {
		t.Errorf("%d specs passed; there were 235", counts["passed"])
	}
}

func reason(spec, message string) string {
	if notThere.MatchString(message) {
		return "of a command that is not there"
	}
	for _, d := range intended {
		if ok, _ := regexp.MatchString(d.spec, spec); ok {
			return d.why
		}
	}
	return ""
}

// valkeyTests has its end-to-end functions, which are one test, be tests of
// their own: the others are of sorted sets, streams, Lua and sharded channels.
const valkeyTests = `package valkey

import (
	"testing"
	"time"
)

func TestOnLateral(t *testing.T) {
	for name, f := range map[string]func(*testing.T, Client){
		"SETGETCSC": testSETGETCSC, "MultiSETGETCSC": testMultiSETGETCSC, "MultiSETGETCSCHelpers": testMultiSETGETCSCHelpers,
		"MultiExec": testMultiExec, "PubSub": testPubSub, "Flush": testFlush,
	} {
		t.Run(name, func(t *testing.T) {
			c, err := NewClient(ClientOption{InitAddress: []string{"127.0.0.1:6379"}, ConnWriteTimeout: 3 * time.Minute, PipelineMultiplex: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			run(t, c, f)
		})
	}
}
`

// valkey-go's own end-to-end tests, with some thousand keys cached each.
func TestSuiteValkeyGo(t *testing.T) {
	if !all() {
		t.Skip("needs LATERAL_CLIENTS=all: minutes of compiling")
	}
	s := newSite(t)
	bin, dir := s.suite("github.com/valkey-io/valkey-go", valkeyTests)
	cmd := s.a.Command(bin, "-test.v", "-test.run=^(TestOnLateral|TestNegative.*)$")
	cmd.Dir = dir
	if out := s.output(cmd); strings.Count(out, "\n    --- PASS") != 6 || strings.Count(out, "\n--- PASS") != 4 {
		t.Errorf("not all have passed:\n%s", out)
	}
}

// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/internal/lab"
)

// phpLeft are the tests of phpredis' class Redis that do not pass, by what they
// use.
var phpLeft = []struct{ why, tests string }{
	{"lists", "RenameNx Type lPop rPop blockingPop llen lPopx ltrim Lindex lrem lSet lrange RpopLpush BRpopLpush DifferentTypeList MultiExec Pipeline SerializerPHP SerializerIGBinary SerializerJSON ReplyLiteral RawCommand NullArray Scan"},
	{"SORT", "SortPrefix SortAsc SortDesc"},
	{"sets", "sAdd scard srem sMove sPop sPopWithCount sRandMember SRandMemberWithCount sismember smembers sMisMember sInter sInterStore sUnionStore sDiffStore DifferentTypeSet SScan"},
	{"sorted sets", "ZAddFirstArg ZX ZRangeScoreArg ZRangeByLex ZLexCount ZRemRangeByLex BZPop ZPop DifferentTypeSortedSet ZScan"},
	{"streams", "XAdd XRange XGroup XAck XRead XReadGroup XPending XDel XTrim XClaim XInfo XInfoEmptyStream"},
	{"bits, places, counts of what is different", "Bitsets BitPos GeoAdd GeoRadius GeoRadiusByMember NestedNullArray PFCommands"},
	{"Lua", "Script Eval EvalSHA"},
	{"DUMP, OBJECT, SLOWLOG, SWAPDB, ACL", "DumpRestore Object Slowlog SwapDB Acl"},
	{"INFO says nothing of dumps", "Info"},
	{"WAIT counts peers, where INFO tells of no replicas", "Wait"},
}

// phpSuite has the source of the php-redis that is installed, from Debian, and
// returns the folder of its tests. By hand it is
//
//	apt-get source php-redis
//
// with deb-src among the sources, and LATERAL_PHPREDIS=…/redis-VERSION/tests.
func phpSuite(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("LATERAL_PHPREDIS"); dir != "" {
		return dir
	}
	version, err := exec.Command("php", "-r", "echo phpversion('redis');").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, sub := range []string{"parts", "lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The machine's own sources, in both forms that there are, as sources of sources, with lists
	// and a cache of their own: nothing of the machine is changed.
	script := `cd parts
for f in /etc/apt/sources.list.d/debian.sources; do [ ! -e $f ] || sed 's/^Types: *deb\( deb-src\)\? *$/Types: deb-src/' $f > debian.sources; done
for f in /etc/apt/sources.list; do [ ! -e $f ] || sed -n 's/^deb /deb-src /p' $f > debian.list; done
cd ..
o="-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$PWD/parts -o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache"
apt-get $o update && apt-get $o source --download-only php-redis && tar xf php-redis_*.orig.tar.xz`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		lab.Missing(t, "deb-src", fmt.Sprintf("needs the source of php-redis from Debian, or LATERAL_PHPREDIS (see phpSuite): %v: %.500s", err, out))
	}
	return filepath.Join(dir, "redis-"+string(version), "tests")
}

// A phpRun is what has become of the tests.
type phpRun struct {
	s       *site
	program string
	dir     string

	mu sync.Mutex
	of map[string][]string // by passed, skipped, failed
}

func (r *phpRun) names() []string {
	return strings.Fields(r.s.output(exec.Command("php", r.program, r.dir)))
}

// try runs one test on the first host, in a process of its own: some wait for
// ever.
func (r *phpRun) try(name string) {
	cmd := r.s.a.Command("timeout", "20", "php", r.program, r.dir, "127.0.0.1", "6379", name)
	cmd.Env = append(os.Environ(), "TEST_PHP_ARGS=-d error_reporting=1")
	out, _ := cmd.CombinedOutput() // what has failed, it says
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	word, why, _ := strings.Cut(lines[len(lines)-1], " ")
	if word != "passed" && word != "skipped" {
		word = "failed"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[word] = append(r.of[word], name)
	if word == "failed" {
		r.s.t.Logf("%s: %.300s", name, why)
	}
}

// phpredis' own tests: those of sessions and their locks all pass, and of its
// class Redis those that are not of what is not here.
func TestSuitePHPRedis(t *testing.T) {
	t.Parallel()
	needPHP(t)
	r := &phpRun{program: source(t, "php/suite.php"), dir: phpSuite(t), of: map[string][]string{}}
	r.s = newSite(t, databases()...)
	isSession := func(name string) bool { return strings.HasPrefix(name, "testSession_") }
	names := r.names()
	var group sync.WaitGroup
	turns := make(chan bool, 8)
	for _, name := range names {
		if isSession(name) {
			group.Go(func() {
				turns <- true
				r.try(name)
				<-turns
			})
		}
	}
	group.Wait()
	late := r.of["failed"] // they measure how long a lock was waited for, and the machine may be busy
	for r.of["failed"] = nil; len(late) > 0; late = late[1:] {
		r.try(late[0])
	}
	if len(r.of["passed"]) != 23 || len(r.of["failed"]) > 0 {
		t.Errorf("of sessions %d have passed, want 23; failed: %v", len(r.of["passed"]), r.of["failed"])
	}
	if !all() {
		return
	}
	for _, name := range names {
		if !isSession(name) {
			r.try(name)
		}
	}
	left := map[string]string{}
	for _, l := range phpLeft {
		for name := range strings.FieldsSeq(l.tests) {
			left["test"+name] = l.why
		}
	}
	for _, name := range r.of["failed"] {
		if left[name] == "" && left["test"+strings.TrimPrefix(name, "tests")] == "" {
			t.Errorf("%s has failed, and nothing says why that is intended", name)
		}
	}
	for name, why := range left {
		if slices.Contains(r.of["passed"], name) {
			t.Errorf("%s passes: phpLeft says it cannot (%s)", name, why)
		}
	}
	t.Logf("%d passed, %d skipped, %d failed", len(r.of["passed"]), len(r.of["skipped"]), len(r.of["failed"]))
}

// SPDX-License-Identifier: Apache-2.0

// Package hosttest runs a test in a network namespace of its own, so that it
// may take routes away and switch interfaces off.
package hosttest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// inside is set in the environment of the test binary that runs within.
const inside = "LATERAL_TEST_NETNS"

// limit bounds one test within a namespace.
const limit = time.Minute

// Inside returns true when the test runs in a fresh network namespace that the
// given commands (words split at blanks) have furnished. Called outside, it
// runs the same test again within one, reports how that went and returns
// false, so the test's first line is
//
//	if !hosttest.Inside(t, "ip link set lo up") { return }
//
// The namespace ends with the process. The test is skipped, with the reason,
// where namespaces can't be made.
func Inside(t *testing.T, commands ...string) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		for _, c := range commands {
			Do(t, c)
		}
		return true
	}
	if os.Getenv(inside) != "" {
		t.Fatalf("a namespace within the namespace of %s", os.Getenv(inside))
	}
	unshare := command(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	args := append(unshare[1:], self, "-test.v", "-test.count=1", "-test.run="+pattern(t.Name()))
	cmd := exec.CommandContext(ctx, unshare[0], args...)
	// Under the race detector a process dawdles for a second before it ends.
	cmd.Env = append(os.Environ(), inside+"="+t.Name(), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	out, err := cmd.CombinedOutput()
	switch text := string(out); {
	case err != nil:
		t.Errorf("in its namespace: %v\n%s", err, text)
	case strings.Contains(text, "--- SKIP"):
		t.Skipf("in its namespace:\n%s", text)
	case !strings.Contains(text, "--- PASS: "+t.Name()):
		t.Errorf("the test did not run in its namespace:\n%s", text)
	}
	return false
}

// Do runs one command, its words split at blanks, and fails the test with its
// output if it fails.
func Do(t *testing.T, line string) string {
	t.Helper()
	f := strings.Fields(line)
	out, err := exec.CommandContext(t.Context(), f[0], f[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	if strings.HasPrefix(line, "ip link set ") {
		settle(t)
	}
	return string(out)
}

// carrierWithin is ample: the kernel takes news of a carrier up to a second.
const carrierWithin = 5 * time.Second

// settle waits until the two ends of a cable have a carrier if both are up,
// and none else: the kernel is done with that later than with the call.
func settle(t *testing.T) {
	t.Helper()
	for start := time.Now(); time.Since(start) < carrierWithin; time.Sleep(time.Millisecond) {
		a, errA := net.InterfaceByName("v0")
		b, errB := net.InterfaceByName("v1")
		if errA != nil || errB != nil {
			return
		}
		up := a.Flags&b.Flags&net.FlagUp != 0
		if up == (a.Flags&b.Flags&net.FlagRunning != 0) {
			return
		}
	}
	t.Fatalf("v0 and v1 are not settled after %v", carrierWithin)
}

// command returns the words that start a program in a new network namespace:
// without root a user namespace gives the right to.
func command(t *testing.T) []string {
	t.Helper()
	words := []string{"unshare", "--net"}
	if os.Getuid() != 0 {
		words = []string{"unshare", "--map-root-user", "--net"}
	}
	try := append(words[1:len(words):len(words)], "ip", "link", "set", "lo", "up")
	if out, err := exec.CommandContext(t.Context(), words[0], try...).CombinedOutput(); err != nil {
		t.Skipf("needs a network namespace: %s: %v: %s", strings.Join(append(words[:1:1], try...), " "), err, out)
	}
	return words
}

// pattern returns the -test.run that matches one test or subtest only.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = fmt.Sprintf("^%s$", regexp.QuoteMeta(p))
	}
	return strings.Join(parts, "/")
}

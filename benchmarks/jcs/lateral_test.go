// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lateral/benchmarks/internal/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked runs a driver in this process and returns a function that asks it.
func asked(t *testing.T, role, file string) func(format string, args ...any) string {
	qr, qw := io.Pipe()
	ar, aw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := serve(role, file, qr, aw)
		aw.CloseWithError(io.EOF)
		done <- err
	}()
	out := bufio.NewScanner(ar)
	out.Buffer(nil, peer.MaxLine)
	t.Cleanup(func() {
		qw.Close()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", role, err)
		}
	})
	next := func() string {
		if !out.Scan() {
			t.Fatalf("%s gave no answer", role)
		}
		return out.Text()
	}
	if got := next(); got != "ready" {
		t.Fatalf("%s: %q", role, got)
	}
	return func(format string, args ...any) string {
		fmt.Fprintf(qw, format+"\n", args...)
		return next()
	}
}

// Every question does what protocol.go says, between two nodes over loopback.
func TestQuestions(t *testing.T) {
	ports, err := peer.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, role := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, role), []byte(ours("").ccf(role, ports[i], ports[1-i])), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := asked(t, "b", filepath.Join(dir, "b"))
	a := asked(t, "a", filepath.Join(dir, "a"))
	for _, step := range []struct {
		ask      func(string, ...any) string
		question string
		want     string // regular expression
	}{
		{b, "reset one", "ok"},
		{a, "fill one 250 100 20", "[0-9]+"},
		{b, "arrived 250 20000 20000", "250 [0-9]+"},
		{b, "check one 250 100", "100"},
		{b, "check two 250 100", "0"},
		{b, "check one 251 100", "99"}, // as if the last put had been lost
		{b, "reset two", "ok"},
		{b, "arrived 1 20 20000", "0 [0-9]{1,10}"}, // gives up when it is quiet, long before 20 s
		{a, "paced 1000 5 40", "ok"},
		{a, "told", "([0-9]+ ){5}"},
		{b, "poll 5 20000", "([0-9]+ ){5}"},
		{b, "poll 6 1", "([0-9]+ ){5}-1 "}, // lat5 never was
		{a, "gets 2 100 20", "[0-9]+000 [0-9]+ 0"},
		{a, "beat", "ok"},
		{b, "await 1 20000", "yes"},
		{b, "await 1000000 5", "never"},
		{a, "beats", "[0-9]+"},
		{b, "has held", "ok"},
		{b, "one held", "[0-9]+ 1"},
		{b, "one nothing", "[0-9]+ 0"},
		{a, "nonsense", "error .*nonsense"},
	} {
		if got := step.ask(step.question); !regexp.MustCompile("^" + step.want + "$").MatchString(got) {
			t.Errorf("%s: %q, want %s", step.question, got, step.want)
		}
	}
}

// A mixture says which rounds lost what, and how often a get was answered.
func TestMixtures(t *testing.T) {
	var m mixture
	m.Generation, m.Pair = "JCS 2.2.1", "Java → Lateral"
	m.rounds = [8][]number{{100, 0, 300}, {0, 7, 0}, {1, 2, 3}, {4, 5, 6}, {0.5, 0.6, 0.7}, {1, 0, 1}, {100, 200, 300}, {1000, 2000, 3000}}
	m.sum()
	var b strings.Builder
	if err := printMixtures(&b, []mixture{m}, []string{"1", "2"}); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`JCS 2\.2\.1 +Java → Lateral +100 \[0 … 300\] +0 \[0 … 7\] +2 \[1 … 3\] +5 \[4 … 6\] +200 \[100 … 300\] +2000 \[1000 … 3000\] +0\.60 \[0\.50 … 0\.70\] +2 of 3\n`)
	if !want.MatchString(b.String()) {
		t.Error(b.String())
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
	for _, path := range []string{"lateral.go", filepath.Join("java", "src", "driver", "Driver.java")} {
		if got := find(path, `case "([a-z]+)":`); !slices.Equal(got, list) || len(list) == 0 {
			t.Errorf("%s answers %s; protocol.go lists %s", path, strings.Join(got, " "), strings.Join(list, " "))
		}
	}
}

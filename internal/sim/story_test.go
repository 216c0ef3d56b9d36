// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
)

var update = flag.Bool("update", false, "write what the stories print into their files")

// TestStories tells every story of testdata: a line is a setting (set NAME
// VALUE) or a step in the words of Step, and what it prints follows, each line
// behind a tab. In the end the judge has the word.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.story")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".story"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			synctest.Test(t, func(t *testing.T) { got = tell(t, string(want)) })
			switch {
			case got == string(want):
			case *update:
				err = os.WriteFile(name, []byte(got), 0o600)
			default:
				t.Errorf("%s now goes\n%s\n(-update writes it)", name, got)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A teller carries a story out, a line at a time.
type teller struct {
	t       *testing.T
	c       *cluster
	waiting []*Op // of "go" steps, in their order
}

func tell(t *testing.T, text string) string {
	p := &Plan{Nodes: MaxNodes, Set: DefaultSettings()}
	s := teller{t: t, c: newCluster(p, slog.New(slog.DiscardHandler))}
	defer s.c.close()
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t") {
			continue // what it printed last time
		}
		out.WriteString(line)
		words, _, _ := strings.Cut(line, "#")
		if f := strings.Fields(words); len(f) > 0 {
			for _, l := range s.step(f) {
				out.WriteString("\t" + l + "\n")
			}
		}
	}
	s.c.calm()
	s.c.acting.Wait()
	s.c.settle()
	s.c.judge()
	for _, b := range s.c.broken {
		t.Error(b)
	}
	return out.String()
}

func (s *teller) step(words []string) []string {
	s.t.Helper()
	c := s.c
	switch words[0] {
	case "set":
		if err := c.p.Set.set(words[1], words[2]); err != nil {
			s.t.Fatal(err)
		}
		return nil
	case "nodes": // who lists whom; others are not there at all
		fmt.Sscan(words[1], &c.p.Nodes)
		return nil
	case "join":
		c.acting.Wait()
		var out []string
		for _, o := range s.waiting {
			out = append(out, fmt.Sprintf("%s: %s", o.Step, answer(o)))
		}
		s.waiting = nil
		return out
	}
	st, err := parseStep(words)
	if err != nil {
		s.t.Fatal(err)
	}
	st.At = c.now()
	c.p.Steps = append(c.p.Steps, st)
	c.notice()
	switch {
	case st.Verb == "wait":
		for range 10 {
			time.Sleep(st.time(0) / 10)
			c.notice()
		}
	case st.Verb == "show":
		return s.show(st.Args[0])
	case st.Verb == "equal":
		return []string{s.equal(st.Args[0])}
	case st.isOp() && words[0] == "go":
		st.background()
		i := len(s.waiting)
		s.waiting = append(s.waiting, nil)
		c.acting.Go(func() { s.waiting[i] = c.act(st) })
		synctest.Wait()
	case st.isOp():
		if o := c.act(st); o != nil {
			return []string{answer(o)}
		}
		return []string{"nobody is there"}
	default:
		if err := c.fault(st); err != nil {
			s.t.Fatal(err)
		}
		synctest.Wait()
	}
	return nil
}

func answer(o *Op) string {
	switch {
	case o.err != nil:
		text, _, _ := strings.Cut(o.err.Error(), ";")
		return text
	case o.Verb == "get" || o.Verb == "load":
		if !o.found {
			return "nothing"
		}
		return o.value
	}
	return "done"
}

// show prints what every node holds.
func (s *teller) show(region string) (out []string) {
	for _, l := range s.c.alive() {
		var held []string
		for _, e := range s.c.contents(l, region) {
			held = append(held, cache.KeyText(e.Key)+"="+unpadded(e.Value.Bytes))
		}
		slices.Sort(held)
		out = append(out, strings.TrimSpace(fmt.Sprintf("h%d: %s", l.host, strings.Join(held, " "))))
	}
	return out
}

// equal waits until all nodes hold the same.
func (s *teller) equal(region string) string {
	began := s.c.now()
	for s.c.now()-began < s.c.p.quiet() {
		nodes, same := s.c.alive(), true
		for _, l := range nodes[1:] {
			same = same && unlike(s.c.contents(nodes[0], region), s.c.contents(l, region)) == ""
		}
		if same {
			return "yes"
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "no"
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"lateral/doctor"
)

// A trapPage is docs/troubleshooting.md: behind a mark <!-- doctor: NAME --> it has
// a block with what the doctor says of that trap. With -update the blocks are
// written anew.
type trapPage struct {
	mu   sync.Mutex        // guards said
	said map[string]string // trap → finding
}

func (p *trapPage) say(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said[name] = text
}

var pageLock sync.Mutex // two tests write blocks of one file

// Blocks of lateral doctor --cluster there.
const (
	clusterBlock   = "one way of multicast, one way of TCP"
	otherwiseBlock = "an MTU, a clock and a region"
	narrowBlock    = "a switch that takes less"
)

var trapBlocks = regexp.MustCompile("(?s)<!-- doctor: ([^\n]*) -->\n```text\n(.*?)```\n")

// compare wants every trap that was tried to be on the page in the doctor's
// words, and nothing there that was never said.
func (p *trapPage) compare(t *testing.T) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "troubleshooting.md")
	pageLock.Lock()
	defer pageLock.Unlock()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	text := trapBlocks.ReplaceAllStringFunc(string(b), func(block string) string {
		m := trapBlocks.FindStringSubmatch(block)
		there[m[1]] = true
		said, ok := p.said[m[1]]
		switch {
		case !ok && !slices.ContainsFunc(traps, func(x trap) bool { return x.name == m[1] }) && m[1] != clusterBlock && m[1] != otherwiseBlock && m[1] != narrowBlock:
			t.Errorf("docs/troubleshooting.md has %q, which is no trap", m[1])
		case ok && said != m[2] && !*update:
			t.Errorf("docs/troubleshooting.md, %s, has\n%sand the doctor says\n%s(go test -run 'Traps|ClusterDoctor' -update writes it)", m[1], m[2], said)
		case ok:
			return fmt.Sprintf("<!-- doctor: %s -->\n```text\n%s```\n", m[1], said)
		}
		return block
	})
	for name := range p.said {
		if !there[name] {
			t.Errorf("docs/troubleshooting.md has no block <!-- doctor: %s -->", name)
		}
	}
	if *update && text != string(b) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// printed is a finding as people see it, without tables.
func printed(f doctor.Finding) string {
	f.Details = nil
	text := text(doctor.Report{Findings: []doctor.Finding{f}})
	return text[:strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1] // without the sum
}

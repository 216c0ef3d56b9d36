// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cachers are clients that cache by themselves: programs that answer lines.
// need builds one and returns its command for a database.
var cachers = []struct {
	name string
	dbs  []string
	need func(t *testing.T) func(db string) *exec.Cmd
}{
	{"jedis", []string{"0", "1"}, jedis.driver},
	{"lettuce", []string{"0", "1"}, lettuce.driver},
	{"go-redis", []string{"0"}, goDriver("go-redis")}, // it caches database 0 only
	{"valkey-go", []string{"0", "1"}, goDriver("valkey-go")},
}

func goDriver(client string) func(t *testing.T) func(db string) *exec.Cmd {
	return func(t *testing.T) func(db string) *exec.Cmd {
		bin := filepath.Join(needGo(t), "caching")
		return func(db string) *exec.Cmd { return exec.Command(bin, client, db) }
	}
}

// A client keeps a value on one host, and drops it when it is written on the
// other: database 0 has values that travel, in 1 only removals do.
func TestCaching(t *testing.T) {
	for _, c := range cachers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			command := c.need(t)
			s := newSite(t)
			if c.name == "lettuce" && !all() {
				c.dbs = c.dbs[:1] // two machines of Java are enough for each run
			}
			for _, db := range c.dbs {
				a, b := s.drive(s.a, command(db)), s.drive(s.b, command(db))
				a.want("OK", "set k 0")
				a.want("0 hits 0", "get k")
				a.want("0 hits 1", "get k")
				for i := 1; i <= 20; i++ {
					value := fmt.Sprint(i)
					if db == "0" {
						b.want("OK", "set k "+value)
					} else {
						b.ask("del k") // as who changed the source does
						a.until("null ", "get k")
						a.want("OK", "set k "+value)
					}
					a.until(value+" ", "get k")
				}
				kept := func() (hits int) {
					if n, err := fmt.Sscanf(a.ask("get k"), "20 hits %d", &hits); n != 1 {
						t.Fatal(err)
					}
					return hits
				}
				if before, after := kept(), kept(); after != before+1 {
					t.Errorf("database %s: the last value is not kept: hits %d, then %d", db, before, after)
				}
			}
		})
	}
}

// until asks again until the answer begins so.
func (d *driver) until(begin, line string) {
	d.t.Helper()
	eventually(d.t, func() error {
		if got := d.ask(line); !strings.HasPrefix(got, begin) {
			return fmt.Errorf("%s: still %s, not %s", line, got, begin)
		}
		return nil
	})
}

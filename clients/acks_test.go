// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// While packets to the other host are dropped and nobody has noticed yet, a
// write is answered by NOREPLICAS; whatever was answered by OK is there, at any
// moment. When packets pass again what was refused arrives as well: it was on its way.
func TestAcknowledged(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(needGo(t), "acks")
	s := newSite(t, region("One", 4, ".cacheattributes.Acks=1"),
		"jcs.auxiliary.LTCP.attributes.LinkTimeout=5m") // nobody notices for as long as this takes
	began := time.Now()
	say := func(what string) { t.Logf("%5.1f s: %s", time.Since(began).Seconds(), what) }
	var ds []*driver
	var answers []chan string
	for _, db := range []string{"0", "4"} { // Acks=linked, Acks=1
		d := s.drive(s.a, s.a.Command(bin, db, socket(s.b)))
		d.want("100 stored, 0 refused", "set before 100")
		d.want("0", "missing")
		answer := make(chan string, 1)
		go func() { answer <- d.ask("set during 40000") }()
		d.p.WaitLine("under way during", time.Minute)
		ds, answers = append(ds, d), append(answers, answer)
	}
	s.Partition(s.a, s.b)
	say("packets are dropped")
	for i, d := range ds {
		var stored, refused int
		if n, err := fmt.Sscanf(<-answers[i], "%d stored, %d refused", &stored, &refused); n != 2 || stored < enough || refused < enough {
			t.Fatalf("%d stored, %d refused: %v", stored, refused, err)
		}
		say(fmt.Sprintf("%d stored, %d refused", stored, refused))
		d.want("0 stored, 8 refused", "set cut 8")
		d.want("0", "missing")
	}
	s.lateral(s.a, "mesh", "--nodes", "2") // the link is up, as far as anybody knows
	s.Heal()
	say("packets pass")
	for _, d := range ds {
		eventually(t, func() error {
			if n := d.ask("late"); n != "0" {
				return fmt.Errorf("of what was refused %s are still not there", n)
			}
			return nil
		})
		d.want("50 stored, 0 refused", "set after 50")
		d.want("0", "missing")
	}
	say("all of it is there")
}

// enough is what clients/go/acks calls so.
const enough = 20

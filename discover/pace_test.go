// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// t0 is a time to start from.
var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestPaceBacksOff(t *testing.T) {
	p := pace{interval: 10 * time.Second}
	p.restart(t0)
	now := t0
	for _, want := range []time.Duration{0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
		due := p.due()
		if got := due.Sub(now); got != want*time.Millisecond {
			t.Fatalf("a pause of %v, want %v ms", got, want)
		}
		now = due
		p.sent(now, 0.5)
	}
	p.restart(now)
	if got := p.due().Sub(now); got != minGap {
		t.Errorf("restarted: due after %v, want the least gap", got)
	}
}

func TestPaceOfAnswers(t *testing.T) {
	p := pace{interval: 10 * time.Second}
	p.restart(t0)
	p.sent(t0, 0.5)
	for range 10 {
		p.sent(p.due(), 0.5) // now steady
	}
	now := p.last.Add(time.Second)
	steady := p.unasked
	p.ask(now, 1)
	p.ask(now, 0) // a second question changes nothing
	if got := p.due(); got != now.Add(maxJitter) {
		t.Errorf("answer due %v after the question", got.Sub(now))
	}
	p.sent(p.due(), 0.5)
	if p.due() != steady {
		t.Errorf("after the answer due at %v, want the steady %v", p.due(), steady)
	}
	p.ask(p.last, 0)
	if got := p.due().Sub(p.last); got != minGap {
		t.Errorf("the next answer after %v, want %v", got, minGap)
	}
}

// However much is asked, there are at most ten packets a second, and unasked
// ones are not put off.
func TestPaceIsBounded(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := pace{interval: 10 * time.Second}
		p.restart(t0)
		now, sent := t0, 0
		last := t0
		for now.Before(t0.Add(30 * time.Second)) {
			if !p.due().After(now) {
				if sent > 0 && now.Sub(last) < minGap {
					r.Fatalf("%v between two packets", now.Sub(last))
				}
				last = now
				sent++
				p.sent(now, rapid.Float64Range(0, 1).Draw(r, "chance"))
			}
			if now.Sub(last) > 11*time.Second {
				r.Fatalf("nothing for %v", now.Sub(last))
			}
			if rapid.Bool().Draw(r, "asked") {
				p.ask(now, rapid.Float64Range(0, 1).Draw(r, "jitter"))
			}
			now = now.Add(time.Duration(rapid.IntRange(1, 500).Draw(r, "ms")) * time.Millisecond)
		}
	})
}

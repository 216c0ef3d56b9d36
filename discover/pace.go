// SPDX-License-Identifier: Apache-2.0

package discover

import "time"

const (
	firstStep = 100 * time.Millisecond // between the first two packets; doubles from there to the steady period
	minGap    = 100 * time.Millisecond // between any two packets: at most ten a second
	maxJitter = 50 * time.Millisecond  // before an answer, so that not everybody answers at once
)

// A pace decides when the next packet is due. It is pure: time and chance are
// arguments, chance from 0 to 1.
type pace struct {
	interval time.Duration // the steady period
	step     time.Duration // until the next unasked packet, before chance
	unasked  time.Time     // when the next packet is due even if nobody asks
	answer   time.Time     // when an answer is due; zero: none is
	last     time.Time     // packet
}

// restart makes a packet due now, and the following ones soon.
func (p *pace) restart(now time.Time) {
	p.step = min(firstStep, p.interval)
	p.unasked = now
}

// ask makes a packet due shortly.
func (p *pace) ask(now time.Time, chance float64) {
	if p.answer.IsZero() {
		p.answer = now.Add(time.Duration(chance * float64(maxJitter)))
	}
}

// due tells when the next packet is to be sent.
func (p *pace) due() time.Time {
	t := p.unasked
	if !p.answer.IsZero() && p.answer.Before(t) {
		t = p.answer
	}
	if free := p.last.Add(minGap); !p.last.IsZero() && t.Before(free) {
		return free
	}
	return t
}

// sent takes note that a packet has been sent. It answers whoever asked; an
// unasked one that was not yet due stays due, so that answering many does not
// put it off for ever.
func (p *pace) sent(now time.Time, chance float64) {
	p.last, p.answer = now, time.Time{}
	if now.Before(p.unasked) {
		return
	}
	p.unasked = now.Add(time.Duration(float64(p.step) * (0.9 + 0.2*chance)))
	p.step = min(2*p.step, p.interval)
}

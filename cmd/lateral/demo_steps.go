// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lateral/cache"
)

// Times after which a step is given up. On a quiet machine each takes well
// under a second.
const (
	formTime  = 20 * time.Second
	reachTime = 5 * time.Second
)

// pageLinks is what two hosts, each groupware, admindaemon and session cache,
// come to with one socket per pair.
const pageLinks = 7

// until calls f until it is content or the time is over, and returns how long
// that took.
func until(ctx context.Context, limit, pause time.Duration, f func() bool) (took time.Duration, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !f() {
		select {
		case <-ctx.Done():
			return time.Since(began), false
		case <-tick.C:
		}
	}
	return time.Since(began), true
}

func failed(name, format string, args ...any) step {
	return step{Step: name, Saw: fmt.Sprintf(format, args...)}
}

func took(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// form starts the services and watches the mesh until it is complete.
func (d *demo) form(ctx context.Context) step {
	const name = "the mesh forms by itself"
	for _, p := range d.procs {
		if err := p.start(); err != nil {
			return failed(name, "%v", err)
		}
	}
	r, t, ok := d.complete(ctx)
	d.say("\n")
	if !d.quiet {
		d.s.out.mesh(r)
		d.say("\n")
	}
	if !ok {
		return failed(name, "after %s: %s, where %d links are expected%s", took(t), r.summary(), pageLinks, d.ended())
	}
	return step{name, true, t.Seconds(), fmt.Sprintf("%d of %d links, %d processes, %s after the last start", r.Present, r.Expected, r.Nodes, took(t))}
}

// complete waits for the mesh of the page, showing how it grows.
func (d *demo) complete(ctx context.Context) (r *meshReport, t time.Duration, ok bool) {
	p := &progress{screen: d.s.out}
	began, last := time.Now(), ""
	t, ok = until(ctx, formTime, 10*time.Millisecond, func() bool {
		r = d.look(ctx)
		if now := r.summary(); now != last && !d.quiet {
			p.say(fmt.Sprintf("  %6s  %s", time.Since(began).Round(time.Millisecond), now))
			last = now
		}
		return d.ended() != "" || r.Complete && r.Expected == pageLinks && len(r.Services) == len(d.procs)
	})
	ok = ok && d.ended() == ""
	if !d.quiet {
		p.end()
	}
	return r, t, ok
}

// ended says which services are gone that nobody has killed.
func (d *demo) ended() (text string) {
	for _, p := range d.procs {
		if !p.running() {
			text += "; " + p.name() + " has ended, its log says why"
		}
	}
	return text
}

// do carries out a command at one service.
func (p *proc) do(ctx context.Context, c cache.Command) (cache.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	client := p.client()
	defer client.Close()
	return client.Do(ctx, c)
}

// holds reports whether the service holds that value; "" is none.
func (p *proc) holds(ctx context.Context, region, key, value string) bool {
	rep, err := p.do(ctx, cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: region, Key: key})
	return err == nil && rep.Found == (value != "") && rep.Element.Value.Bytes == value
}

// update changes a value that all four hold; the other three drop theirs.
func (d *demo) update(ctx context.Context) step {
	const name, region, key = "an update invalidates the others", "User", "424242:3"
	for _, p := range d.procs {
		if _, err := p.do(ctx, cache.Command{Op: cache.Put, Region: region, Key: key, Value: cache.Value{Bytes: "v1"}}); err != nil {
			return failed(name, "put of v1 on %s: %v", p.name(), err)
		}
	}
	for _, p := range d.procs {
		if !p.holds(ctx, region, key, "v1") {
			return failed(name, "%s does not hold v1, though a plain put is nobody else's business", p.name())
		}
	}
	writer := d.procs[1] // an admindaemon changes users
	d.say("region %s, key %s: all four services hold v1; %s updates it to v2\n", region, key, writer.name())
	if _, err := writer.do(ctx, cache.Command{Op: cache.Update, Region: region, Key: key, Value: cache.Value{Bytes: "v2"}}); err != nil {
		return failed(name, "%v", err)
	}
	var late []string
	t, ok := until(ctx, reachTime, time.Millisecond, func() bool {
		late = nil
		for _, p := range d.procs {
			if p != writer && !p.holds(ctx, region, key, "") {
				late = append(late, p.name())
			}
		}
		return len(late) == 0
	})
	if !ok || !writer.holds(ctx, region, key, "v2") {
		return failed(name, "after %s these still hold v1: %s", took(t), strings.Join(late, ", "))
	}
	return step{name, true, t.Seconds(), fmt.Sprintf("%s holds v2, the other three dropped v1 within %s", writer.name(), took(t))}
}

const sessions, sessionKey = "SessionCache", "4c1f09"

// session puts a session on one host and reads it on the other.
func (d *demo) session(ctx context.Context) step {
	const name = "a session is read on the other host"
	from, to := d.procs[0], d.procs[2]
	d.say("region %s, key %s: put on %s\n", sessions, sessionKey, from.name())
	return d.travels(ctx, name, from, to, sessionKey, "anna, signed on at oxgw01")
}

func (d *demo) travels(ctx context.Context, name string, from, to *proc, key, value string) step {
	if _, err := from.do(ctx, cache.Command{Op: cache.Put, Region: sessions, Key: key, Value: cache.Value{Bytes: value}}); err != nil {
		return failed(name, "%v", err)
	}
	t, ok := until(ctx, reachTime, time.Millisecond, func() bool { return to.holds(ctx, sessions, key, value) })
	if !ok {
		return failed(name, "after %s %s has no session %s", took(t), to.name(), key)
	}
	return step{name, true, t.Seconds(), fmt.Sprintf("%s has %q after %s", to.name(), value, took(t))}
}

const awayKey = "77ab12"

// kill ends a service without a goodbye; the others see what is missing.
func (d *demo) kill(ctx context.Context) step {
	const name = "kill -9 is noticed"
	victim := d.procs[2]
	d.say("kill -9 %d (%s)\n", victim.cmd.Process.Pid, victim.name())
	victim.kill()
	var r *meshReport
	t, ok := until(ctx, formTime, 5*time.Millisecond, func() bool {
		r = d.look(ctx)
		return !r.Complete && r.Expected == pageLinks && len(r.Missing) == 4
	})
	for _, m := range r.Missing {
		d.say("  missing: %s – %s: %s\n", partyName(m.From), partyName(m.To), m.Reason)
		ok = ok && m.Reason != ""
	}
	if !ok {
		return failed(name, "after %s: %s, %d missing, where 4 are expected with reasons", took(t), r.summary(), len(r.Missing))
	}
	// While it is away life goes on.
	if _, err := d.procs[0].do(ctx, cache.Command{Op: cache.Put, Region: sessions, Key: awayKey, Value: cache.Value{Bytes: "bert"}}); err != nil {
		return failed(name, "put while it is away: %v", err)
	}
	return step{name, true, t.Seconds(), fmt.Sprintf("%d of %d links left, the other 4 with their reasons, after %s", r.Present, r.Expected, took(t))}
}

// comeBack starts it again: the mesh closes, and what it missed is there.
func (d *demo) comeBack(ctx context.Context) step {
	const name = "its return heals everything"
	p := d.procs[2]
	if err := p.start(); err != nil {
		return failed(name, "%v", err)
	}
	d.say("%s is started again (%d)\n", p.name(), p.cmd.Process.Pid)
	r, t, ok := d.complete(ctx)
	if !ok {
		return failed(name, "after %s: %s%s", took(t), r.summary(), d.ended())
	}
	more, ok := until(ctx, reachTime, time.Millisecond, func() bool {
		return p.holds(ctx, sessions, sessionKey, "anna, signed on at oxgw01") && p.holds(ctx, sessions, awayKey, "bert")
	})
	if !ok {
		return failed(name, "the mesh is complete, but after %s more the sessions are not back", took(more))
	}
	return step{name, true, (t + more).Seconds(), fmt.Sprintf("%d of %d links after %s; the old session and the one put meanwhile are there %s later",
		r.Present, r.Expected, took(t), took(more))}
}

// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lateral/resp"
)

// scenes are what random requests of one connection cannot show: who hears
// whom, and what ends a connection. Each line is a connection, a or b, and what
// it asks for; * before it: what b hears of it may come a moment later.
var scenes = []struct{ what, lines string }{
	{"connection", `a INFO|a INFO server|a INFO nosuch|a TIME|a TIME extra|a CLIENT ID|a CLIENT INFO|a CLIENT LIST|a CLIENT LIST TYPE pubsub|a CLIENT LIST TYPE nosuch|a CLIENT LIST ID 999999|a CLIENT LIST ID x|a CLIENT LIST WHAT|a CLIENT INFO extra|a CLIENT ID extra
a CLIENT SETNAME anna|a CLIENT INFO|a CLIENT GETNAME|a COMMAND COUNT|a COMMAND LIST|a COMMAND DOCS get|a COMMAND INFO get nosuch|a COMMAND NOSUCH|a WAIT 0 10|a CONFIG GET maxclients|a CONFIG SET timeout 0|a CONFIG SET timeout x`},
	{"quit", `a SET k v|a QUIT`},
	{"quit in a transaction", `a MULTI|a SET k v|a QUIT|b GET k`},
	{"quit of a subscriber", `a SUBSCRIBE x|a QUIT`},
	{"quit with a word too many", `a QUIT now|b PING`},
	{"reset of a subscriber", `a SUBSCRIBE x|a PSUBSCRIBE y*|a RESET|b PUBLISH x v|b PUBLISH yy v|a GET k`},
	{"subscriptions in a transaction", `a MULTI|a SUBSCRIBE x|a DISCARD|a MULTI|a PUBLISH x v|a PUBSUB NUMPAT|a EXEC`},
	{"messages of a transaction", `a SUBSCRIBE x|b MULTI|b PUBLISH x one|b PUBLISH x two|b EXEC`},
	{"one's own messages", `a SUBSCRIBE x|*a PUBLISH x v`},
	{"paused", `a CLIENT PAUSE 1|a CLIENT PAUSE 1 WRITE|a CLIENT PAUSE x|a CLIENT PAUSE -1|a CLIENT PAUSE 1 SOME|a CLIENT PAUSE 0 ALL|a CLIENT PAUSE 1000000 WRITE|b GET k|b CLIENT UNPAUSE|b SET k v|a CLIENT UNPAUSE extra|a CLIENT PAUSE`},
	{"unblocked", `a CLIENT UNBLOCK 999999999|a CLIENT UNBLOCK x|a CLIENT UNBLOCK 999999999 ERROR|a CLIENT UNBLOCK 999999999 SOME|a CLIENT UNBLOCK`},
	{"killed", `a CLIENT KILL TYPE nosuch|a CLIENT KILL|a CLIENT KILL TYPE replica|a CLIENT KILL TYPE pubsub|a CLIENT KILL TYPE normal ID 999999|b PING|b SUBSCRIBE x|a CLIENT KILL TYPE pubsub SKIPME yes`},
	{"tracking", `b HELLO 3|b CLIENT TRACKING on|b GET k|b GET k|*a SET k v|*a SET k w|b MGET k l|*a DEL k|*a SET l v|b CLIENT TRACKINGINFO|b CLIENT TRACKING off|b GET k|*a SET k v`},
	{"tracking of prefixes", `b HELLO 3|b CLIENT TRACKING on BCAST PREFIX u: PREFIX v:|*a SET u:1 v|*a SET w:1 v|*a SET v:1 v|b CLIENT TRACKING on|b CLIENT TRACKING on BCAST PREFIX u:1|b CLIENT GETREDIR`},
	{"tracking by choice", `b HELLO 3|b CLIENT TRACKING on OPTIN|b GET k|b CLIENT CACHING yes|b GET l|*a SET k v|*a SET l v|b CLIENT CACHING no|b CLIENT TRACKING on OPTOUT|b CLIENT CACHING perhaps`},
	{"tracking without a loop", `b HELLO 3|b CLIENT TRACKING on NOLOOP|b GET k|b SET k v|b GET k|*a SET k w|*a FLUSHALL`},
	{"notifications", `a CONFIG SET notify-keyspace-events KEA|b PSUBSCRIBE __key*__:*|*a SET k v|*a HSET h f v|*a DEL k|a CONFIG SET notify-keyspace-events ""|*a SET k v`},
	{"notifications asked for", `a CONFIG SET notify-keyspace-events gKE|a CONFIG GET notify-keyspace-events|a CONFIG SET notify-keyspace-events ?|a CONFIG SET notify-keyspace-events ""`},
}

// A play is two connections to one server.
type play struct {
	conns map[string]*conn
	multi map[string]bool // where an answer to PING would be QUEUED
	ended map[string]bool
	n     int
}

func newPlay(t *testing.T, path, proto, db string) *play {
	p := &play{conns: map[string]*conn{}, multi: map[string]bool{}, ended: map[string]bool{}}
	for _, who := range []string{"a", "b"} {
		c := dial(t, path)
		c.do("HELLO", proto)
		c.do("SELECT", db)
		p.conns[who] = c
	}
	p.conns["a"].do("FLUSHALL")
	return p
}

// close leaves nothing for the next: a server may notice the end of a connection
// a moment later.
func (p *play) close() {
	for who, c := range p.conns {
		if fmt.Fprint(c, "RESET\r\n"); !p.ended[who] {
			for p.next(who) != "RESET" && !p.ended[who] {
			}
		}
		c.Close()
	}
}

// do has a connection ask for something, and returns what each of them then reads.
func (p *play) do(who string, args []string) string {
	c := p.conns[who]
	c.send(args...)
	switch args[0] {
	case "MULTI":
		p.multi[who] = true
	case "EXEC", "DISCARD", "RESET":
		p.multi[who] = false
	}
	var own string
	if p.multi[who] {
		own = p.next(who)
	}
	other := map[string]string{"a": "b", "b": "a"}[who]
	return own + p.heard(who) + p.heard(who) + p.heard(other) // the second hears what it sent itself
}

// heard returns what has come to a connection, up to the answer to a PING.
func (p *play) heard(who string) string {
	if p.ended[who] || p.multi[who] {
		return ""
	}
	var b strings.Builder
	p.n++
	fence := fmt.Sprint("fence", p.n)
	fmt.Fprint(p.conns[who], "PING "+fence+"\r\n") // fails when the other side has closed
	for {
		s := p.next(who)
		if s == fence || s == "[pong "+fence+"]" {
			return b.String()
		}
		b.WriteString(who + " reads " + s + "\n")
		if p.ended[who] {
			return b.String()
		}
	}
}

func (p *play) next(who string) string {
	s, err := p.conns[who].read()
	if err != nil {
		p.ended[who] = true
		return "the end"
	}
	return s
}

// pipelines are sent at once, and all that comes back is compared.
var pipelines = []string{
	`SET k v|CLIENT REPLY OFF|GET k|NOSUCH|SET k w|CLIENT REPLY ON|GET k`,
	`CLIENT REPLY SKIP|SET k v|GET k`,
	`CLIENT REPLY SKIP|CLIENT REPLY SKIP|SET k v|GET k|CLIENT REPLY SKIP|CLIENT REPLY ON|GET k`,
	`CLIENT REPLY OFF|CLIENT REPLY SKIP|GET k|GET k|CLIENT REPLY ON|GET k`,
	`CLIENT REPLY SKIP|NOSUCH|GET k`,
	`CLIENT REPLY SOME|CLIENT REPLY|CLIENT REPLY ON extra`,
	`CLIENT REPLY OFF|SUBSCRIBE x|UNSUBSCRIBE x|CLIENT REPLY ON|GET k`,
	`CLIENT REPLY OFF|MULTI|SET k v|EXEC|CLIENT REPLY ON|GET k`,
	`CLIENT REPLY OFF|RESET|GET k`,
	`SET k v|QUIT|SET k w`,
}

func TestPipelinesAsRedis(t *testing.T) {
	real := redis(t)
	s := newSite(t, 1)
	for _, p := range pipelines {
		for _, proto := range []string{"2", "3"} {
			read := func(path string) (all []string) {
				c := dial(t, path)
				defer c.Close()
				c.do("HELLO", proto)
				fmt.Fprint(c, strings.ReplaceAll(p, "|", "\r\n")+"\r\nECHO end\r\n")
				for {
					s, err := c.read()
					if err != nil {
						return append(all, "the end")
					}
					if all = append(all, s); s == "end" {
						return all
					}
				}
			}
			want, got := read(real), read(s.socks[0])
			for i := range want {
				if i < len(got) && alike(strings.Fields("NOSUCH"), want[i], got[i]) {
					want[i] = got[i]
				}
			}
			if fmt.Sprint(want) != fmt.Sprint(got) {
				t.Errorf("RESP%s %s:\nRedis   %q\nlateral %q", proto, p, want, got)
			}
		}
	}
}

// What connections do to each other is as with Redis.
func TestScenesAsRedis(t *testing.T) {
	real := redis(t)
	s := newSite(t, 1, func(c *resp.Config) { c.Map = resp.Map{{Database: 0, Region: "Rep"}} })
	for _, scene := range scenes {
		for _, proto := range []string{"2", "3"} {
			t.Run(scene.what+" RESP"+proto, func(t *testing.T) {
				theirs, ours := newPlay(t, real, proto, "0"), newPlay(t, s.socks[0], proto, "0")
				defer theirs.close()
				defer ours.close()
				for line := range strings.FieldsFuncSeq(scene.lines, func(r rune) bool { return r == '|' || r == '\n' }) {
					words := strings.Fields(strings.ReplaceAll(line, `""`, "\x00"))
					who, soon := strings.CutPrefix(words[0], "*")
					args := words[1:]
					for i := range args {
						args[i] = strings.ReplaceAll(args[i], "\x00", "")
					}
					want, got := theirs.do(who, args), ours.do(who, args)
					for end := time.Now().Add(20 * time.Second); soon && !alike(args, want, got) && time.Now().Before(end); {
						got += ours.heard("a") + ours.heard("b")
					}
					if !alike(args, want, got) {
						t.Errorf("%s:\nRedis:\n%slateral:\n%s", line, want, got)
					}
				}
			})
		}
	}
}

var messageShapes = strings.Split(`SUBSCRIBE C|SUBSCRIBE C C|PSUBSCRIBE G|PSUBSCRIBE G G|UNSUBSCRIBE C|UNSUBSCRIBE|PUNSUBSCRIBE G|PUNSUBSCRIBE|PUBLISH C V|PUBLISH C V|PUBLISH C V|PUBSUB CHANNELS|PUBSUB CHANNELS G|PUBSUB NUMSUB C C|PUBSUB NUMSUB|PUBSUB NUMPAT|PING|PING V|GET C|RESET|SUBSCRIBE|PUBLISH C`, "|")

// Two connections that subscribe and publish at random read what they would
// read from Redis.
func TestMessagesAsRedis(t *testing.T) {
	real := redis(t)
	s := newSite(t, 1, func(c *resp.Config) { c.Map = resp.Map{{Database: 0, Region: "Loc"}} })
	rapid.Check(t, func(rt *rapid.T) {
		proto := rapid.SampledFrom([]string{"2", "3"}).Draw(rt, "protocol")
		theirs, ours := newPlay(t, real, proto, "0"), newPlay(t, s.socks[0], proto, "0")
		defer theirs.close()
		defer ours.close()
		for range rapid.IntRange(1, 30).Draw(rt, "requests") {
			who := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "who")
			args := strings.Fields(rapid.SampledFrom(messageShapes).Draw(rt, "command"))
			for i, word := range args[1:] {
				if pool := map[string][]string{"C": {"x", "y", "news.1"}, "G": {"x", "news.*", "?", "[xy]", "*"}, "V": {"v", "one"}}[word]; pool != nil {
					args[i+1] = rapid.SampledFrom(pool).Draw(rt, word)
				}
			}
			if want, got := theirs.do(who, args), ours.do(who, args); !alike(args, want, got) && sorted(want) != sorted(got) {
				rt.Fatalf("%s %q:\nRedis:\n%slateral:\n%s", who, args, want, got)
			}
		}
	})
}

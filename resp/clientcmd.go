// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lateral/resp/wire"
)

const errName = "ERR Client names cannot contain spaces, newlines or special characters."

// maxName bounds what a client may call itself.
const maxName = 1 << 10

func printableName(s string) bool {
	return len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' })
}

// runClient is CLIENT with its subcommands.
func (c *client) runClient(args [][]byte) {
	sub := strings.ToLower(string(args[1][:min(len(args[1]), 32)]))
	n := len(args)
	switch {
	case sub == "id" && n == 2:
		c.out.Int(int64(c.id))
	case sub == "getname" && n == 2:
		if c.name.String() == "" {
			c.out.Null()
			return
		}
		c.out.Bulk(c.name.String())
	case sub == "setname" && n == 3:
		c.rename1(&c.name, args[2], errName)
	case sub == "setinfo" && n == 4:
		c.setInfo(args)
	case sub == "info" && n == 2:
		c.out.Verbatim(c.line(true) + "\n")
	case sub == "list":
		c.list(args)
	case sub == "kill" && n > 2:
		c.kill(args)
	case sub == "tracking" && n > 2:
		c.runTracking(args)
	case sub == "trackinginfo" && n == 2:
		c.trackingInfo()
	case sub == "caching" && n == 3:
		c.caching(args[2])
	case sub == "getredir" && n == 2:
		c.getRedir()
	case (sub == "no-evict" || sub == "no-touch") && n == 3:
		if !isWord(args[2], "on") && !isWord(args[2], "off") {
			c.out.Error(errSyntax)
			return
		}
		c.out.OK()
	case sub == "reply" && n == 3:
		c.reply(args[2])
	case sub == "pause" && (n == 3 || n == 4):
		c.pause(args)
	case sub == "unpause" && n == 2:
		c.unpause()
	case sub == "unblock" && (n == 3 || n == 4):
		c.unblock(args)
	case sub == "help" && n == 2:
		c.help("CLIENT", "CACHING GETNAME GETREDIR ID INFO KILL LIST NO-EVICT NO-TOUCH PAUSE REPLY SETINFO SETNAME TRACKING TRACKINGINFO UNBLOCK UNPAUSE")
	default:
		c.out.Error(unknownSub(args, "id getname setname setinfo info list kill tracking trackinginfo caching getredir no-evict no-touch pause unpause reply unblock help"))
	}
}

func (c *client) help(name, subs string) {
	words := strings.Fields(subs)
	c.out.Array(len(words) + 1)
	c.out.Simple(name + " <subcommand> [<arg> ...]. Subcommands of lateral are:")
	for _, w := range words {
		c.out.Simple(w)
	}
}

func (c *client) rename1(what *label, to []byte, bad string) {
	if !printableName(string(to[:min(len(to), maxName+1)])) {
		c.out.Error(bad)
		return
	}
	what.set(string(to))
	c.out.OK()
}

func (c *client) setInfo(args [][]byte) {
	switch {
	case isWord(args[2], "lib-name"):
		c.rename1(&c.lib[0], args[3], "ERR lib-name cannot contain spaces, newlines or special characters.")
	case isWord(args[2], "lib-ver"):
		c.rename1(&c.lib[1], args[3], "ERR lib-ver cannot contain spaces, newlines or special characters.")
	default:
		c.out.Error(fmt.Sprintf("ERR Unrecognized option '%.64s'", args[2]))
	}
}

// line shows the client as CLIENT LIST does; of others only what may be looked
// at while they work.
func (c *client) line(own bool) string {
	now := c.f.second.Load()
	s := fmt.Sprintf("id=%d addr=%s laddr=%s fd=0 name=%s age=%d idle=%d flags=N", c.id, c.addr(), c.laddr(), &c.name, now-c.born, now-c.active.Load())
	libs := fmt.Sprintf("lib-name=%s lib-ver=%s", &c.lib[0], &c.lib[1])
	if !own {
		return s + " " + libs
	}
	proto := 2
	if c.out.Three {
		proto = 3
	}
	queued := -1
	if c.tx.open {
		queued = len(c.tx.queued)
	}
	return fmt.Sprintf("%s db=%d sub=%d psub=%d multi=%d user=default redir=%d resp=%d %s", s,
		c.db.index, len(c.heard[0]), len(c.heard[1]), queued, c.redir(), proto, libs)
}

// ofType says which clients are of a type of Redis's. There are no replicas.
func ofType(name []byte) (fits func(o *client) bool, bad string) {
	switch {
	case isWord(name, "normal"):
		return func(o *client) bool { return !o.listens.Load() }, ""
	case isWord(name, "pubsub"):
		return func(o *client) bool { return o.listens.Load() }, ""
	case isWord(name, "replica"), isWord(name, "slave"), isWord(name, "master"):
		return func(*client) bool { return false }, ""
	}
	return nil, fmt.Sprintf("ERR Unknown client type '%.64s'", name)
}

// list is CLIENT LIST, of all or those of a TYPE or with an ID.
func (c *client) list(args [][]byte) {
	fits := func(*client) bool { return true }
	switch {
	case len(args) == 4 && isWord(args[2], "type"):
		var bad string
		if fits, bad = ofType(args[3]); bad != "" {
			c.out.Error(bad)
			return
		}
	case len(args) > 3 && isWord(args[2], "id"):
		ids := map[uint64]bool{}
		for _, a := range args[3:] {
			id, ok := wire.ParseInt(a)
			if !ok || id < 1 {
				c.out.Error("ERR Invalid client ID")
				return
			}
			ids[uint64(id)] = true
		}
		fits = func(o *client) bool { return ids[o.id] }
	case len(args) > 2:
		c.out.Error(errSyntax)
		return
	}
	all := c.f.all()
	slices.SortFunc(all, func(a, b *client) int { return cmp.Compare(a.id, b.id) })
	var b strings.Builder
	for _, o := range all {
		if fits(o) {
			b.WriteString(o.line(o == c) + "\n")
		}
	}
	c.out.Verbatim(b.String())
}

// kill closes connections: CLIENT KILL addr, or ID, TYPE, ADDR, LADDR, SKIPME.
func (c *client) kill(args [][]byte) {
	if len(args) == 3 {
		for _, o := range c.f.all() {
			if o.addr() == string(args[2]) {
				c.cut(o)
				c.out.OK()
				return
			}
		}
		c.out.Error("ERR No such client")
		return
	}
	fits, skip, bad := parseKill(args[2:])
	if bad != "" {
		c.out.Error(bad)
		return
	}
	n := 0
	for _, o := range c.f.all() {
		if o == c && skip || slices.ContainsFunc(fits, func(f func(*client) bool) bool { return !f(o) }) {
			continue
		}
		c.cut(o)
		n++
	}
	c.out.Int(int64(n))
}

// parseKill reads what all of those to be closed fit.
func parseKill(args [][]byte) (fits []func(o *client) bool, skip bool, bad string) {
	skip = true
	for i := 0; i < len(args); i += 2 {
		v := string(argOr(args, i+1))
		switch {
		case i+1 == len(args):
			return nil, false, errSyntax
		case isWord(args[i], "id"):
			id, ok := wire.ParseInt(args[i+1])
			if !ok || id < 1 {
				return nil, false, "ERR client-id should be greater than 0"
			}
			fits = append(fits, func(o *client) bool { return o.id == uint64(id) })
		case isWord(args[i], "type"):
			f, bad := ofType(args[i+1])
			if bad != "" {
				return nil, false, bad
			}
			fits = append(fits, f)
		case isWord(args[i], "addr"):
			fits = append(fits, func(o *client) bool { return o.addr() == v })
		case isWord(args[i], "laddr"):
			fits = append(fits, func(o *client) bool { return o.laddr() == v })
		case isWord(args[i], "skipme") && (isWord(args[i+1], "yes") || isWord(args[i+1], "no")):
			skip = isWord(args[i+1], "yes")
		default:
			return nil, false, errSyntax
		}
	}
	return fits, skip, ""
}

// cut ends a connection; its own when the answer is written.
func (c *client) cut(o *client) {
	if o == c {
		c.ending = true
		return
	}
	o.conn.Close()
}

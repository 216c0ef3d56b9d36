// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lateral/resp/wire"
	"lateral/secret"
)

// unknownSub answers to a subcommand that is none of those known, or has too
// few or too many words.
func unknownSub(args [][]byte, known string) string {
	name := strings.ToLower(string(args[1][:min(len(args[1]), 128)]))
	if name != "" && slices.Contains(strings.Fields(known), name) {
		return wrongNumber(string(args[0]) + "|" + name)
	}
	return fmt.Sprintf("ERR unknown subcommand '%.128s'. Try %s HELP.", args[1], strings.ToUpper(string(args[0])))
}

func (c *client) runPing(args [][]byte) {
	if len(args) > 2 {
		c.out.Error(wrongNumber("ping"))
		return
	}
	if c.subs > 0 && !c.out.Three {
		c.out.Array(2)
		c.out.Bulk("pong")
		c.out.Bytes(append([]byte(nil), argOr(args, 1)...))
		return
	}
	if len(args) == 2 {
		c.out.Bytes(args[1])
		return
	}
	c.out.Simple("PONG")
}

func argOr(args [][]byte, i int) []byte {
	if i < len(args) {
		return args[i]
	}
	return nil
}

func (c *client) runEcho(args [][]byte) { c.out.Bytes(args[1]) }

func (c *client) runQuit(args [][]byte) {
	c.out.OK()
	c.ending = true
}

// runReset makes the connection what it was at the start.
func (c *client) runReset(args [][]byte) {
	c.tx = transaction{}
	c.f.subs.leave(c)
	c.trackOff()
	c.db = c.f.databases[0]
	c.name.set("")
	c.listens.Store(false)
	c.silence = speaks
	c.speak(false)
	c.looks = false
	c.let(c.f.c.Door == nil)
	c.out.Simple("RESET")
}

// speak chooses the protocol.
func (c *client) speak(three bool) {
	c.out.Three = three
	c.pushes.protocol(three)
}

// What who gives a wrong password is told.
const (
	errPassword = "WRONGPASS invalid username-password pair or user is disabled."
	errTooMany  = "WRONGPASS too many wrong passwords from this address; the right one is looked at again in a minute"
)

// The users there are: one who may do everything, one who may look.
const (
	userAll   = "default"
	userReads = "reader"
)

func (c *client) runAuth(args [][]byte) {
	user, password := []byte(userAll), args[1]
	switch {
	case len(args) > 3:
		c.out.Error(errSyntax)
		return
	case len(args) == 3:
		user, password = args[1], args[2]
	case c.f.c.Door == nil:
		c.out.Error("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
		return
	}
	if refusal := c.auth(user, password); refusal != "" {
		c.out.Error(refusal)
		return
	}
	c.out.OK()
}

// auth lets the client in, or says why not.
func (c *client) auth(user, password []byte) (refusal string) {
	if c.f.c.Door == nil {
		if string(user) != userAll {
			return errPassword
		}
		return ""
	}
	rights, err := c.f.c.Door.Enter(c.conn.RemoteAddr().String(), string(password))
	if errors.Is(err, secret.ErrGuesses) {
		return errTooMany
	}
	if err != nil || string(user) != map[secret.Rights]string{secret.All: userAll, secret.Reads: userReads}[rights] {
		return errPassword
	}
	c.looks = rights == secret.Reads
	c.let(true)
	return ""
}

// let has the client be in, or outside.
func (c *client) let(in bool) {
	if in != c.authed {
		c.f.mu.Lock()
		if in {
			c.f.insideLocked(c)
		} else {
			c.f.outsideLocked(c)
		}
		c.f.mu.Unlock()
	}
	c.mark(in)
}

// mark notes whether the client is in, and since when not.
func (c *client) mark(in bool) {
	c.authed, c.in.Stranger = in, !in
	if c.outside.Store(0); !in {
		c.outside.Store(c.f.second.Load() + 1)
	}
}

// mayNot reports whether a command is more than a client may do who only looks.
func (c *client) mayNot(cmd *command, args [][]byte) bool {
	if !c.looks {
		return false
	}
	if cmd.flags&write != 0 || cmd.name == "PUBLISH" || cmd.name == "SCRIPT" {
		return true
	}
	return cmd.name == "CONFIG" && len(args) > 1 && !isWord(args[1], "get") || cmd.name == "CLIENT" && len(args) > 1 && (isWord(args[1], "kill") || isWord(args[1], "pause") || isWord(args[1], "unpause") || isWord(args[1], "unblock"))
}

func (c *client) runHello(args [][]byte) {
	three := c.out.Three
	if len(args) > 1 {
		v, ok := wire.ParseInt(args[1])
		switch {
		case !ok:
			c.out.Error("ERR Protocol version is not an integer or out of range")
			return
		case v != 2 && v != 3:
			c.out.Error("NOPROTO unsupported protocol version")
			return
		}
		three = v == 3
	}
	name, named := "", false
	for i := 2; i < len(args); i++ {
		switch {
		case isWord(args[i], "auth") && i+2 < len(args):
			if refusal := c.auth(args[i+1], args[i+2]); refusal != "" {
				c.out.Error(refusal)
				return
			}
			i += 2
		case isWord(args[i], "setname") && i+1 < len(args):
			if name, named = string(args[i+1]), true; !printableName(name) {
				c.out.Error(errName)
				return
			}
			i++
		default:
			c.out.Error(fmt.Sprintf("ERR Syntax error in HELLO option '%.64s'", args[i]))
			return
		}
	}
	if !c.authed {
		c.out.Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	if named {
		c.name.set(name)
	}
	c.speak(three)
	c.greet()
}

// redisVersion is the one that clients are told. Jedis caches from 7.4 on only;
// of what came with 7.1 to 7.4 nothing is asked for because of the number alone.
const redisVersion = "7.4.0"

func (c *client) greet() {
	proto := int64(2)
	if c.out.Three {
		proto = 3
	}
	c.out.Map(7)
	for _, kv := range [...][2]string{{"server", "redis"}, {"version", redisVersion}} {
		c.out.Bulk(kv[0])
		c.out.Bulk(kv[1])
	}
	c.out.Bulk("proto")
	c.out.Int(proto)
	c.out.Bulk("id")
	c.out.Int(int64(c.id))
	c.out.Bulk("mode")
	c.out.Bulk("standalone")
	c.out.Bulk("role")
	c.out.Bulk("master")
	c.out.Bulk("modules")
	c.out.Array(0)
}

// selectDB chooses a database; false: there is none of that number.
func (c *client) selectDB(arg []byte) bool {
	n, ok := wire.ParseInt(arg)
	if !ok || n < 0 || n >= MaxDatabase || c.f.databases[int(n)] == nil {
		return false
	}
	c.db = c.f.databases[int(n)]
	return true
}

func (c *client) runSelect(args [][]byte) {
	if _, ok := wire.ParseInt(args[1]); !ok {
		c.out.Error(errInteger)
		return
	}
	if !c.selectDB(args[1]) {
		c.out.Error("ERR DB index is out of range")
		return
	}
	c.out.OK()
}

func (c *client) runTime(args [][]byte) {
	now := time.Now()
	c.out.Array(2)
	c.out.Bulk(fmt.Sprint(now.Unix()))
	c.out.Bulk(fmt.Sprint(now.Nanosecond() / 1000))
}

// runWait answers how many peers hold what this client has written, in every
// region that it has written to.
func (c *client) runWait(args [][]byte) {
	want, ok1 := wire.ParseInt(args[1])
	most, bad := timeout(args[2])
	switch {
	case !ok1:
		c.out.Error(errInteger)
		return
	case want < 0 || want > 1<<20:
		c.out.Error("ERR value is out of range, must be positive")
		return
	case bad != "":
		c.out.Error(bad)
		return
	}
	ctx := c.ctx
	if most > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	if c.execing { // others wait for the end of the transaction
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		cancel()
	}
	ctx, done := c.blocking(ctx)
	defer done()
	have := -1
	for _, r := range c.written {
		if n := r.Acked(ctx, int(want)); have < 0 || n < have {
			have = n
		}
	}
	if have < 0 {
		have = c.db.base.Acked(ctx, int(want))
	}
	if context.Cause(ctx) == errUnblocked {
		c.out.Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
		return
	}
	c.out.Int(int64(have))
}

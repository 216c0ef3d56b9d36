// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"crypto/sha1" // it names scripts in Redis's protocol; nothing is kept safe by it
	"encoding/hex"
	"strings"
	"sync"

	"lateral/cache"
	"lateral/resp/wire"
)

// A script is what one of the known scripts does. There is no interpreter:
// the scripts by which libraries give back and prolong locks are recognised by
// their text, and carried out as one conditional write.
type script struct {
	text string
	args int // of ARGV
	run  func(c *client, p place, argv [][]byte)
}

// knownScripts are the texts that libraries send, with what each does. KEYS[1]
// is the lock, ARGV[1] its owner.
var knownScripts = []script{
	// phpredis sessions, redlock (Python, Node, PHP), bsm/redislock, Jedis recipes
	{`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end`, 1, releaseLock(0)},
	{`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("unlink", KEYS[1]) else return 0 end`, 1, releaseLock(0)},
	{`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) else return 0 end`, 2, prolongLock(millis)},
	{`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("expire", KEYS[1], ARGV[2]) else return 0 end`, 2, prolongLock(seconds)},
	{`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pttl", KEYS[1]) else return -3 end`, 1, lockLife},
	// go-redsync
	{`local val = redis.call("GET", KEYS[1]) if val == ARGV[1] then return redis.call("DEL", KEYS[1])
		elseif val == false then return -1 else return 0 end`, 1, releaseLock(-1)},
	// redis-py Lock: release, reacquire, extend
	{`local token = redis.call('get', KEYS[1]) if not token or token ~= ARGV[1] then return 0 end
		redis.call('del', KEYS[1]) return 1`, 1, releaseLock(0)},
	{`local token = redis.call('get', KEYS[1]) if not token or token ~= ARGV[1] then return 0 end
		redis.call('pexpire', KEYS[1], ARGV[2]) return 1`, 2, prolongLock(millis)},
	{`local token = redis.call('get', KEYS[1]) if not token or token ~= ARGV[1] then return 0 end
		local expiration = redis.call('pttl', KEYS[1]) if not expiration then expiration = 0 end
		if expiration < 0 then return 0 end
		local newttl = ARGV[2] if ARGV[3] == "0" then newttl = ARGV[2] + expiration end
		redis.call('pexpire', KEYS[1], newttl) return 1`, 3, extendLock},
}

// canonical makes texts equal that differ in spaces, quotes, comments and
// capitals only.
func canonical(s string) string {
	var words strings.Builder
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, "--")
		words.WriteString(strings.ToLower(line))
		words.WriteByte(' ')
	}
	var b strings.Builder
	last, space := byte(0), false
	for _, c := range []byte(words.String()) {
		switch {
		case c == ' ' || '\t' <= c && c <= '\r' || c == ';':
			space = true
			continue
		case c == '\'':
			c = '"'
		}
		if space && isWordByte(last) && isWordByte(c) {
			b.WriteByte(' ')
		}
		b.WriteByte(c)
		last, space = c, false
	}
	return b.String()
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_'
}

// maxScript bounds a text that is looked at.
const maxScript = 4 << 10

// scripts are the texts that clients have sent, by their hash.
type scripts struct {
	known map[string]*script // by canonical text

	mu    sync.Mutex // guards bySum
	bySum map[string]*script
}

func (s *scripts) init() {
	s.known, s.bySum = map[string]*script{}, map[string]*script{}
	for i := range knownScripts {
		s.known[canonical(knownScripts[i].text)] = &knownScripts[i]
	}
}

// maxScripts bounds how many spellings of the few known scripts are remembered.
const maxScripts = 1024

func (s *scripts) load(text []byte) (sum string, sc *script) {
	if len(text) > maxScript {
		return "", nil
	}
	if sc = s.known[canonical(string(text))]; sc == nil {
		return "", nil
	}
	h := sha1.Sum(text)
	sum = hex.EncodeToString(h[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bySum) >= maxScripts {
		clear(s.bySum)
	}
	s.bySum[sum] = sc
	return sum, sc
}

func (s *scripts) get(sum []byte) *script {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bySum[strings.ToLower(string(sum[:min(len(sum), 64)]))]
}

const errScript = "ERR lateral runs no Lua: it knows the scripts by which libraries release and extend locks, and this is none of them; see docs/resp.md"

func (c *client) runEval(args [][]byte) {
	if bad := badKeys(args); bad != "" {
		c.out.Error(bad)
		return
	}
	_, sc := c.f.scripts.load(args[1])
	if sc == nil {
		c.out.Error(errScript)
		return
	}
	c.script(sc, args)
}

func (c *client) runEvalSHA(args [][]byte) {
	sc := c.f.scripts.get(args[1])
	if bad := badKeys(args); bad != "" && len(args[1]) == 2*sha1.Size {
		c.out.Error(bad)
		return
	}
	if sc == nil {
		c.out.Error("NOSCRIPT No matching script. Please use EVAL.")
		return
	}
	c.script(sc, args)
}

// badKeys says what is wrong with the number of keys.
func badKeys(args [][]byte) string {
	n, ok := wire.ParseInt(args[2])
	switch {
	case !ok:
		return errInteger
	case n > int64(len(args)-3):
		return "ERR Number of keys can't be greater than number of args"
	case n < 0:
		return "ERR Number of keys can't be negative"
	}
	return ""
}

func (c *client) script(sc *script, args [][]byte) {
	switch n, _ := wire.ParseInt(args[2]); {
	case n != 1:
		c.out.Error("ERR this script works on one key")
	case len(args)-4 < sc.args:
		c.out.Error("ERR this script takes more arguments")
	default:
		sc.run(c, c.at(args[3]), args[4:])
	}
}

func (c *client) runScript(args [][]byte) {
	switch {
	case isWord(args[1], "load") && len(args) == 3:
		sum, sc := c.f.scripts.load(args[2])
		if sc == nil {
			c.out.Error(errScript)
			return
		}
		c.out.Bulk(sum)
	case isWord(args[1], "exists") && len(args) > 2:
		c.out.Array(len(args) - 2)
		for _, sum := range args[2:] {
			c.out.IntOf(c.f.scripts.get(sum) != nil)
		}
	case isWord(args[1], "flush") && len(args) == 3 && !isWord(args[2], "sync") && !isWord(args[2], "async"):
		c.out.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	case isWord(args[1], "flush") && len(args) <= 3:
		c.f.scripts.mu.Lock()
		clear(c.f.scripts.bySum)
		c.f.scripts.mu.Unlock()
		c.out.OK()
	default:
		c.out.Error(unknownSub(args, "load exists flush"))
	}
}

// owned does something to a lock if it is the caller's, and answers with 1;
// otherwise with 0, or with none if there is no lock. then may say instead what
// is wrong.
func (c *client) owned(p place, owner []byte, none int64, then func(e *cache.Element) (ch change, bad string)) {
	answer, bad := int64(0), ""
	err := c.update(p, func(e cache.Element, found bool) (ch change) {
		answer, bad = 0, ""
		switch {
		case !found:
			answer = none
		case !isText(&e):
			bad = errType
		case e.Value.Bytes == string(owner):
			if ch, bad = then(&e); ch.do {
				answer = 1
			}
		}
		return ch
	})
	switch {
	case err != nil:
		c.fail(err)
	case bad != "":
		c.out.Error(bad)
	default:
		c.out.Int(answer)
	}
}

func releaseLock(none int64) func(*client, place, [][]byte) {
	return func(c *client, p place, argv [][]byte) {
		c.owned(p, argv[0], none, func(*cache.Element) (change, string) { return change{do: true, remove: true}, "" })
	}
}

func prolongLock(unit int64) func(*client, place, [][]byte) {
	name := map[int64]string{millis: "pexpire", seconds: "expire"}[unit]
	return func(c *client, p place, argv [][]byte) {
		c.owned(p, argv[0], 0, func(e *cache.Element) (change, string) {
			n, ok := wire.ParseInt(argv[1])
			if !ok {
				return change{}, errInteger
			}
			at, bad := moment(n, unit, false, p.r.Now(), "ERR invalid expire time in '"+name+"' command")
			if bad != "" {
				return change{}, bad
			}
			return p.r.retime(e, at, false), ""
		})
	}
}

// extendLock adds to what is left, or with ARGV[3] of 1 replaces it. A lock
// that does not expire is not extended.
func extendLock(c *client, p place, argv [][]byte) {
	c.owned(p, argv[0], 0, func(e *cache.Element) (change, string) {
		from, expires := until(e)
		if !expires {
			return change{}, ""
		}
		n, ok := wire.ParseInt(argv[1])
		if !ok {
			return change{}, errInteger
		}
		if string(argv[2]) != "0" {
			from = p.r.Now()
		}
		at, bad := moment(n, millis, false, from, "ERR invalid expire time in 'pexpire' command")
		if bad != "" {
			return change{}, bad
		}
		return p.r.retime(e, at, false), ""
	})
}

// lockLife tells what is left of a lock.
func lockLife(c *client, p place, argv [][]byte) {
	e, ok := c.get(p)
	switch {
	case ok && !isText(&e):
		c.out.Error(errType)
	case !ok || e.Value.Bytes != string(argv[0]):
		c.out.Int(-3)
	default:
		if at, expires := until(&e); expires {
			c.out.Int(max(at-p.r.Now(), 0))
			return
		}
		c.out.Int(-1)
	}
}

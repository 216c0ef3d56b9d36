// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"crypto/sha1"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lateral/internal/lab"
	"lateral/resp"
)

// redis starts a real server on a socket of its own. Without one the test is
// skipped, or fails where LATERAL_REQUIRE names redis.
func redis(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		lab.Missing(t, "redis", "needs redis-server to compare with: apt-get install redis-server")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "redis")
	cmd := exec.Command(bin, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", dir, "--hash-max-listpack-entries", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for end := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("unix", path); err == nil {
			c.Close()
			return path
		} else if time.Now().After(end) {
			t.Fatalf("redis-server does not open its socket: %v", err)
		}
	}
}

// sorted is an answer without the order of its parts.
func sorted(s string) string {
	parts := strings.Fields(strings.NewReplacer("[", " ", "]", " ", "{", " ", "}", " ").Replace(s))
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// A request draws one that Redis would know, or nearly.
func request(t *rapid.T) []string {
	key := rapid.SampledFrom([]string{"a", "b", "c", "h1", "h2", "", "p:", "\x00n"})
	value := rapid.SampledFrom([]string{"", "0", "1", "-5", "10", "x", "hello", "9223372036854775807", "1.5", "3.0e2", "1e308", "007", " 1", "abc def"})
	number := rapid.SampledFrom([]string{"0", "1", "-1", "2", "5", "100", "-3", "9223372036854775807", "-9223372036854775808", "x", "1.0", ""})
	field := rapid.SampledFrom([]string{"f", "g", "n", ""})
	// Far enough away not to come true between the two servers.
	soon := rapid.SampledFrom([]string{"100", "1000", "5000", "0", "-1", "x", "9223372036854775807"})
	owner := rapid.SampledFrom([]string{"x", "1"}) // of a lock: found again now and then
	draw := func(g *rapid.Generator[string], what string) string { return g.Draw(t, what) }
	shape := rapid.SampledFrom(shapes).Draw(t, "command")
	var out []string
	for word := range strings.FieldsSeq(shape) {
		switch word {
		case "K":
			out = append(out, draw(key, "key"))
		case "V":
			out = append(out, draw(value, "value"))
		case "N":
			out = append(out, draw(number, "number"))
		case "F":
			out = append(out, draw(field, "field"))
		case "T":
			out = append(out, draw(soon, "time"))
		case "MS":
			out = append(out, strings.Replace(draw(soon, "time"), "00", "00000", 1))
		case "OWNER":
			out = append(out, draw(owner, "owner"))
		case "LUA", "SHA":
			lua := rapid.SampledFrom(resp.KnownScripts()).Draw(t, "script")
			if word == "SHA" {
				lua.Text = fmt.Sprintf("%x", sha1.Sum([]byte(lua.Text)))
			}
			args := []string{lua.Text, "1", draw(key, "key"), draw(owner, "owner"), strings.Replace(draw(soon, "time"), "00", "00000", 1), rapid.SampledFrom([]string{"0", "1"}).Draw(t, "instead")}
			if lua.Args == 3 && (len(args[4]) > 7 || args[4] == "x") { // which Lua would calculate with, in its own way
				args[4] = "1000"
			}
			if n := len(args) - 3 + lua.Args; out[0] == "SCRIPT" {
				out = append(out, lua.Text)
			} else {
				out = append(out, args[:n]...)
			}
		case "AT":
			n := rapid.SampledFrom([]int64{1000, 50000, -1000}).Draw(t, "at")
			out = append(out, fmt.Sprint(time.Now().Unix()+n))
		case "PAT":
			n := rapid.SampledFrom([]int64{1000, 50000, -1000}).Draw(t, "at")
			out = append(out, fmt.Sprint((time.Now().Unix()+n)*1000))
		default:
			out = append(out, word)
		}
	}
	switch rapid.IntRange(0, 40).Draw(t, "mangle") {
	case 0:
		out = out[:len(out)-1]
	case 1:
		out = append(out, "extra")
	}
	if len(out) == 0 {
		return []string{"PING"}
	}
	return out
}

var shapes = strings.FieldsFunc(`GET K|SET K V|SET K V|SET K V NX|SET K V XX|SET K V GET|SET K V NX GET|SET K V XX GET|SET K V EX T|SET K V PX MS|SET K V EXAT AT|SET K V PXAT PAT|SET K V KEEPTTL
SET K V NX XX|SET K V EX|SET K V EX T PX MS|SET K V KEEPTTL EX T|SET K V WRONG|SET K V GET EX T NX|SETNX K V|SETEX K T V|PSETEX K MS V|GETSET K V|GETDEL K
GETEX K|GETEX K EX T|GETEX K PX MS|GETEX K EXAT AT|GETEX K PERSIST|GETEX K PERSIST EX T|GETEX K NX|MGET K K K|MSET K V K V|MSET K V K|MSETNX K V K V|APPEND K V|STRLEN K
GETRANGE K N N|SUBSTR K N N|SETRANGE K 3 V|SETRANGE K -1 V|SETRANGE K 0 V|INCR K|DECR K|INCRBY K N|DECRBY K N|INCRBYFLOAT K V|INCRBYFLOAT K N
DEL K|DEL K K|UNLINK K|EXISTS K K|TOUCH K K|TYPE K|EXPIRE K T|EXPIRE K T NX|EXPIRE K T XX|EXPIRE K T GT|EXPIRE K T LT|EXPIRE K T NX XX|EXPIRE K T GT LT|EXPIRE K T WHAT
PEXPIRE K MS|EXPIREAT K AT|PEXPIREAT K PAT|TTL K|PTTL K|EXPIRETIME K|PEXPIRETIME K|PERSIST K|RENAME K K|RENAMENX K K|KEYS *|KEYS [ab]|KEYS h?|DBSIZE|RANDOMKEY extra
SCAN 0 COUNT 1000|SCAN 0 COUNT 1000 MATCH h*|SCAN 0 COUNT 1000 TYPE hash|SCAN x|SCAN 0 COUNT 0|SCAN 0 WHAT 1|FLUSHDB|FLUSHDB ASYNC|FLUSHALL WHAT
HSET K F V|HSET K F V F V|HSET K F|HMSET K F V|HSETNX K F V|HGET K F|HMGET K F F|HGETALL K|HKEYS K|HVALS K|HLEN K|HEXISTS K F|HSTRLEN K F|HDEL K F|HDEL K F F
HINCRBY K F N|HINCRBYFLOAT K F V|HSCAN K 0|HSCAN K x|HSCAN K 0 MATCH f*|HRANDFIELD K 0|HRANDFIELD K x
MULTI|EXEC|EXEC|DISCARD|WATCH K|UNWATCH|PING|PING V|ECHO V|SELECT 0|SELECT x|SELECT -1|TYPE|NOSUCH V|CLIENT GETNAME|CLIENT SETNAME V|CLIENT NOSUCH|CLIENT CACHING yes|CLIENT GETREDIR|CLIENT TRACKINGINFO
EVAL LUA|EVAL LUA|EVALSHA SHA|EVALSHA SHA|SCRIPT LOAD LUA|SCRIPT LOAD return|SCRIPT EXISTS SHA|SCRIPT FLUSH|SCRIPT NOSUCH|EVAL return|EVAL return x K|EVAL return -1 K|EVAL return 2 K|SET K OWNER|SET K OWNER PX MS|SET K OWNER EX T
CONFIG RESETSTAT|CONFIG RESETSTAT extra|CLIENT KILL ID 999999999|CLIENT KILL 192.0.2.1:1|CLIENT KILL ID x|CLIENT KILL ADDR 192.0.2.1:1 SKIPME no|CLIENT KILL WHAT 1|CLIENT NO-EVICT on|CLIENT NO-EVICT V|RANDOMKEY|HRANDFIELD K 10|HRANDFIELD K 10 WITHVALUES
PUBLISH V V|PUBSUB NUMPAT|PUBSUB CHANNELS|PUBSUB NUMSUB V|SCRIPT EXISTS V|EVALSHA V 1 K|CONFIG GET proto-nosuch|CONFIG SET nosuch V|CONFIG SET notify-keyspace-events Q|HELLO 4|HELLO x|AUTH V|WAIT 0 0|WAIT x 0|COMMAND GETKEYS GET K|COMMAND GETKEYS PING|RESET`, func(r rune) bool { return r == '|' || r == '\n' })

// Whatever a client sends to one node, it is answered as Redis would answer.
func TestAnswersAsRedisDoes(t *testing.T) {
	real := redis(t)
	for _, db := range []string{"0", "2"} { // a region of this node, one whose values travel
		for _, proto := range []string{"2", "3"} {
			t.Run("database "+db+" RESP"+proto, func(t *testing.T) {
				s := newSite(t, 1, func(c *resp.Config) { c.Map = resp.Map{{Database: 0, Region: "Loc"}, {Database: 2, Region: "Rep"}} })
				rapid.Check(t, func(rt *rapid.T) {
					theirs, ours := dial(t, real), dial(t, s.socks[0])
					defer theirs.Close()
					defer ours.Close()
					reset := func() {
						theirs.do("HELLO", proto)
						ours.do("HELLO", proto)
						ours.do("SELECT", db)
					}
					reset()
					theirs.do("FLUSHALL")
					ours.do("FLUSHALL")
					theirs.do("SCRIPT", "FLUSH")
					ours.do("SCRIPT", "FLUSH")
					open := false
					for range rapid.IntRange(1, 60).Draw(rt, "requests") {
						args := request(rt)
						switch args[0] {
						case "MULTI":
							open = true
						case "EXEC", "DISCARD", "RESET":
							open = open && len(args) > 1 && args[0] != "EXEC"
						case "CLIENT", "COMMAND", "CONFIG", "HELLO", "PUBSUB", "SCRIPT":
							// Redis looks at the number of words of a subcommand when it is
							// queued, we when it is carried out.
							if open {
								continue
							}
						}
						if open && varies(args) {
							continue // of EXEC only the whole answer is compared
						}
						if args[0] == "SELECT" && db != "0" && len(args) > 1 && args[1] == "0" {
							continue // another region, and there it is the same one
						}
						a, b := theirs.do(args...), ours.do(args...)
						if args[0] == "RESET" {
							reset()
						}
						if !alike(args, a, b) && !inExec(args, a, b) {
							rt.Fatalf("%q:\nRedis says   %s\nlateral says %s", args, a, b)
						}
					}
				})
			})
		}
	}
}

// varies reports whether the answer to a request may differ as intended, but
// for its order.
func varies(args []string) bool {
	switch args[0] {
	case "RANDOMKEY", "HRANDFIELD":
		return true
	case "EVAL", "EVALSHA":
		for _, k := range resp.KnownScripts() {
			if len(args) > 1 && (args[1] == k.Text || args[1] == fmt.Sprintf("%x", sha1.Sum([]byte(k.Text)))) {
				return len(args) < 4+k.Args
			}
		}
		return true
	}
	return false
}

// inExec compares the answers of a transaction without their order: the parts
// may differ as intended, too, and were compared one by one elsewhere.
func inExec(args []string, theirs, ours string) bool {
	return args[0] == "EXEC" && sorted(scripted.ReplaceAllString(theirs, "")) == sorted(ours) && strings.HasPrefix(ours, "[")
}

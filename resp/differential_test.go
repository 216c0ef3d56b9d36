// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
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

// intended are the differences that docs/resp.md lists; each says when an
// answer of Redis and ours may differ.
var intended = []struct {
	what string
	is   func(args []string, theirs, ours string) bool
}{
	{"fields of a hash, and keys, come in another order", func(args []string, theirs, ours string) bool {
		switch args[0] {
		case "HGETALL", "HKEYS", "HVALS", "HSCAN", "KEYS", "SCAN":
			return sorted(theirs) == sorted(ours)
		}
		return false
	}},
	{"times pass between the two", func(args []string, theirs, ours string) bool {
		switch args[0] {
		case "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME":
			var a, b int
			n, _ := fmt.Sscanf(theirs+" "+ours, "#%d #%d", &a, &b)
			return n == 2 && a > 0 && b > 0 && max(a-b, b-a) <= 5000
		}
		return false
	}},
	{"sums of numbers with a point differ in the last digits, where C's long double rounds otherwise", func(args []string, theirs, ours string) bool {
		if args[0] != "INCRBYFLOAT" && args[0] != "HINCRBYFLOAT" || strings.HasPrefix(ours, "-E") {
			return false
		}
		var a, b float64
		n, _ := fmt.Sscanf(theirs+" "+ours, "%g %g", &a, &b)
		return n == 2 && max(a-b, b-a) <= 1e-9*max(1, a, -a)
	}},
	{"any key is any key", func(args []string, theirs, ours string) bool {
		return args[0] == "RANDOMKEY" && theirs != "nil" && ours != "nil"
	}},
	{"Redis counts keys that it has not noticed to be over their time", func(args []string, theirs, ours string) bool {
		var a, b int
		n, _ := fmt.Sscanf(theirs+" "+ours, "#%d #%d", &a, &b)
		return args[0] == "DBSIZE" && n == 2 && b <= a
	}},
	{"connections have other numbers", func(args []string, theirs, ours string) bool {
		return args[0] == "HELLO" && strings.Contains(theirs, "server redis") && strings.Contains(ours, "server redis")
	}},
	{"an unknown command is explained", func(args []string, theirs, ours string) bool {
		return strings.HasPrefix(theirs, "-ERR unknown command") && strings.HasPrefix(ours, theirs[:len(theirs)-1])
	}},
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
						if args[0] == "SELECT" && db != "0" && len(args) > 1 && args[1] == "0" {
							continue // another region, and there it is the same one
						}
						a, b := theirs.do(args...), ours.do(args...)
						if args[0] == "RESET" {
							reset()
						}
						if a != b && !slices.ContainsFunc(intended, func(d struct {
							what string
							is   func(args []string, theirs, ours string) bool
						}) bool {
							return d.is(args, a, b)
						}) && !inExec(args, a, b) {
							rt.Fatalf("%q:\nRedis says   %s\nlateral says %s", args, a, b)
						}
					}
				})
			})
		}
	}
}

// inExec compares the answers of a transaction without their order: the parts
// may differ as intended, too, and were compared one by one elsewhere.
func inExec(args []string, theirs, ours string) bool {
	return args[0] == "EXEC" && sorted(theirs) == sorted(ours) && strings.HasPrefix(ours, "[")
}

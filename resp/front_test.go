// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/lateraltest"
	"lateral/resp"
	"lateral/secret"
)

func TestRegionsAreDatabasesAndPrefixes(t *testing.T) {
	s := newSite(t, 1)
	local, replicated := s.client(0, "0"), s.client(0, "2")
	local.expect("OK", "SET", "k", "local")
	replicated.expect("nil", "GET", "k")
	replicated.expect("OK", "SET", "k", "replicated")
	local.expect("local", "GET", "k")
	if rep, err := s.nodes[0].Do(t.Context(), cache.Command{Op: cache.Get, Region: "Rep", Key: "k"}); err != nil || rep.Element.Value.Bytes != "replicated" {
		t.Errorf("the region has %+v, %v", rep.Element, err)
	}
	local.expect("-ERR DB index is out of range", "SELECT", "9")
	local.expect("[k]", "KEYS", "*")
	// A key of the prefix is the same one in every database.
	local.do("SET", "ses:1", "x")
	replicated.expect("x", "GET", "ses:1")
	if got := sorted(replicated.do("KEYS", "*")); got != "k ses:1" {
		t.Errorf("keys of a database and the prefixes: %s", got)
	}
	local.expect("#2", "DBSIZE")
	if got := sorted(local.do("SCAN", "0", "COUNT", "1000")); got != "0 k ses:1" {
		t.Errorf("scan: %s", got)
	}
	// What JCS has a meaning for is a plain key here.
	for _, key := range []string{"p:", "", "\x00gx"} {
		local.expect("OK", "SET", key, "v")
		local.expect("v", "GET", key)
	}
	local.expect("OK", "SET", "p:1", "stays")
	local.expect("#1", "DEL", "p:")
	local.expect("stays", "GET", "p:1")
}

func TestParseMap(t *testing.T) {
	m, err := resp.ParseMap("0=A, 3=B,s:*=A")
	if err != nil || fmt.Sprint(m) != "[{0  A} {3  B} {0 s: A}]" {
		t.Errorf("%v, %v", m, err)
	}
	for _, bad := range []string{"", "0", "0=", "x=A", "*=A", "-1=A", "65536=A", "0=A,0=B", "s:*=A,s:*=B"} {
		if m, err := resp.ParseMap(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, m)
		}
	}
}

// SCAN in pieces finds every key once.
func TestScanInPieces(t *testing.T) {
	s := newSite(t, 1)
	for _, db := range []string{"0", "2"} {
		c := s.client(0, db)
		for i := range 1500 {
			c.expect("OK", "SET", fmt.Sprint("key", i), "v")
		}
		seen, cursor, calls := map[string]int{}, "0", 0
		for {
			calls++
			parts := strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(c.do("SCAN", cursor, "COUNT", "100", "MATCH", "key*")))
			for _, k := range parts[1:] {
				seen[k]++
			}
			if cursor = parts[0]; cursor == "0" {
				break
			}
			if _, err := strconv.ParseUint(cursor, 10, 53); err != nil {
				t.Fatalf("a cursor that clients may not be able to send back: %s", cursor)
			}
		}
		for k, n := range seen {
			if n != 1 {
				t.Errorf("database %s: %s came %d times", db, k, n)
			}
		}
		if len(seen) != 1500 || calls < 10 || calls > 40 {
			t.Errorf("database %s: %d keys in %d calls", db, len(seen), calls)
		}
	}
}

// Many clients count at once, and none of it is lost: on one node INCR is
// atomic, also against others who write the region.
func TestCountersAreAtomicOnANode(t *testing.T) {
	s := newSite(t, 1)
	for _, db := range []string{"0", "2"} {
		var wg sync.WaitGroup
		for range 8 {
			c := s.client(0, db)
			wg.Go(func() {
				for range 200 {
					c.do("INCR", "n")
					c.do("HINCRBY", "h", "f", "1")
				}
			})
		}
		wg.Wait()
		c := s.client(0, db)
		c.expect("1600", "GET", "n")
		c.expect("1600", "HGET", "h", "f")
	}
}

func TestTransactions(t *testing.T) {
	s := newSite(t, 1)
	a, b := s.client(0, "2"), s.client(0, "2")
	a.expect("OK", "WATCH", "k")
	b.expect("OK", "SET", "k", "other")
	a.expect("OK", "MULTI")
	a.expect("QUEUED", "SET", "k", "mine")
	a.expect("nil", "EXEC")
	a.expect("other", "GET", "k")
	// A peer, or another front, counts as well.
	a.expect("OK", "WATCH", "k")
	if _, err := s.nodes[0].Do(t.Context(), cache.Command{Op: cache.Remove, Region: "Rep", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	a.expect("OK", "MULTI")
	a.expect("QUEUED", "PING")
	a.expect("nil", "EXEC")
	// Nobody sees half of it.
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if got := b.do("MGET", "x", "y"); got != "[nil nil]" && got[1:len(got)/2] != got[len(got)/2+1:len(got)-1] {
				t.Errorf("half of a transaction: %s", got)
				return
			}
		}
	}()
	for i := range 300 {
		v := fmt.Sprint(1000 + i)
		for _, line := range []string{"MULTI", "SET x " + v, "SET y " + v} {
			a.words(line)
		}
		a.expect("[OK OK]", "EXEC")
	}
	close(stop)
	<-done
}

func TestLockScripts(t *testing.T) {
	s := newSite(t, 1)
	c := s.client(0, "2")
	release := "if redis.call(\"get\",KEYS[1]) == ARGV[1] then return redis.call(\"del\",KEYS[1]) else return 0 end"
	redisPy := `
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        redis.call('del', KEYS[1])
        return 1
    `
	extend := `
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        local expiration = redis.call('pttl', KEYS[1])
        if not expiration then
            expiration = 0
        end
        if expiration < 0 then
            return 0
        end

        local newttl = ARGV[2]
        if ARGV[3] == "0" then
            newttl = ARGV[2] + expiration
        end
        redis.call('pexpire', KEYS[1], newttl)
        return 1
    `
	prolong := `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) else return 0 end`
	for _, script := range []string{release, redisPy} {
		c.expect("OK", "SET", "lock", "me", "NX", "PX", "60000")
		c.expect("nil", "SET", "lock", "you", "NX", "PX", "60000")
		c.expect("#0", "EVAL", script, "1", "lock", "you")
		c.expect("#1", "EVAL", script, "1", "lock", "me")
		c.expect("#0", "EVAL", script, "1", "lock", "me")
	}
	sum := c.do("SCRIPT", "LOAD", release)
	if h := sha1.Sum([]byte(release)); sum != hex.EncodeToString(h[:]) {
		t.Errorf("the script's hash is %s", sum)
	}
	c.do("SET", "lock", "me")
	c.expect("[#1 #0]", "SCRIPT", "EXISTS", sum, "x")
	c.expect("#1", "EVALSHA", sum, "1", "lock", "me")
	c.expect("-NOSCRIPT No matching script. Please use EVAL.", "EVALSHA", "0000", "1", "lock", "me")
	c.do("SET", "lock", "me")
	c.expect("#0", "EVAL", extend, "1", "lock", "me", "5000", "0") // without an end there is nothing to extend
	c.expect("#0", "EVAL", prolong, "1", "lock", "you", "100000")
	c.expect("#1", "EVAL", prolong, "1", "lock", "me", "100000")
	c.expect("#100", "TTL", "lock")
	c.expect("#1", "EVAL", extend, "1", "lock", "me", "100000", "0")
	c.expect("#200", "TTL", "lock")
	c.expect("#1", "EVAL", extend, "1", "lock", "me", "50000", "1")
	c.expect("#50", "TTL", "lock")
	if got := c.do("EVAL", "return 1", "0"); !strings.HasPrefix(got, "-ERR lateral runs no Lua") {
		t.Errorf("another script: %s", got)
	}
}

// locked gives a front its passwords.
func locked(t *testing.T) func(c *resp.Config) {
	return func(c *resp.Config) {
		var files [2]string
		for i, word := range []string{"secret", "look"} {
			files[i] = filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(files[i], []byte(word), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if c.Door, err = secret.OpenDoor(files[0], files[1], nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReader: who may look changes nothing, in no way.
func TestReader(t *testing.T) {
	s := newSite(t, 1, locked(t))
	all, c := dial(t, s.socks[0]), dial(t, s.socks[0])
	all.expect("OK", "AUTH", "secret")
	all.expect("OK", "SET", "k", "v")
	c.expect("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "look")
	c.expect("OK", "AUTH", "reader", "look")
	c.expect("v", "GET", "k")
	for _, ask := range []string{"SET k w", "DEL k", "GETEX k EX 1", "FLUSHALL", "EVAL x 0", "PUBLISH a b", "CONFIG SET timeout 1", "CONFIG RESETSTAT", "CLIENT KILL ID 1", "MSET k w", "HSET h f v", "SCRIPT FLUSH"} {
		if got := c.do(strings.Fields(ask)...); !strings.HasPrefix(got, "-NOPERM") {
			t.Errorf("%s: %s", ask, got)
		}
	}
	c.expect("OK", "MULTI")
	if got := c.do("SET", "k", "w"); !strings.HasPrefix(got, "-NOPERM") {
		t.Error(got)
	}
	if got := c.do("EXEC"); !strings.HasPrefix(got, "-EXECABORT") {
		t.Error(got)
	}
	all.expect("v", "GET", "k")
	c.expect("OK", "AUTH", "secret")
	c.expect("OK", "SET", "k", "w")
}

// TestGuessing: after too many wrong passwords the right one does not help, on
// any connection of that address, while who is in stays in.
func TestGuessing(t *testing.T) {
	s := newSite(t, 1, locked(t))
	in, c := dial(t, s.socks[0]), dial(t, s.socks[0])
	in.expect("OK", "AUTH", "secret")
	for range 10 {
		c.expect("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "wrong")
	}
	for _, ask := range [][]string{{"AUTH", "secret"}, {"HELLO", "3", "AUTH", "default", "secret"}} {
		if got := dial(t, s.socks[0]).do(ask...); !strings.HasPrefix(got, "-WRONGPASS too many wrong passwords") {
			t.Errorf("%v: %s", ask, got)
		}
	}
	in.expect("nil", "GET", "k")
}

func TestPassword(t *testing.T) {
	s := newSite(t, 1, locked(t))
	c := dial(t, s.socks[0])
	c.expect("-NOAUTH Authentication required.", "GET", "k")
	c.expect("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "wrong")
	c.expect("-WRONGPASS invalid username-password pair or user is disabled.", "HELLO", "3", "AUTH", "other", "secret")
	c.expect("OK", "AUTH", "secret")
	c.expect("nil", "GET", "k")
	c.expect("RESET", "RESET")
	c.expect("-NOAUTH Authentication required.", "GET", "k")
	if got := c.do("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me"); !strings.HasPrefix(got, "{server redis") {
		t.Error(got)
	}
	c.expect("me", "CLIENT", "GETNAME")
	stranger := dial(t, s.socks[0])
	io.WriteString(stranger, "*1\r\n$20000\r\n")
	if got := stranger.answer(); got != "-ERR Protocol error: unauthenticated bulk length" {
		t.Error(got)
	}
}

func TestMaxClients(t *testing.T) {
	s := newSite(t, 1, func(c *resp.Config) { c.MaxClients = 2 })
	a, b := dial(t, s.socks[0]), dial(t, s.socks[0])
	a.expect("PONG", "PING")
	b.expect("PONG", "PING")
	if got := dial(t, s.socks[0]).answer(); got != "-ERR max number of clients reached" {
		t.Error(got)
	}
	a.expect("OK", "CONFIG", "SET", "maxclients", "3")
	dial(t, s.socks[0]).expect("PONG", "PING")
}

// A subscriber that does not read costs PushLimit bytes at most, and then its
// connection.
func TestSlowSubscriber(t *testing.T) {
	s := newSite(t, 1, func(c *resp.Config) { c.PushLimit = 64 << 10 })
	slow, fast := s.client(0, "0"), s.client(0, "0")
	slow.expect("[subscribe c #1]", "SUBSCRIBE", "c")
	message := strings.Repeat("x", 10_000)
	for i := 0; ; i++ {
		if fast.do("PUBLISH", "c", message) == "#0" {
			break
		}
		if i > 10_000 {
			t.Fatal("the subscriber is still there after 100 MB")
		}
	}
	slow.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, slow); isTimeout(err) {
		t.Error("the connection is still open")
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// What a client sends after a request that makes no sense is not carried out.
func TestProtocolErrorsEndTheConnection(t *testing.T) {
	s := newSite(t, 1)
	c := s.client(0, "0")
	io.WriteString(c, "*1\r\n$4\r\nPING\r\n*1\r\n:\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n")
	if got, _ := io.ReadAll(c); string(got) != "+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n" {
		t.Errorf("%q", got)
	}
	s.client(0, "0").expect("nil", "GET", "k")
}

func TestPipeline(t *testing.T) {
	s := newSite(t, 1)
	c := s.client(0, "0")
	var in, want strings.Builder
	for i := range 3000 {
		v := strings.Repeat("v", i%300)
		fmt.Fprintf(&in, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\nget k\r\n", len(v), v)
		fmt.Fprintf(&want, "+OK\r\n$%d\r\n%s\r\n", len(v), v)
	}
	go io.WriteString(c, in.String())
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want.String() {
		t.Errorf("%v, %d bytes", err, len(got))
	}
}

func TestLargeValues(t *testing.T) {
	s := newSite(t, 1)
	c := s.client(0, "2")
	big := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB
	c.expect("OK", "SET", "big", big)
	if got := c.do("GET", "big"); got != big {
		t.Errorf("%d bytes come back of %d", len(got), len(big))
	}
	c.expect("-ERR string exceeds maximum allowed size (64 MiB)", "SETRANGE", "big", "67108863", "xx")
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := newSite(t, 1)
	m, _ := resp.ParseMap("0=Loc")
	f, err := resp.New(resp.Config{Map: m, Open: func(name string) (resp.Region, error) { return s.nodes[0].Store(name) }})
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/s"
	ln, err := resp.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Run(ctx, ln) }()
	c := dial(t, path)
	c.expect("PONG", "PING")
	if _, err := resp.Listen(path); err == nil {
		t.Error("two listen on one socket")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := c.read(); err == nil {
		t.Error("the connection outlives the front")
	}
}

// pipes is a listener whose connections are in memory, for virtual time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Net: "unix", Name: "pipe"} }

// TestAhead: what is read with other requests is carried out as it stands
// there: after the password by the limits of who has given it, and at the time
// that it is after a wait.
func TestAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := lateraltest.New(t, 1).Node(0)
		m, err := resp.ParseMap("0=R")
		if err != nil {
			t.Fatal(err)
		}
		c := resp.Config{Map: m, Open: func(name string) (resp.Region, error) { return node.Store(name) }}
		locked(t)(&c)
		f, err := resp.New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ln, done := make(pipes), make(chan error, 1)
		go func() { done <- f.Run(ctx, ln) }()
		ours, theirs := net.Pipe()
		ln <- theirs
		in := &conn{t, ours, bufio.NewReader(ours)}
		large := strings.Repeat("x", 20000) // a stranger may say 16384
		go fmt.Fprintf(ours, "AUTH secret\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n%s\r\nPEXPIRE k 50\r\nSTRLEN k\r\nWAIT 1 100\r\nSTRLEN k\r\nNONE\r\nPING\r\nQUIT\r\nPING\r\n", large)
		var got []string
		for {
			s, err := in.read()
			if err != nil {
				break
			}
			got = append(got, s)
		}
		want := []string{"OK", "OK", "#1", "#20000", "#0", "#0", "-ERR unknown command 'NONE', with args beginning with: ", "PONG", "OK"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	protocol = "protocol_errors"
	limits   = "lateral_requests_over_limits"
	slow     = "client_output_buffer_limit_disconnections"
	refused  = "rejected_connections"
	tracked  = "tracking_total_keys"
)

// raw is an attack of some bytes on a connection of its own.
func raw(name, s, stat, by string, most int) attack {
	return attack{name, stat, by, most, func(a *attacker) {
		c := a.connect()
		go io.Copy(io.Discard, c.r)
		a.say(c, s)
	}}
}

// poured is one of requests that are answered.
func poured(name, stat, by string, most, n int, request func(i int) []string, before ...string) attack {
	return attack{name, stat, by, most, func(a *attacker) {
		c := a.connect()
		for _, line := range before {
			c.words(line)
		}
		a.pour(c, n, request)
	}}
}

// wide is a number of n digits.
func wide(n, i int) string {
	digits := strconv.Itoa(i)
	return strings.Repeat("0", n-len(digits)) + digits
}

// attacks are those of TestHostile; scale makes some of them larger.
func attacks(scale int) []attack {
	keys := 20_000 * scale
	conns := 20 * min(scale, 10)
	return append(declared(), []attack{
		{"half a request of 64 MiB, 1 MiB of it sent", protocol, "0", conns * (2<<20 + 64<<10), func(a *attacker) {
			for range conns {
				a.say(a.connect(), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$67108000\r\n"+strings.Repeat("v", 1<<20))
			}
		}},
		{"a byte a second, for two minutes", protocol, "0", 0, func(a *attacker) {
			c := a.connect()
			for _, b := range []byte("*2\r\n$4\r\nECHO\r\n$1000000\r\n" + strings.Repeat("v", 96)) {
				a.say(c, string(b))
				time.Sleep(time.Second)
			}
		}},
		{"more connections than there may be", refused, "501", 0, func(a *attacker) {
			for range ofAttack + 500 {
				a.say(a.connect(), "*2\r\n$4\r\n")
			}
		}},
		poured("a transaction of 70,000 commands", limits, "4464", 32<<20, 70_001, func(i int) []string {
			if i == 0 {
				return []string{"MULTI"}
			}
			return []string{"GET", "k"}
		}),
		poured("a transaction of 80 MiB", limits, "17", 80<<20, 81, func(i int) []string {
			if i == 0 {
				return []string{"MULTI"}
			}
			return []string{"SET", "k", strings.Repeat("v", 1<<20)}
		}),
		{"1,000 answers of 1 MiB, never read", slow, "1", 4 << 20, func(a *attacker) {
			a.say(a.connect(), strings.Repeat("*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n", 1000))
			a.measure()
			time.Sleep(25 * time.Second)
		}},
		{"20 messages of 1 MiB, never read", slow, "1", 3 << 20, func(a *attacker) {
			listens, tells := a.connect(), a.connect()
			listens.words("SUBSCRIBE news")
			a.pour(tells, 20, func(int) []string { return []string{"PUBLISH", "news", strings.Repeat("v", 1<<20-4)} })
		}},
		poured("a value of 1 MiB, 1,000 times in one answer", limits, "1", 1<<20, 1, func(int) []string {
			return strings.Fields("MGET" + strings.Repeat(" big", 1000))
		}),
		poured("a field of 1 MiB, 1,000 times in one answer", limits, "1", 1<<20, 1, func(int) []string {
			return strings.Fields("HMGET hash" + strings.Repeat(" f", 1000))
		}),
		poured("a field of 1 MiB, 1,000,000 times by chance", limits, "1", 1<<20, 1, func(int) []string {
			return strings.Fields("HRANDFIELD hash -1000000 WITHVALUES")
		}),
		poured("a transaction of 1,000 answers of 1 MiB", limits, "1", 1<<20, 1002, func(i int) []string {
			switch i {
			case 0:
				return []string{"MULTI"}
			case 1001:
				return []string{"EXEC"}
			}
			return []string{"GET", "big"}
		}),
		poured("70,000 channels", limits, "4464", 32<<20, 70_000, func(i int) []string { return []string{"SUBSCRIBE", wide(8, i)} }),
		poured("20 MiB of names of channels", limits, "4", 20<<20, 20, func(i int) []string { return []string{"PSUBSCRIBE", wide(1<<20, i)} }),
		poured("70,000 watched keys", limits, "4464", 32<<20, 70_000, func(i int) []string { return []string{"WATCH", wide(8, i)} }),
		poured("20 MiB of names of watched keys", limits, "4", 20<<20, 20, func(i int) []string { return []string{"WATCH", wide(1<<20, i)} }),
		poured("1,100 prefixes to be told of", limits, "76", 4<<20, 1100, func(i int) []string {
			return strings.Fields("CLIENT TRACKING on BCAST PREFIX " + wide(8, i))
		}, "HELLO 3"),
		poured("2 MiB of prefixes to be told of", limits, "16", 4<<20, 32, func(i int) []string {
			return strings.Fields("CLIENT TRACKING on BCAST PREFIX " + wide(1<<16, i))
		}, "HELLO 3"),
		poured("half as many tracked keys again as there may be", tracked, fmt.Sprint(keys), 512*keys, keys+keys/2, func(i int) []string { return []string{"GET", wide(16, i)} }, "HELLO 3", "CLIENT TRACKING on"),
		poured("tracked keys of 64 KiB", tracked, fmt.Sprint(256*keys>>16), 300*keys, keys/128, func(i int) []string { return []string{"GET", wide(1<<16, i)} }, "HELLO 3", "CLIENT TRACKING on"),
		{"1,000 clients that track a key and go", tracked, "1000", 1 << 20, func(a *attacker) {
			stays := a.connect()
			stays.words("HELLO 3")
			stays.words("CLIENT TRACKING on")
			for i := range 1000 {
				c := a.open()
				c.words("HELLO 3")
				c.words("CLIENT TRACKING on")
				c.do("GET", wide(16, i))
				c.Close()
			}
		}},
		poured("2,000 spellings of a script", limits, "0", 4<<20, 2000, func(i int) []string {
			return []string{"SCRIPT", "LOAD", `if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end --` + wide(3000, i)}
		}),
		poured("an unknown command of 1 MiB", limits, "0", 1<<20, 5, func(i int) []string { return []string{wide(1<<20, i), wide(1<<20, i)} }),
		poured("a key of 1 MiB", limits, "5", 1<<20, 5, func(i int) []string { return []string{"SET", wide(1<<20, i), "v"} }),
	}...)
}

// declared are lengths that nothing follows, and what is no request.
func declared() []attack {
	return []attack{
		raw("2^31-1 words declared", "*2147483647\r\n", protocol, "1", 0),
		raw("a word of 2^63-1 bytes declared", "*1\r\n$9223372036854775807\r\n", protocol, "1", 0),
		raw("a length of more than 64 bits", "*1\r\n$99999999999999999999\r\n", protocol, "1", 0),
		raw("1,048,576 words declared, none there", "*1048576\r\n", protocol, "0", 0),
		raw("a word of 64 MiB declared, nothing there", "*1\r\n$67108864\r\n", protocol, "0", 0),
		raw("arrays in arrays, 250,000 deep", strings.Repeat("*1\r\n", 250_000), protocol, "1", 0),
		raw("a line of 1 MiB without an end", strings.Repeat("a", 1<<20), protocol, "1", 0),
		raw("a length of 1 MiB without an end", "*"+strings.Repeat("1", 1<<20), protocol, "1", 0),
		raw("1,048,576 empty words but one", "*1048576\r\n"+strings.Repeat("$0\r\n\r\n", 1<<20-1), protocol, "0", 48<<20),
		raw("inline words with a quote that is not closed", "SET k \"v\r\n", protocol, "1", 0),
	}
}

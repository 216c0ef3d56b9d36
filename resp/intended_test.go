// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"strings"
)

// alike reports whether two answers are the same, or differ as intended.
func alike(args []string, theirs, ours string) bool {
	if theirs == ours {
		return true
	}
	for _, d := range intended {
		if d.is(args, theirs, ours) {
			return true
		}
	}
	return false
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
	{"there is no Lua: a script that is none of the known ones is refused, one that gets fewer arguments than it reads too, and an error within one does not name it", func(args []string, theirs, ours string) bool {
		switch {
		case strings.HasPrefix(ours, "-ERR lateral runs no Lua"), ours == "-ERR this script takes more arguments", ours == "-ERR this script works on one key":
			return true
		case args[0] == "EVAL" || args[0] == "EVALSHA":
			return strings.HasPrefix(theirs, ours+" script: ")
		}
		return false
	}},
}

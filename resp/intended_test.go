// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"regexp"
	"slices"
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
	{"fields of a hash come sorted by name, keys of `KEYS` and `SCAN` in another order; `HSCAN` answers with all at once", func(args []string, theirs, ours string) bool {
		switch args[0] {
		case "HGETALL", "HKEYS", "HVALS", "HSCAN", "HRANDFIELD", "KEYS", "SCAN":
			return sorted(theirs) == sorted(ours)
		}
		return false
	}},
	{"what is left of a lifetime is read a moment later", func(args []string, theirs, ours string) bool {
		switch args[0] {
		case "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME":
			var a, b int
			n, _ := fmt.Sscanf(theirs+" "+ours, "#%d #%d", &a, &b)
			return n == 2 && a > 0 && b > 0 && max(a-b, b-a) <= 5000
		}
		return false
	}},
	{"sums of numbers with a point (`INCRBYFLOAT`) may differ in the last digits, where C's long double rounds otherwise", func(args []string, theirs, ours string) bool {
		if args[0] != "INCRBYFLOAT" && args[0] != "HINCRBYFLOAT" || strings.HasPrefix(ours, "-E") {
			return false
		}
		var a, b float64
		n, _ := fmt.Sscanf(theirs+" "+ours, "%g %g", &a, &b)
		return n == 2 && max(a-b, b-a) <= 1e-9*max(1, a, -a)
	}},
	{"`RANDOMKEY` answers with any key, `HRANDFIELD` with any field", func(args []string, theirs, ours string) bool {
		return (args[0] == "RANDOMKEY" || args[0] == "HRANDFIELD" && len(args) == 2) && !strings.HasPrefix(theirs, "-") && !strings.HasPrefix(ours, "-") && theirs != "nil" && ours != "nil"
	}},
	{"Redis counts keys that it has not noticed to be over their time in `DBSIZE`; so does Lateral, but not the same ones, nor what is only on disk, which `KEYS` and `SCAN` do list; `SCAN` of a region with a disk returns keys that are written meanwhile again", func(args []string, theirs, ours string) bool {
		var a, b int
		n, _ := fmt.Sscanf(theirs+" "+ours, "#%d #%d", &a, &b)
		return args[0] == "DBSIZE" && n == 2 && b <= a
	}},
	{"`HELLO` says another version, and connections have other numbers", func(args []string, theirs, ours string) bool {
		return args[0] == "HELLO" && strings.Contains(theirs, "server redis") && strings.Contains(ours, "server redis")
	}},
	{"an error for an unknown command says what to do instead", func(args []string, theirs, ours string) bool {
		return strings.HasPrefix(theirs, "-ERR unknown command") && strings.HasPrefix(ours, theirs[:len(theirs)-1])
	}},
	{"there is no Lua: a script that is none of the known ones is refused, one that gets fewer arguments than it reads too, and an error within one does not name it", func(args []string, theirs, ours string) bool {
		switch {
		case strings.HasPrefix(ours, "-ERR lateral runs no Lua"), ours == "-ERR this script takes more arguments", ours == "-ERR this script works on one key":
			return true
		case args[0] == "EVAL" || args[0] == "EVALSHA":
			return scripted.ReplaceAllString(theirs, "") == ours
		}
		return false
	}},
	{"`INFO` tells less; what it names Redis does, too, but for `lateral_…`, `protocol_errors` and `client_output_buffer_limit_disconnections`", func(args []string, theirs, ours string) bool {
		return args[0] == "INFO" && namesIn(infoName, ours, theirs, "lateral_", "protocol_errors", "client_output_buffer_limit_disconnections")
	}},
	{"`CLIENT LIST` and `CLIENT INFO` tell less, of other clients still less", func(args []string, theirs, ours string) bool {
		return args[0] == "CLIENT" && (args[1] == "INFO" || args[1] == "LIST") && namesIn(clientName, ours, theirs, "lib-name", "lib-ver") &&
			strings.Count(ours, "\n") == strings.Count(theirs, "\n") && told(ours) == told(theirs)
	}},
	{"`TIME` is read a moment later, `CLIENT ID` numbers other clients", func(args []string, theirs, ours string) bool {
		var a, b, x int
		switch strings.Join(args, " ") {
		case "TIME":
			n, _ := fmt.Sscanf(theirs+ours, "a reads [%d %d]\na reads [%d %d]\n", &a, &x, &b, &x)
			return n == 4 && b-a >= 0 && b-a <= 5
		case "CLIENT ID":
			n, _ := fmt.Sscanf(theirs+ours, "a reads #%d\na reads #%d\n", &a, &b)
			return n == 2
		}
		return false
	}},
	{"`COMMAND` tells of this table, also of the commands that begin with LATERAL: name, arity and keys as Redis does, of the rest little", func(args []string, theirs, ours string) bool {
		if args[0] != "COMMAND" || len(args) == 1 {
			return false
		}
		switch args[1] {
		case "COUNT":
			return strings.HasPrefix(ours, "a reads #")
		case "LIST":
			return namesIn(regexp.MustCompile(`[a-z.]+`), ours, theirs, "lateral.")
		case "DOCS":
			return strings.HasPrefix(ours, "a reads "+strings.Split(theirs, " ")[2]+" ") && strings.Contains(ours, "summary ")
		case "INFO":
			return keySpecs(theirs) == keySpecs(ours)
		}
		return false
	}},
	{"in a transaction nothing can be subscribed to", func(args []string, theirs, ours string) bool {
		return strings.HasSuffix(args[0], "SUBSCRIBE") && theirs == "QUEUED" && ours == "-ERR Command not allowed inside a transaction"
	}},
	{"a subscriber reads what it publishes itself after the answers to what it has sent with it; channels and patterns come in any order", func(args []string, theirs, ours string) bool {
		switch args[0] {
		case "PUBLISH", "UNSUBSCRIBE", "PUNSUBSCRIBE", "PUBSUB":
			return sorted(theirs) == sorted(ours)
		}
		return false
	}},
}

var (
	scripted   = regexp.MustCompile(` script: [0-9a-f]{40}, on @user_script:\d+\.`)
	infoName   = regexp.MustCompile(`(?m)^[#a-z][A-Za-z0-9_ ]*`)
	clientName = regexp.MustCompile(`[a-z-]+=`)
	said       = regexp.MustCompile(`(?m)^.* (name=\S*).* (db=\d+ sub=\d+ psub=\d+).* (multi=-?\d+).* (user=\S+ redir=-?\d+ resp=\d+).*$`)
	keySpec    = regexp.MustCompile(`\[([a-z|]+ #-?\d+) [\[(][^\])]*[\])] (#-?\d+ #-?\d+ #-?\d+)`)
)

// namesIn reports whether all that ours names theirs does, too, but for what
// begins with one of the exceptions.
func namesIn(name *regexp.Regexp, ours, theirs string, except ...string) bool {
	known := name.FindAllString(theirs, -1)
	for _, n := range name.FindAllString(ours, -1) {
		if !slices.Contains(known, n) && !slices.ContainsFunc(except, func(e string) bool { return strings.HasPrefix(n, e) }) {
			return false
		}
	}
	return true
}

// told is what CLIENT INFO says that any server would say.
func told(answer string) string {
	m := said.FindStringSubmatch(answer)
	return fmt.Sprint(m[min(1, len(m)):])
}

// keySpecs are name, arity and keys of what COMMAND INFO tells, and how many
// commands it does not know.
func keySpecs(answer string) string {
	var out []string
	for _, m := range keySpec.FindAllStringSubmatch(answer, -1) {
		out = append(out, m[1]+" "+m[2])
	}
	return fmt.Sprintf("%d;%s", strings.Count(answer, "nil"), strings.Join(out, ";"))
}

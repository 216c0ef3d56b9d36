// SPDX-License-Identifier: Apache-2.0

package resp

import "iter"

// A command is one row of the table, from which dispatch, COMMAND and the
// table in docs/resp.md come.
type command struct {
	name  string
	arity int // of all words; negative: at least so many
	flags flag
	first int // argument that is the first key; 0: none
	last  int // of the last, from the end if negative
	step  int
	args  string // as a manual writes them
	does  string // one line for the documentation
	run   func(c *client, args [][]byte)
}

// A flag says how a command is carried out.
type flag uint16

const (
	readonly  flag = 1 << iota // changes nothing
	write                      // may change data
	reads                      // looks at its keys: what memory lacks is fetched first
	tracked                    // what it reads may be kept by a client that tracks keys
	gated                      // touches data: waits for those that run alone
	alone                      // atomic over several keys
	stranger                   // before AUTH, too
	listening                  // for subscribers of RESP2, too
	txControl                  // carried out between MULTI and EXEC
	noMulti                    // refused there
	long                       // looks at a whole region, or more
)

const (
	look   = readonly | reads | tracked | gated
	modify = write | reads | gated
	blind  = write | gated // does not care for what was there
)

// takes reports whether a request of n words is long enough.
func (cmd *command) takes(n int) bool {
	return cmd.arity >= 0 && n == cmd.arity || cmd.arity < 0 && n >= -cmd.arity
}

// keys offers the places of the keys among n words.
func (cmd *command) keys(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if cmd.first == 0 {
			return
		}
		last := cmd.last
		if last < 0 {
			last += n
		}
		for i := cmd.first; i <= last && i < n; i += cmd.step {
			if !yield(i) {
				return
			}
		}
	}
}

// maxCommandName is the longest name, so that a request's can be compared
// without making room for it.
const maxCommandName = 16

// lookup finds a command by its name, in any case.
func (t table) lookup(name []byte) *command {
	var b [maxCommandName]byte
	if len(name) > len(b) {
		return nil
	}
	for i, c := range name {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b[i] = c
	}
	return t[string(b[:len(name)])]
}

// A table has the commands by name.
type table map[string]*command

func newTable() table {
	t := make(table, 128)
	for _, g := range groups {
		for i := range g.commands {
			t[g.commands[i].name] = &g.commands[i]
		}
	}
	return t
}

// A group is a section of the documentation.
type group struct {
	name     string
	commands []command
}

var groups = []group{
	{"Strings", stringCommands}, {"Keys", keyCommands}, {"Hashes", hashCommands}, {"Values of Java's", javaCommands},
	{"Transactions and scripts", txCommands}, {"Messages", messageCommands}, {"Connection and service", serviceCommands},
}

var stringCommands = []command{
	{"GET", 2, look, 1, 1, 1, "key", "the text of a key", (*client).runGet},
	{"SET", -3, modify, 1, 1, 1, "key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]", "stores a text; NX and XX are decided on this node", (*client).runSet},
	{"SETNX", 3, modify, 1, 1, 1, "key value", "stores a text where nothing is", (*client).runSetNX},
	{"SETEX", 4, blind, 1, 1, 1, "key seconds value", "stores a text with a lifetime", (*client).runSetEX},
	{"PSETEX", 4, blind, 1, 1, 1, "key milliseconds value", "the same in milliseconds", (*client).runPSetEX},
	{"GETSET", 3, modify, 1, 1, 1, "key value", "stores a text and answers with the old one", (*client).runGetSet},
	{"GETDEL", 2, modify, 1, 1, 1, "key", "removes a key and answers with its text", (*client).runGetDel},
	{"GETEX", -2, modify, 1, 1, 1, "key [EX s|PX ms|EXAT s|PXAT ms|PERSIST]", "the text of a key, whose lifetime it changes", (*client).runGetEX},
	{"MGET", -2, look, 1, -1, 1, "key [key …]", "the texts of several keys", (*client).runMGet},
	{"MSET", -3, write | alone, 1, -1, 2, "key value [key value …]", "stores several texts, at once on this node; peers hear of them one by one", (*client).runMSet},
	{"MSETNX", -3, write | reads | alone, 1, -1, 2, "key value [key value …]", "the same if none of them is there", (*client).runMSetNX},
	{"APPEND", 3, modify, 1, 1, 1, "key value", "adds to the end of a text", (*client).runAppend},
	{"STRLEN", 2, look, 1, 1, 1, "key", "the length of a text", (*client).runStrlen},
	{"GETRANGE", 4, look, 1, 1, 1, "key start end", "a part of a text", (*client).runGetRange},
	{"SUBSTR", 4, look, 1, 1, 1, "key start end", "the old name of GETRANGE", (*client).runGetRange},
	{"SETRANGE", 4, modify, 1, 1, 1, "key offset value", "writes over a part of a text", (*client).runSetRange},
	{"INCR", 2, modify, 1, 1, 1, "key", "adds one; see Counters", (*client).runIncr},
	{"DECR", 2, modify, 1, 1, 1, "key", "subtracts one", (*client).runDecr},
	{"INCRBY", 3, modify, 1, 1, 1, "key n", "adds", (*client).runIncrBy},
	{"DECRBY", 3, modify, 1, 1, 1, "key n", "subtracts", (*client).runDecrBy},
	{"INCRBYFLOAT", 3, modify, 1, 1, 1, "key x", "adds a number with a point", (*client).runIncrByFloat},
}

var keyCommands = []command{
	{"DEL", -2, modify, 1, -1, 1, "key [key …]", "removes keys", (*client).runDel},
	{"UNLINK", -2, modify, 1, -1, 1, "key [key …]", "the same", (*client).runDel},
	{"EXISTS", -2, look, 1, -1, 1, "key [key …]", "how many of the keys are there", (*client).runExists},
	{"TOUCH", -2, look, 1, -1, 1, "key [key …]", "the same; what is there has been used", (*client).runExists},
	{"TYPE", 2, look, 1, 1, 1, "key", "string, hash or none", (*client).runType},
	{"EXPIRE", -3, modify, 1, 1, 1, "key seconds [NX|XX|GT|LT]", "gives a key a lifetime", (*client).runExpire},
	{"PEXPIRE", -3, modify, 1, 1, 1, "key milliseconds [NX|XX|GT|LT]", "the same in milliseconds", (*client).runPExpire},
	{"EXPIREAT", -3, modify, 1, 1, 1, "key unix-seconds [NX|XX|GT|LT]", "the same up to a time", (*client).runExpireAt},
	{"PEXPIREAT", -3, modify, 1, 1, 1, "key unix-milliseconds [NX|XX|GT|LT]", "the same in milliseconds", (*client).runPExpireAt},
	{"TTL", 2, look, 1, 1, 1, "key", "seconds until a key expires; -1: never, -2: not there", (*client).runTTL},
	{"PTTL", 2, look, 1, 1, 1, "key", "the same in milliseconds", (*client).runPTTL},
	{"EXPIRETIME", 2, look, 1, 1, 1, "key", "when it expires", (*client).runExpireTime},
	{"PEXPIRETIME", 2, look, 1, 1, 1, "key", "the same in milliseconds", (*client).runPExpireTime},
	{"PERSIST", 2, modify, 1, 1, 1, "key", "takes a lifetime back; the region's own remains", (*client).runPersist},
	{"RENAME", 3, write | reads | alone, 1, 2, 1, "key new", "moves a value; peers hear of a write and a removal", (*client).runRename},
	{"RENAMENX", 3, write | reads | alone, 1, 2, 1, "key new", "the same if nothing is there", (*client).runRenameNX},
	{"KEYS", 2, readonly | gated | long, 0, 0, 0, "pattern", "the keys that this node holds, in memory or on disk", (*client).runKeys},
	{"SCAN", -2, readonly | gated | long, 0, 0, 0, "cursor [MATCH pattern] [COUNT n] [TYPE type]", "the same in pieces; each piece looks at the whole region", (*client).runScan},
	{"RANDOMKEY", 1, readonly | gated | long, 0, 0, 0, "", "any key", (*client).runRandomKey},
	{"DBSIZE", 1, readonly | gated | long, 0, 0, 0, "", "how many keys this node holds in memory", (*client).runDBSize},
	{"FLUSHDB", -1, write | alone | long, 0, 0, 0, "[ASYNC|SYNC]", "clears the regions of the database, everywhere", (*client).runFlushDB},
	{"FLUSHALL", -1, write | alone | long, 0, 0, 0, "[ASYNC|SYNC]", "clears all mapped regions, everywhere", (*client).runFlushAll},
}

var hashCommands = []command{
	{"HSET", -4, modify, 1, 1, 1, "key field value [field value …]", "writes fields; nodes merge them one by one", (*client).runHSet},
	{"HMSET", -4, modify, 1, 1, 1, "key field value [field value …]", "the same, answered with OK", (*client).runHMSet},
	{"HSETNX", 4, modify, 1, 1, 1, "key field value", "writes a field that is not there", (*client).runHSetNX},
	{"HGET", 3, look, 1, 1, 1, "key field", "the value of a field", (*client).runHGet},
	{"HMGET", -3, look, 1, 1, 1, "key field [field …]", "the values of fields", (*client).runHMGet},
	{"HGETALL", 2, look, 1, 1, 1, "key", "all fields and values, by name", (*client).runHGetAll},
	{"HKEYS", 2, look, 1, 1, 1, "key", "all fields", (*client).runHKeys},
	{"HVALS", 2, look, 1, 1, 1, "key", "all values", (*client).runHVals},
	{"HLEN", 2, look, 1, 1, 1, "key", "how many fields there are", (*client).runHLen},
	{"HEXISTS", 3, look, 1, 1, 1, "key field", "whether a field is there", (*client).runHExists},
	{"HSTRLEN", 3, look, 1, 1, 1, "key field", "the length of a value", (*client).runHStrlen},
	{"HDEL", -3, modify, 1, 1, 1, "key field [field …]", "removes fields", (*client).runHDel},
	{"HINCRBY", 4, modify, 1, 1, 1, "key field n", "adds to a field", (*client).runHIncrBy},
	{"HINCRBYFLOAT", 4, modify, 1, 1, 1, "key field x", "the same with a point", (*client).runHIncrByFloat},
	{"HSCAN", -3, look, 1, 1, 1, "key cursor [MATCH pattern] [COUNT n]", "all fields and values, in one piece", (*client).runHScan},
	{"HRANDFIELD", -2, readonly | reads | gated, 1, 1, 1, "key [count [WITHVALUES]]", "any fields", (*client).runHRandField},
}

var javaCommands = []command{
	{"LATERAL.SET", -4, modify, 1, 1, 1, "key type value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]", "stores a value of a type; see Values of Java's", (*client).runJavaSet},
	{"LATERAL.TYPE", 2, look, 1, 1, 1, "key", "the type of a value, or the name of its class", (*client).runJavaType},
	{"LATERAL.TREE", 2, look, 1, 1, 1, "key", "any value, for people", (*client).runJavaTree},
}

var txCommands = []command{
	{"MULTI", 1, txControl, 0, 0, 0, "", "begins a transaction", (*client).runMulti},
	{"EXEC", 1, txControl, 0, 0, 0, "", "carries it out while no other client of this node touches data", (*client).runExec},
	{"DISCARD", 1, txControl, 0, 0, 0, "", "ends it", (*client).runDiscard},
	{"WATCH", -2, txControl | gated, 1, -1, 1, "key [key …]", "lets EXEC fail if a key changes, by a peer too", (*client).runWatch},
	{"UNWATCH", 1, 0, 0, 0, 0, "", "forgets what is watched", (*client).runUnwatch},
	{"EVAL", -3, modify, 3, 3, 1, "script numkeys key arg …", "the known scripts of locks; see Locks", (*client).runEval},
	{"EVALSHA", -3, modify, 3, 3, 1, "sha1 numkeys key arg …", "the same by their hash", (*client).runEvalSHA},
	{"SCRIPT", -2, 0, 0, 0, 0, "LOAD|EXISTS|FLUSH …", "remembers a known script", (*client).runScript},
}

var messageCommands = []command{
	{"PUBLISH", 3, 0, 0, 0, 0, "channel message", "to subscribers of every linked node; answers with those of this one", (*client).runPublish},
	{"SUBSCRIBE", -2, listening | noMulti, 0, 0, 0, "channel [channel …]", "listens", (*client).runSubscribe},
	{"UNSUBSCRIBE", -1, listening | noMulti, 0, 0, 0, "[channel …]", "listens no longer", (*client).runUnsubscribe},
	{"PSUBSCRIBE", -2, listening | noMulti, 0, 0, 0, "pattern [pattern …]", "listens to all channels that match", (*client).runPSubscribe},
	{"PUNSUBSCRIBE", -1, listening | noMulti, 0, 0, 0, "[pattern …]", "listens no longer", (*client).runPUnsubscribe},
	{"PUBSUB", -2, 0, 0, 0, 0, "CHANNELS|NUMSUB|NUMPAT …", "who listens on this node", (*client).runPubSub},
}

var serviceCommands = []command{
	{"PING", -1, listening, 0, 0, 0, "[message]", "PONG", (*client).runPing},
	{"ECHO", 2, 0, 0, 0, 0, "message", "the message", (*client).runEcho},
	{"HELLO", -1, stranger, 0, 0, 0, "[2|3 [AUTH user password] [SETNAME name]]", "chooses the protocol", (*client).runHello},
	{"AUTH", -2, stranger, 0, 0, 0, "[user] password", "lets a client in, as default or as reader, who changes nothing", (*client).runAuth},
	{"SELECT", 2, 0, 0, 0, 0, "database", "chooses a database", (*client).runSelect},
	{"QUIT", -1, stranger | listening | txControl, 0, 0, 0, "", "ends the connection", (*client).runQuit},
	{"RESET", 1, stranger | listening | txControl, 0, 0, 0, "", "makes the connection as new", (*client).runReset},
	{"CLIENT", -2, 0, 0, 0, 0, "ID|INFO|LIST|KILL|SETNAME|GETNAME|SETINFO|TRACKING|CACHING|TRACKINGINFO|GETREDIR|REPLY|PAUSE|UNPAUSE|UNBLOCK|NO-EVICT|NO-TOUCH …", "about connections; see Client-side caching. PAUSE has clients of this node wait", (*client).runClient},
	{"COMMAND", -1, 0, 0, 0, 0, "[COUNT|LIST|INFO|DOCS|GETKEYS …]", "this table", (*client).runCommand},
	{"CONFIG", -2, 0, 0, 0, 0, "GET|SET|RESETSTAT …", "SET changes maxclients, timeout and notify-keyspace-events", (*client).runConfig},
	{"INFO", -1, 0, 0, 0, 0, "[section …]", "server, clients, stats, keyspace", (*client).runInfo},
	{"TIME", 1, 0, 0, 0, 0, "", "the clock of this host", (*client).runTime},
	{"WAIT", 3, 0, 0, 0, 0, "numreplicas timeout", "how many peers hold what this client has written", (*client).runWait},
}

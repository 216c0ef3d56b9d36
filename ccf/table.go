// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"slices"
	"strings"
)

// A gen is a set of JCS generations. A file speaks one of them, told by the
// package its class names start with.
type gen uint8

const (
	g13 gen = 1 << iota // org.apache.jcs
	g2                  // org.apache.commons.jcs
	g3                  // org.apache.commons.jcs3
	g4                  // org.apache.commons.jcs4

	g2to3  = g2 | g3
	g2to4  = g2 | g3 | g4
	g13to2 = g13 | g2
	g13to3 = g13 | g2 | g3
	g3to4  = g3 | g4
	gAll   = g13 | g2 | g3 | g4
)

var generations = []struct {
	gen        gen
	text, root string
}{
	{g13, "1.3", "org.apache.jcs."}, {g2, "2", "org.apache.commons.jcs."},
	{g3, "3", "org.apache.commons.jcs3."}, {g4, "4", "org.apache.commons.jcs4."},
}

func (g gen) list() []string {
	var l []string
	for _, r := range generations {
		if g&r.gen != 0 {
			l = append(l, r.text)
		}
	}
	return l
}

func (g gen) String() string { return strings.Join(g.list(), ", ") }

// root returns the package a generation's classes start with.
func (g gen) root() string {
	for _, r := range generations {
		if g == r.gen {
			return r.root
		}
	}
	return generations[0].root
}

// genOf returns the generation of a class and its name below the package
// root; 0 if the class is not one of JCS.
func genOf(class string) (g gen, below string) {
	for _, r := range generations {
		if rest, ok := strings.CutPrefix(class, r.root); ok {
			return r.gen, rest
		}
	}
	return 0, class
}

// A typ says what a value looks like.
type typ uint8

const (
	tString typ = iota
	tInt        // 32 bits, as Java's
	tLong
	tBool
	tClass
	tWord    // one of the key's words
	tPort    // 0 to 65535
	tAddr    // an IP address
	tList    // separated by commas, blanks around them dropped
	tServers // host:port list, by the rules of the generation
	tSeconds // a number of seconds
	tMillis  // a number of milliseconds
	tISO     // ISO-8601; a plain number is milliseconds
	tTime    // Lateral's own: Go's 10s, ISO-8601, or a number of milliseconds
	tSize    // Lateral's own: bytes, with K, M or G
	tAcks    // Lateral's own: a number of peers, all, or linked
)

var typTexts = [...]string{"text", "number", "number", "true or false", "class", "word", "port", "IP address", "list",
	"host:port list", "seconds", "milliseconds", "ISO-8601 duration", "duration", "size", "number of peers"}

func (t typ) String() string { return typTexts[t] }

// A scope is the kind of block a key belongs in.
type scope uint8

const (
	scopeTop scope = iota // jcs.default, jcs.region.NAME …: the skeleton of a file
	scopeCache
	scopeElement
	scopeLateral
	scopeDisk // common to all disk kinds
	scopeIndexed
	scopeBlock
	scopeFile
	scopeJDBC
	scopeMySQL
	scopeRemote
	scopeHTTP
	scopeValkey
	scopeSerializer
	scopePool
	scopeScheduler
	scopeServer
	scopeServerAttributes
)

// scopeTexts give each scope the prefix it is shown under in the reference,
// and its heading.
var scopeTexts = [...]struct{ prefix, title string }{
	scopeTop:              {"", "The skeleton"},
	scopeCache:            {"jcs.default.cacheattributes.", "What a region holds (also jcs.region.NAME.cacheattributes)"},
	scopeElement:          {"jcs.default.elementattributes.", "How long an element lives and where it may go (also jcs.region.NAME.elementattributes)"},
	scopeLateral:          {"jcs.auxiliary.LTCP.attributes.", "Peers: the lateral TCP auxiliary"},
	scopeDisk:             {"jcs.auxiliary.DC.attributes.", "Disk: what all kinds have"},
	scopeIndexed:          {"jcs.auxiliary.DC.attributes.", "Indexed disk"},
	scopeBlock:            {"jcs.auxiliary.DC.attributes.", "Block disk"},
	scopeFile:             {"jcs.auxiliary.DC.attributes.", "File disk (JCS 1.3.3.3 and later 1.3)"},
	scopeJDBC:             {"jcs.auxiliary.DC.attributes.", "JDBC disk (also MySQL and HSQL)"},
	scopeMySQL:            {"jcs.auxiliary.DC.attributes.", "MySQL disk"},
	scopeRemote:           {"jcs.auxiliary.RC.attributes.", "Remote tier (RMI)"},
	scopeHTTP:             {"jcs.auxiliary.RC.attributes.", "Remote tier over HTTP"},
	scopeValkey:           {"jcs.auxiliary.VC.attributes.", "Remote tier: a Valkey or Redis server"},
	scopeSerializer:       {"jcs.auxiliary.LTCP.serializer.attributes.", "Serializers"},
	scopePool:             {"thread_pool.default.", "Thread pools (also thread_pool.NAME)"},
	scopeScheduler:        {"scheduler_pool.default.", "Scheduler pools (also scheduler_pool.NAME)"},
	scopeServer:           {"", "The remote cache server"},
	scopeServerAttributes: {"jcs.remotecache.serverattributes.", "The remote cache server's attributes"},
}

// A spelling is how some generations write a key.
type spelling struct {
	gens gen
	name string
	typ  typ
	def  string // "" is empty, or none
}

// A key is one row of the table: all there is to know about one setting.
type key struct {
	scope  scope
	spell  []spelling // the first gives the key its name
	own    gen        // generations of which the key is not, but where Lateral honours the first spelling
	doc    string
	idle   string   // why the key is accepted and not needed; "" if it is honoured
	words  []string // of tWord
	secret bool     // never shown
	like   string   // what the reference shows in place of an empty default
	low    int64    // tTime (ms) and tSize (bytes): the least that makes sense
}

func (k *key) name() string { return k.spell[0].name }

// spelled returns how generation g writes the key; nil if it does not know it.
func (k *key) spelled(g gen) *spelling {
	for i := range k.spell {
		if k.spell[i].gens&g != 0 {
			return &k.spell[i]
		}
	}
	if k.own&g != 0 {
		return &k.spell[0]
	}
	return nil
}

// row starts a row of the table.
func row(s scope, gens gen, name string, t typ, def, doc string) *key {
	return &key{scope: s, spell: []spelling{{gens, name, t, def}}, doc: doc}
}

// mine starts the row of a key that only Lateral has.
func mine(s scope, name string, t typ, def, doc string) *key {
	k := row(s, 0, name, t, def, doc)
	k.own = gAll
	return k
}

// or adds how other generations write the key.
func (k *key) or(gens gen, name string, t typ, def string) *key {
	k.spell = append(k.spell, spelling{gens, name, t, def})
	return k
}

// lateral makes Lateral honour the key in every generation.
func (k *key) lateral() *key {
	k.own = gAll
	for _, s := range k.spell {
		k.own &^= s.gens
	}
	return k
}

func (k *key) of(words ...string) *key     { k.words = words; return k }
func (k *key) unneeded(reason string) *key { k.idle = reason; return k }
func (k *key) shown(like string) *key      { k.like = like; return k }
func (k *key) hidden() *key                { k.secret = true; return k }
func (k *key) least(n int64) *key          { k.low = n; return k }

// keys is the table: every key of every scope, declared once. The parser, its
// checks, the reference and Config.Effective all come from it.
var keys = slices.Concat(topKeys, cacheKeys, elementKeys, lateralKeys, diskKeys, otherDiskKeys, remoteKeys, valkeyKeys, serializerKeys, poolKeys, serverKeys)

var byScope = func() map[scope][]*key {
	m := map[scope][]*key{}
	for _, k := range keys {
		m[k.scope] = append(m[k.scope], k)
	}
	return m
}()

// byName returns the key of a scope by the name it has in the table; nil if
// there is none.
func byName(s scope, name string) *key {
	for _, k := range byScope[s] {
		if k.name() == name {
			return k
		}
	}
	return nil
}

// must is byName for names that the program itself writes.
func must(s scope, name string) *key {
	if k := byName(s, name); k != nil {
		return k
	}
	panic(fmt.Sprintf("ccf: no key %s in scope %d", name, s))
}

// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bytes"
	"strings"
)

// A Case is one stream.
type Case struct {
	Name   string
	Why    string // what it is to cost
	Stream []byte
	Whole  bool // it is a value of Java's from its first to its last byte
	Denied bool // it has a class that JCS refuses
}

// Cases are all of them, those that are alike once.
func Cases() []Case {
	broken := func(name, why string, s *Stream) Case { return Case{Name: name, Why: why, Stream: s.Bytes()} }
	whole := func(name, why string, s *Stream) Case {
		return Case{Name: name, Why: why, Stream: s.Bytes(), Whole: true}
	}
	denied := func(name, why string, s *Stream) Case { return Case{name, why, s.Bytes(), true, true} }
	return []Case{
		broken("nested arrays", "stack", Nested(100_000)),
		broken("nested classes", "stack", Tower(100_000, 1)),
		broken("tower", "memory: 64 parts for each object of 6 bytes", Tower(60, 50_000)),
		broken("array, 2^31-1 bytes", "memory on its word", New().Array("[B", 0x7fffffff)),
		broken("array, 2^31-1 objects", "memory on its word", New().Array("[Ljava.lang.Object;", 0x7fffffff)),
		broken("array, 200 MiB declared, none there", "memory on its word", New().Array("[B", 200<<20)),
		broken("array, 5 Mi objects declared, none there", "memory on its word", New().Array("[Ljava.lang.Object;", 5<<20)),
		broken("negative array", "an index below 0", New().Array("[B", 0xffffffff)),
		broken("string, 2^62 bytes", "memory on its word", New().B(tcLongString).I64(1<<62)),
		broken("string, 100 MiB declared, none there", "memory on its word", New().B(tcLongString).I64(100<<20)),
		broken("block, 2^31-1 bytes", "memory on its word", New().Object("X", writes).B(tcBlockDataLong).I32(0x7fffffff)),
		broken("65,535 fields", "memory on its word", New().B(tcObject, tcClassDesc).UTF("X").I64(1).B(plain, 0xff, 0xff)),
		broken("2^30 interfaces", "memory on its word", New().B(tcObject, tcProxyClassDesc).I32(1<<30)),
		broken("class that is its own superclass", "a loop", New().B(tcObject).Class("X", plain).Ref(0)),
		broken("nulls without end", "memory: 16 bytes for each", New().Object("X", writes).B(bytes.Repeat([]byte{tcNull}, 9<<20)...)),
		broken("text instead of a stream", "", &Stream{*bytes.NewBufferString("GET / HTTP/1.1\r\nHost: " + strings.Repeat("x", 100) + "\r\n\r\n")}),
		whole("handles", "memory: a handle for every 3 bytes", Handles(300_000)),
		whole("set bomb", "2^60 hash codes", SetBomb(60)),
		whole("one text, 200,000 times", "hash codes of 200 GB", Shared(200_000, 1<<20)),
		whole("colliding keys", "a list for a table", Collisions(500)),
		whole("URL as a key", "a question to a name server", Address()),
		denied("transformer chain in a set", "a command is run", TransformerChain()),
		denied("annotation handler over a proxy", "a command is run", Handler()),
	}
}

// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"strings"

	"lateral/javaser"
)

// A Generation is one dialect of the protocol. Only those of one package name
// can talk to each other.
type Generation struct {
	Name   string // "1.3", "1.3.3", "2", "3", "4"
	Family string // as status shows it: "jcs-1.3" for both of 1.3
	Root   string // Java package
	Framed bool   // a length and a stream of its own for each message; else one stream for ever

	// ResetEvery is after how many messages a stream starts anew. JCS 1.3
	// does so itself; JCS 2 never does, but understands it, and would keep
	// every message in memory for ever.
	ResetEvery int

	enums                                                  bool // commands and kinds are constants, not numbers
	descriptor, element, attributes, accessed, attr, group shape
	discovery                                              shape
	commands, kinds                                        map[int]*javaser.Enum
}

// A shape is a class as one generation writes it.
type shape struct {
	class *javaser.Class
	roles []role // of its fields
}

// A role is what a field means, whatever a generation calls it.
type role string

// A field is one line of a class's table: type, name, meaning and, of a
// reference, its class; what does not start with java. is below the root.
type field struct {
	t    byte
	name string
	role role
	of   string
}

const (
	tString = "java.lang.String"
	tObject = "java.lang.Object"
	tList   = "java.util.ArrayList"
	tAttr   = "engine.behavior.IElementAttributes"
	tElem   = "engine.behavior.ICacheElement"
	tGroup  = "engine.control.group.GroupId"
	tComm   = "auxiliary.lateral.LateralCommand"
	tKind   = "utils.discovery.UDPDiscoveryMessage$BroadcastType"
	tHolder = "engine.ElementAttributes$LastAccessHolder"
)

// The classes that are the same in several generations. serialVersionUIDs are
// written in JCS's sources, except of enums and of the records of JCS 4, where
// 0 stands for none.
const (
	uidDescriptor = 5268222498076063575
	uidElement    = -6062305728297627263
	uidAttributes = 7814990748035017441
	uidHolder     = 3995308126685776408
	uidAttrName   = 1586079686300744198
	uidGroup      = 4626368486444860133
	uidDiscovery0 = -5332377899560951794 // 1.3
	uidDiscovery  = -5332377899560951793
)

var (
	flags      = []field{{'Z', "IS_ETERNAL", "eternal", ""}, {'Z', "IS_LATERAL", "lateral", ""}, {'Z', "IS_REMOTE", "remote", ""}, {'Z', "IS_SPOOL", "spool", ""}}
	times      = []field{{'J', "createTime", "created", ""}, {'J', "lastAccessTime", "accessed", ""}}
	oldTimes   = append(times[:2:2], field{'J', "maxIdleTimeSeconds", "idle", ""}, field{'J', "maxLifeSeconds", "life", ""}, field{'I', "size", "size", ""})
	newTimes   = append(times[:2:2], field{'J', "maxIdleTime", "idle", ""}, field{'J', "maxLife", "life", ""}, field{'I', "size", "size", ""}, field{'J', "timeFactor", "factor", ""})
	toString   = field{'L', "toString", "text", tString}
	attrName   = []field{{'L', "attrName", "name", tObject}, {'L', "groupId", "group", tGroup}}
	groupID    = []field{{'L', "cacheName", "region", tString}, {'L', "groupName", "group", tString}}
	oldMessage = []field{{'I', "command", "command", ""}, {'J', "requesterId", "requester", ""}, {'I', "valHashCode", "hash", ""}, {'L', "ce", "element", tElem}}
	newMessage = []field{{'J', "requesterId", "requester", ""}, {'I', "valHashCode", "hash", ""}, {'L', "ce", "element", tElem}, {'L', "command", "command", tComm}}
	oldElement = []field{{'L', "attr", "attributes", tAttr}, {'L', "cacheName", "region", tString}, {'L', "key", "key", "java.io.Serializable"}, {'L', "val", "value", "java.io.Serializable"}}
	newElement = []field{{'L', "attr", "attributes", tAttr}, {'L', "cacheName", "region", tString}, {'L', "key", "key", tObject}, {'L', "val", "value", tObject}}
	oldPacket  = []field{{'I', "messageType", "kind", ""}, {'I', "port", "port", ""}, {'J', "requesterId", "requester", ""}, {'L', "cacheNames", "regions", tList}, {'L', "host", "host", tString}}
	newPacket  = []field{{'I', "port", "port", ""}, {'J', "requesterId", "requester", ""}, {'L', "cacheNames", "regions", tList}, {'L', "host", "host", tString}, {'L', "messageType", "kind", tKind}}
)

// A table is all that a generation says differently.
type table struct {
	name, family, root   string
	framed               bool
	reset                int
	discovery            string // class below the root
	discoveryUID         int64
	attrUID, groupUID    int64
	message, element     []field
	attributes           []field
	attrName, group, pkt []field
}

// The generations. JCS 1.3 and 1.3.3 read each other's links, but not each
// other's discovery.
var (
	JCS13 = generation(table{name: "1.3", family: "jcs-1.3", root: "org.apache.jcs", reset: 70,
		discovery: "auxiliary.lateral.socket.tcp.discovery.UDPDiscoveryMessage", discoveryUID: uidDiscovery0, attrUID: uidAttrName, groupUID: uidGroup,
		message: oldMessage, element: oldElement, attributes: join(flags, oldTimes, []field{{'J', "version", "version", ""}}),
		attrName: join(attrName, []field{toString}), group: join(groupID, []field{toString}), pkt: oldPacket})
	JCS133 = generation(table{name: "1.3.3", family: "jcs-1.3", root: "org.apache.jcs", reset: 70,
		discovery: "utils.discovery.UDPDiscoveryMessage", discoveryUID: uidDiscovery, attrUID: uidAttrName, groupUID: uidGroup,
		message: oldMessage, element: oldElement, attributes: join(flags, oldTimes),
		attrName: join(attrName, []field{toString}), group: join(groupID, []field{toString}), pkt: oldPacket})
	JCS2 = generation(table{name: "2", family: "jcs-2", root: "org.apache.commons.jcs", reset: 70,
		discovery: "utils.discovery.UDPDiscoveryMessage", discoveryUID: uidDiscovery, attrUID: uidAttrName, groupUID: uidGroup,
		message: newMessage, element: newElement, attributes: join(flags, newTimes),
		attrName: join(attrName, []field{toString}), group: join(groupID, []field{toString}), pkt: newPacket})
	JCS3 = generation(table{name: "3", family: "jcs-3", root: "org.apache.commons.jcs3", framed: true,
		discovery: "utils.discovery.UDPDiscoveryMessage", discoveryUID: uidDiscovery, attrUID: uidAttrName, groupUID: uidGroup,
		message: newMessage, element: newElement, attributes: join(flags, newTimes), attrName: attrName, group: groupID, pkt: newPacket})
	JCS4 = generation(table{name: "4", family: "jcs-4", root: "org.apache.commons.jcs4", framed: true,
		discovery: "utils.discovery.UDPDiscoveryMessage", discoveryUID: uidDiscovery,
		message: []field{{'J', "requesterId", "requester", ""}, {'I', "valHashCode", "hash", ""}, {'L', "command", "command", tComm}, {'L', "payload", "element", tElem}},
		element: []field{{'L', "cacheName", "region", tString}, {'L', "elementAttributes", "attributes", tAttr}, {'L', "key", "key", tObject}, {'L', "value", "value", tObject}},
		attributes: []field{{'Z', "IsEternal", "eternal", ""}, {'Z', "IsLateral", "lateral", ""}, {'Z', "IsRemote", "remote", ""}, {'Z', "IsSpool", "spool", ""},
			{'L', "MaxIdleTime", "idle", "java.time.Duration"}, {'L', "MaxLife", "life", "java.time.Duration"}, {'L', "createTime", "created", "java.time.Instant"},
			{'L', "elementEventHandlers", "handlers", tList}, {'L', "mutableLastAccessTime", "accessed", tHolder}},
		attrName: attrName, group: groupID, pkt: newPacket})
)

// Generations lists them, oldest first.
var Generations = []*Generation{JCS13, JCS133, JCS2, JCS3, JCS4}

func join(lists ...[]field) (out []field) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// generation makes the classes of a table. A type's name is one string in all
// of them, as in Java, where they are interned.
func generation(t table) *Generation {
	g := &Generation{Name: t.name, Family: t.family, Root: t.root, Framed: t.framed, ResetEvery: t.reset, enums: t.message[0].name != "command"}
	sigs := map[string]*javaser.String{}
	class := func(below string, uid int64, fields []field) shape {
		s := shape{class: &javaser.Class{Name: t.root + "." + below, UID: uid, Flags: javaser.Serializable}}
		for _, f := range fields {
			jf := javaser.Field{Type: f.t, Name: f.name}
			if f.of != "" {
				jf.Sig = g.sig(sigs, f.of)
			}
			s.class.Fields = append(s.class.Fields, jf)
			s.roles = append(s.roles, f.role)
		}
		return s
	}
	g.descriptor = class("auxiliary.lateral.LateralElementDescriptor", uidDescriptor, t.message)
	g.element = class("engine.CacheElement", uidElement, t.element)
	g.attributes = class("engine.ElementAttributes", uidAttributes, t.attributes)
	g.accessed = class(tHolder, uidHolder, []field{{'L', "lastAccessTime", "accessed", "java.time.Instant"}})
	g.attr = class("engine.control.group.GroupAttrName", t.attrUID, t.attrName)
	g.group = class(tGroup, t.groupUID, t.group)
	g.discovery = class(t.discovery, t.discoveryUID, t.pkt)
	if g.enums {
		g.commands = constants(t.root+"."+tComm, opNames[:])
		g.kinds = constants(t.root+"."+tKind, kindNames[:])
	}
	return g
}

// sig is a class as field types spell it.
func (g *Generation) sig(known map[string]*javaser.String, class string) *javaser.String {
	if !strings.HasPrefix(class, "java.") {
		class = g.Root + "." + class
	}
	if known[class] == nil {
		known[class] = &javaser.String{S: "L" + strings.ReplaceAll(class, ".", "/") + ";"}
	}
	return known[class]
}

func constants(class string, names []string) map[int]*javaser.Enum {
	c := &javaser.Class{Name: class, Flags: javaser.Serializable | javaser.IsEnum, Super: javaser.EnumBase}
	out := map[int]*javaser.Enum{}
	for i, n := range names {
		if n != "" {
			out[i] = &javaser.Enum{Class: c, Const: &javaser.String{S: n}}
		}
	}
	return out
}

// GenerationOf finds the generation whose package a class is in; of the two of
// 1.3 the older.
func GenerationOf(class string) *Generation {
	for _, g := range Generations {
		if strings.HasPrefix(class, g.Root+".") {
			return g
		}
	}
	return nil
}

func (g *Generation) String() string { return g.Family }

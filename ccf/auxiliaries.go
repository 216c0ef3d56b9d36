// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lateral/cache"
)

// readAuxiliaries reads the definitions, and holds every name that a region
// uses against them.
func (r *reader) readAuxiliaries() {
	used := r.used()
	defined := map[string]entry{}
	var names []string
	for i, e := range r.sheet.entries {
		if p := r.spots[i]; p.part == partAuxiliary {
			defined[p.name] = e
			names = append(names, p.name)
		}
	}
	for _, name := range names {
		e := defined[name]
		if len(r.c.Auxiliaries) == maxAuxiliaries {
			r.say(Error, e, fmt.Sprintf("more than %d auxiliaries", maxAuxiliaries), "each listens and connects for itself", "let regions share one")
			break
		}
		if _, ok := used[name]; ok {
			r.auxiliary(name, e)
			continue
		}
		base, rest, _ := strings.Cut(name, ".")
		if _, ok := defined[base]; ok && rest != "" {
			r.say(Warning, e, "not a line of "+printable(base)+"'s attributes", "nothing reads it",
				"did you mean jcs.auxiliary."+printable(base)+".attributes."+printable(rest[strings.LastIndexByte(rest, '.')+1:])+"?")
			continue
		}
		r.say(Note, e, "no region uses this auxiliary", "it is not started", "name it in jcs.default or jcs.region.NAME, or remove it")
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if _, ok := defined[name]; !ok {
			r.say(Error, used[name], "auxiliary "+printable(name)+" is not defined", "JCS runs the region without it",
				meant(name, names, "add jcs.auxiliary."+printable(name)+"="+r.gen.root()+"auxiliary.lateral.socket.tcp.LateralTCPCacheFactory"))
		}
	}
	for i, e := range r.sheet.entries {
		p := r.spots[i]
		if p.part < partAttributes || p.part > partMatcher || r.fs.full() {
			continue
		}
		if _, ok := defined[p.name]; !ok {
			r.say(Warning, e, "auxiliary "+printable(p.name)+" is not defined", "nothing reads the line", meant(p.name, names, "add jcs.auxiliary."+printable(p.name)+"=…, or remove the line"))
		}
	}
	r.checkListeners()
	r.checkRemotes()
	r.checkObserved()
}

// used returns the first line that names each auxiliary.
func (r *reader) used() map[string]entry {
	used := map[string]entry{}
	for i, e := range r.sheet.entries {
		if p := r.spots[i].part; p != partDefault && p != partRegion {
			continue
		}
		for _, name := range readList(e.value) {
			if _, ok := used[name]; !ok {
				used[name] = e
			}
		}
	}
	return used
}

// auxiliary reads one definition with its attributes and its serializer.
func (r *reader) auxiliary(name string, e entry) {
	class := javaTrim(e.value)
	g, below := genOf(class)
	m := findMaker(g, below)
	if class == valkeyFactory {
		m, g = &valkeyMaker, r.gen
	}
	if m == nil {
		r.say(Error, e, fmt.Sprintf("%q is not the factory of an auxiliary that Lateral knows", printable(class)), "its regions would run without it",
			meant(class, factories(g), "write "+r.gen.root()+"auxiliary.lateral.socket.tcp.LateralTCPCacheFactory"))
		return
	}
	a := Auxiliary{Name: name, Kind: m.kind, Factory: class, Generation: g.String(), Where: e.pos}
	l := r.lots[e.key+".attributes"]
	if m != &valkeyMaker {
		r.checkAttributesClass(e, l, g, m)
	}
	b := &block{prefix: e.key + ".attributes", scopes: m.scopes, gen: g, quiet: m.kind != cache.Lateral && !m.kept() && m != &valkeyMaker, set: map[*key]setting{},
		head: e.key, value: class, pos: e.pos, doc: must(scopeTop, "jcs.auxiliary.NAME").doc}
	r.fill(b, l)
	switch {
	case m.kind == cache.Lateral:
		a.Lateral = r.lateral(b)
	case m.kept():
		a.Disk = r.disk(b)
	case m == &valkeyMaker:
		a.Remote = r.remote(b)
	default:
		reason := otherDiskReason
		if m.kind == cache.RemoteTier {
			reason = remoteReason
		}
		r.say(Warning, e, "a "+strings.SplitN(below, ".", 3)[1]+" auxiliary", reason, "see docs for the release that has it")
		a.Other = map[string]string{}
		for k, st := range b.set {
			a.Other[k.name()] = st.text
		}
	}
	r.c.blocks = append(r.c.blocks, b)
	r.serializer(&a, e, g)
	for part, name := range map[string]string{"cacheeventlogger": "jcs.auxiliary.NAME.cacheeventlogger", "keymatcher": "jcs.auxiliary.NAME.keymatcher"} {
		if l := r.lots[e.key+"."+part]; l != nil && l.class != nil {
			r.say(Note, *l.class, "accepted, not needed", must(scopeTop, name).idle, "leave it for JCS, or remove it")
		}
	}
	r.c.Auxiliaries = append(r.c.Auxiliaries, a)
}

func findMaker(g gen, below string) *maker {
	for i := range makers {
		if makers[i].gens&g != 0 && below == "auxiliary."+makers[i].class {
			return &makers[i]
		}
	}
	return nil
}

func factories(g gen) []string {
	if g == 0 {
		g = gAll
	}
	var list []string
	for _, v := range generations {
		for _, m := range makers {
			if g&v.gen&m.gens != 0 {
				list = append(list, v.root+"auxiliary."+m.class)
			}
		}
	}
	list = append(list, valkeyFactory)
	return list
}

// checkAttributesClass: without the right class JCS 1.3 to 3 leave the
// auxiliary out, JCS 4 knows it by itself.
func (r *reader) checkAttributesClass(e entry, l *lot, g gen, m *maker) {
	want := g.root() + "auxiliary." + m.attrs
	severity, why := Error, "JCS "+g.String()+" leaves the auxiliary out, and its regions run without it"
	if g == g4 {
		severity, why = Warning, "JCS 4 needs none, but cannot use a wrong one"
	}
	switch {
	case l == nil || l.class == nil:
		if g != g4 {
			r.say(severity, entry{e.key + ".attributes", "", e.pos}, "missing", why, "add "+e.key+".attributes="+want)
		}
	case javaTrim(l.class.value) != want:
		r.say(severity, *l.class, fmt.Sprintf("%q is not the class of these attributes", printable(l.class.value)), why, "write "+want)
	}
}

// serializer reads the serializer of an auxiliary, if it has one.
func (r *reader) serializer(a *Auxiliary, e entry, g gen) {
	l := r.lots[e.key+".serializer"]
	if l == nil || l.class == nil {
		if l != nil {
			r.say(Warning, l.lines[0], "attributes of a serializer without its class", "nothing reads the line", "add "+e.key+".serializer="+g.root()+"utils.serialization.StandardSerializer")
		}
		return
	}
	class := javaTrim(l.class.value)
	_, below := genOf(class)
	b := &block{prefix: e.key + ".serializer.attributes", scopes: []scope{scopeSerializer}, gen: g, quiet: true, set: map[*key]setting{}}
	switch below {
	case "utils.serialization.StandardSerializer", "utils.serialization.CompressingSerializer", "utils.serialization.JSONSerializer":
		b.scopes = nil
		for _, line := range l.lines {
			r.say(Warning, line, "this serializer has no attributes", "nothing reads the line", "remove it")
		}
	case "utils.serialization.EncryptingSerializer":
		r.fill(b, l)
		if !b.written(scopeSerializer, "PreSharedKey") {
			r.say(Error, *l.class, "an EncryptingSerializer without a PreSharedKey", "JCS cannot make it", "add "+b.prefix+".PreSharedKey=…")
		}
		a.Key, a.Cipher = b.text(scopeSerializer, "PreSharedKey"), b.text(scopeSerializer, "AesCipherTransformation")
		r.c.blocks = append(r.c.blocks, b)
	default:
		r.say(Warning, *l.class, fmt.Sprintf("%q is not a serializer of JCS", printable(class)), serializerReason, "write "+g.root()+"utils.serialization.StandardSerializer")
	}
	if a.Kind == cache.Lateral && g&g13to2 != 0 {
		r.say(Note, *l.class, "a serializer for LTCP", "JCS "+g.String()+" does not use it there", "")
	}
	a.Serializer = class
}

// checkListeners: two auxiliaries of one service cannot listen on one port.
func (r *reader) checkListeners() {
	for i, a := range r.c.Auxiliaries {
		for _, b := range r.c.Auxiliaries[:i] {
			if sameListener(a.Lateral, b.Lateral) {
				r.say(Error, entry{key: "jcs.auxiliary." + a.Name + ".attributes.TcpListenerPort", pos: a.Lateral.Where["TcpListenerPort"]},
					fmt.Sprintf("port %d, which %s has too, at %s", a.Lateral.TcpListenerPort, printable(b.Name), b.Lateral.Where["TcpListenerPort"]),
					"one of the two cannot listen", "give each auxiliary its own port")
			}
		}
	}
}

// sameListener reports whether two endpoints of one host want the same socket.
func sameListener(a, b *Lateral) bool {
	return a != nil && b != nil && a.Receive && b.Receive && a.TcpListenerPort != 0 && a.TcpListenerPort == b.TcpListenerPort &&
		(a.TcpListenerHost == b.TcpListenerHost || anyAddr(a.TcpListenerHost) || anyAddr(b.TcpListenerHost))
}

func anyAddr(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

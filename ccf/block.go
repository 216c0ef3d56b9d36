// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A lot is the lines of one prefix, as the files have them: the attributes of
// one region, auxiliary or pool.
type lot struct {
	spot  spot // of the first line
	class *entry
	lines []entry // without the class line; attr of each by place
}

// A block is a lot as it counts: the value of each key that is written, here
// or in the defaults it starts from.
type block struct {
	prefix string
	head   string // key and value of the line that declares it, for Effective
	value  string
	doc    string
	pos    Pos
	gen    gen
	scopes []scope
	quiet  bool // one finding tells of the whole block that it is not needed
	set    map[*key]setting
}

// A setting is one value with its text and place.
type setting struct {
	v    any
	text string
	pos  Pos
}

// fill reads the lines of a lot into the block.
func (r *reader) fill(b *block, l *lot) {
	if l == nil {
		return
	}
	strict := b.gen == g4 && (slices.Contains(b.scopes, scopeCache) || slices.Contains(b.scopes, scopeElement) || slices.Contains(b.scopes, scopePool))
	exact := strict || b.gen == g13 && slices.Contains(b.scopes, scopePool)
	before := map[*key]entry{}
	for _, e := range l.lines {
		attr := place(e.key).attr
		if r.fs.full() {
			r.fs.dropped++
			continue
		}
		k, sp := r.find(b, e, attr, exact)
		if k == nil {
			continue
		}
		if first, twice := before[k]; twice {
			r.say(Warning, e, fmt.Sprintf("the same attribute as %s at %s", printable(first.key), first.pos),
				"JCS takes either of them, by chance; here the last one counts", "remove one of the two lines")
		}
		before[k] = e
		r.store(b, k, sp, strict, e)
	}
}

// store reads the value of one line and says what is to be said about it.
func (r *reader) store(b *block, k *key, sp *spelling, strict bool, e entry) {
	if k.idle != "" && !b.quiet {
		r.say(Note, e, "accepted, not needed", k.idle, "leave it for JCS, or remove it")
	}
	if sp.typ == tServers {
		peers, said := readServers(b.gen, e.value)
		for _, t := range said {
			r.say(t.severity, e, t.saw, t.why, t.do)
		}
		b.set[k] = setting{peers, e.value, e.pos}
		return
	}
	v, bad := readValue(k, sp, b.gen, strict, e.value)
	if bad != nil {
		if k.secret {
			bad.saw = "a value that cannot be used as it is"
		}
		r.say(bad.severity, e, bad.saw, bad.why, bad.do)
	}
	if v != nil {
		b.set[k] = setting{v, e.value, e.pos}
	}
}

// find returns the key that a line of the block sets, or says why it sets none.
func (r *reader) find(b *block, e entry, attr string, exact bool) (*key, *spelling) {
	if strings.Contains(attr, ".") && !slices.Contains(b.scopes, scopeServer) {
		r.say(Warning, e, "a dot within the attribute's name", "JCS ignores the line without a word",
			meant(attr[strings.LastIndexByte(attr, '.')+1:], b.names(), "remove the line"))
		return nil, nil
	}
	same := func(name string) bool {
		return name == attr || !exact && attr != "" && len(name) == len(attr) && name[1:] == attr[1:] && strings.EqualFold(name[:1], attr[:1])
	}
	var elsewhere *key
	var theirs spelling
	for _, s := range b.scopes {
		for _, k := range byScope[s] {
			if sp := k.spelled(b.gen); sp != nil && same(sp.name) {
				if k.own&b.gen != 0 && sp.gens != 0 {
					r.say(Note, e, fmt.Sprintf("JCS %s does not know it", b.gen), "Lateral honours it; JCS nodes with this file ignore it", "")
				}
				return k, sp
			}
			for _, sp := range k.spell {
				if same(sp.name) {
					elsewhere, theirs = k, sp
				}
			}
		}
	}
	ignored := "JCS " + b.gen.String() + " ignores the line with a warning"
	if exact && b.gen == g4 {
		ignored = "JCS 4 ignores the line without a word"
	}
	switch {
	case elsewhere == nil:
		r.say(Warning, e, "unknown attribute", ignored, meant(attr, b.names(), "remove the line, or see lateral config reference"))
	case elsewhere.spelled(b.gen) == nil:
		r.say(Warning, e, "an attribute of JCS "+theirs.gens.String(), ignored, "remove the line")
	default:
		sp := elsewhere.spelled(b.gen)
		r.say(Warning, e, fmt.Sprintf("the spelling of JCS %s, in a file of JCS %s", theirs.gens, b.gen), ignored+": the default, "+orNone(sp.def)+", counts",
			"write "+sp.name+"="+respell(e.value, &theirs, sp))
	}
	return nil, nil
}

// respell writes a value of one spelling as the other wants it.
func respell(value string, from, to *spelling) string {
	n, bad := readNumber(tLong, false, javaTrim(value))
	switch {
	case from.typ == to.typ || bad != nil && (from.typ == tSeconds || from.typ == tMillis):
		return printable(value)
	case to.typ == tISO && from.typ == tSeconds && n.(int64) >= 0:
		return fmt.Sprintf("PT%dS", n)
	case to.typ == tSeconds && from.typ == tISO:
		if d, ok := parseISO(javaTrim(value)); ok {
			return fmt.Sprint(int64(d / time.Second))
		}
	case to.typ == tMillis && from.typ == tISO:
		if d, ok := parseISO(javaTrim(value)); ok {
			return fmt.Sprint(d.Milliseconds())
		}
	}
	return printable(value)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// names lists what the block's generation and Lateral know.
func (b *block) names() []string {
	var names []string
	for _, s := range b.scopes {
		for _, k := range byScope[s] {
			if sp := k.spelled(b.gen); sp != nil {
				names = append(names, sp.name)
			}
		}
	}
	return names
}

// look returns the value of a key by its name in the table: what is written,
// or else the default of the block's generation.
func look[T any](b *block, s scope, name string) T {
	k := must(s, name)
	if st, ok := b.set[k]; ok {
		return st.v.(T)
	}
	sp := k.spelled(b.gen)
	if sp == nil {
		sp = &k.spell[0]
	}
	var none T
	if sp.def == "" || sp.typ == tServers {
		return none
	}
	v, _ := readValue(k, sp, b.gen, false, sp.def)
	t, ok := v.(T)
	if !ok {
		panic(fmt.Sprintf("ccf: %s is not a %T", name, none))
	}
	return t
}

func (b *block) written(s scope, name string) bool { _, ok := b.set[must(s, name)]; return ok }

func (b *block) num(s scope, name string) int            { return int(look[int64](b, s, name)) }
func (b *block) bool(s scope, name string) bool          { return look[bool](b, s, name) }
func (b *block) time(s scope, name string) time.Duration { return look[time.Duration](b, s, name) }
func (b *block) text(s scope, name string) string        { return look[string](b, s, name) }
func (b *block) list(s scope, name string) []string      { return look[[]string](b, s, name) }
func (b *block) addr(s scope, name string) netip.Addr    { return look[netip.Addr](b, s, name) }

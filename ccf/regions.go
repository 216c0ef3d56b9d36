// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

// readDefault reads jcs.default and its attributes.
func (r *reader) readDefault() {
	e, ok := r.sheet.get("jcs.default")
	if !ok && len(r.c.Files) > 0 && !r.sheet.headless {
		r.fs.add(Error, Pos{File: r.c.Files[0]}, "jcs.default", "missing", "regions that are not declared have no settings: JCS 1.3 fails on them",
			"add jcs.default=LTCP with your auxiliary's name, or jcs.default= for memory only; the first file of a service must have it")
	}
	r.c.Default = r.region("jcs.default", "", e, nil, nil)
}

// readRegions reads the declared regions, those of jcs.system first.
func (r *reader) readRegions() {
	declared := map[string]entry{}
	base := r.c.blocks // of the default: cacheattributes, elementattributes
	for _, prefix := range []string{"jcs.system.", "jcs.region."} {
		for i, e := range r.sheet.entries {
			p := r.spots[i]
			if p.part != partRegion || !strings.HasPrefix(e.key, prefix) {
				continue
			}
			if first, twice := declared[p.name]; twice {
				r.say(Warning, e, "the region is declared at "+first.pos.String()+" too", "the first one counts", "remove one of the two lines")
				continue
			}
			declared[p.name] = e
			if len(r.c.Regions) == maxRegions {
				r.say(Error, e, fmt.Sprintf("more than %d regions", maxRegions), "no service has that many", "look for a list that repeats itself")
				return
			}
			r.c.Regions = append(r.c.Regions, r.region(e.key, p.name, e, base[0], base[1]))
		}
	}
	r.dotted(declared)
	names := slices.Sorted(maps.Keys(declared))
	for i, e := range r.sheet.entries {
		p := r.spots[i]
		if !p.ofRegion() || p.part == partRegion || r.fs.full() {
			continue
		}
		if d, ok := declared[p.name]; ok {
			if !strings.HasPrefix(p.prefix, d.key+".") {
				r.say(Warning, e, "the region is declared as "+d.key+" at "+d.pos.String(), "nothing reads the line", "write "+d.key+" here too")
			}
			continue
		}
		r.say(Warning, e, fmt.Sprintf("region %s is not declared", printable(p.name)), "nothing reads the line",
			meant(p.name, names, "declare it with jcs.region."+printable(p.name)+"=…, or remove the line"))
	}
}

// dotted warns of regions that are probably attributes: in JCS every
// jcs.region.X.something is a region called X.something.
func (r *reader) dotted(declared map[string]entry) {
	for _, g := range r.c.Regions {
		i := strings.LastIndexByte(g.Name, '.')
		if i < 0 || r.fs.full() {
			continue
		}
		base, _, _ := strings.Cut(g.Name, ".")
		attr := g.Name[i+1:]
		group := ""
		for part, s := range map[string]scope{"cacheattributes": scopeCache, "elementattributes": scopeElement} {
			for _, k := range byScope[s] {
				if slices.ContainsFunc(k.spell, func(sp spelling) bool { return strings.EqualFold(sp.name, attr) }) {
					group = part
				}
			}
		}
		if _, ok := declared[base]; !ok && group == "" {
			continue
		}
		do := "choose a name without a dot, or remove the line"
		if group != "" {
			do = "did you mean jcs.region." + printable(base) + "." + group + "." + attr + "?"
		}
		r.say(Warning, declared[g.Name], fmt.Sprintf("this declares a region called %s", printable(g.Name)), "JCS reads every such key as a region", do)
	}
}

// region reads one region, or jcs.default if base and elements are nil, and
// leaves its blocks.
func (r *reader) region(prefix, name string, e entry, base, elements *block) Region {
	b := r.attributes(prefix+".cacheattributes", scopeCache, base)
	el := r.attributes(prefix+".elementattributes", scopeElement, elements)
	b.head, b.value, b.pos = prefix, javaTrim(e.value), e.pos
	b.doc = must(scopeTop, "jcs.region.NAME").doc
	if base == nil {
		b.doc = must(scopeTop, "jcs.default").doc
	}
	g := Region{
		Name: name, Auxiliaries: readList(e.value), Where: e.pos,
		MaxObjects:       b.num(scopeCache, "MaxObjects"),
		MaxBytes:         look[int64](b, scopeCache, "MaxBytes"),
		Acks:             b.num(scopeCache, "Acks"),
		AckTimeout:       b.time(scopeCache, "AckTimeout"),
		WhenLinkDown:     b.text(scopeCache, "WhenLinkDown"),
		StaleMax:         b.time(scopeCache, "StaleMax"),
		Strict:           b.bool(scopeCache, "Strict"),
		Lease:            b.time(scopeCache, "Lease"),
		RespMap:          b.text(scopeCache, "RespMap"),
		UseShrinker:      b.bool(scopeCache, "UseMemoryShrinker"),
		ShrinkerInterval: b.time(scopeCache, "ShrinkerIntervalSeconds"),
		MaxMemoryIdle:    b.time(scopeCache, "MaxMemoryIdleTimeSeconds"),
		MaxSpoolPerRun:   b.num(scopeCache, "MaxSpoolPerRun"),
		SpoolChunk:       b.num(scopeCache, "SpoolChunkSize"),
		DiskUpdate:       b.text(scopeCache, "DiskUsagePatternName") == "UPDATE",
		UseLateral:       b.bool(scopeCache, "UseLateral"),
		UseRemote:        b.bool(scopeCache, "UseRemote"),
		UseDisk:          b.bool(scopeCache, "UseDisk"),
		Attr: cache.Attributes{
			Eternal: el.bool(scopeElement, "IsEternal"),
			Spool:   el.bool(scopeElement, "IsSpool"),
			Lateral: el.bool(scopeElement, "IsLateral"),
			Remote:  el.bool(scopeElement, "IsRemote"),
			MaxLife: r.lifetime(el, "MaxLifeSeconds"),
			MaxIdle: r.lifetime(el, "IdleTime"),
			Size:    el.num(scopeElement, "Size"),
		},
	}
	if st, ok := b.set[must(scopeCache, "MemoryCacheName")]; ok {
		g.Policy = r.policy(b, st)
	}
	r.checkRegion(&g, b, el)
	r.c.blocks = append(r.c.blocks, b, el)
	return g
}

// attributes reads one lot of a region on top of those of jcs.default. With a
// class line JCS 1.3 to 3 start from a fresh object instead.
func (r *reader) attributes(prefix string, s scope, base *block) *block {
	l := r.lots[prefix]
	b := &block{prefix: prefix, scopes: []scope{s}, gen: r.classGen(l), set: map[*key]setting{}}
	fresh := l != nil && l.class != nil && b.gen != g4
	if base != nil && !fresh {
		maps.Copy(b.set, base.set)
	}
	if l != nil && l.class != nil {
		r.checkClass(*l.class, s)
	}
	r.fill(b, l)
	if base == nil || !fresh {
		return b
	}
	var lost []string
	for k := range base.set {
		if _, ok := b.set[k]; !ok && k.idle == "" {
			lost = append(lost, k.name())
		}
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		r.say(Note, *l.class, "with this class line the region does not start from jcs.default", "not taken from there: "+strings.Join(lost, ", "),
			"remove the class line if they should be")
	}
	return b
}

// checkClass warns of a class line that JCS could not make an object of.
func (r *reader) checkClass(e entry, s scope) {
	want := "engine.CompositeCacheAttributes"
	if s == scopeElement {
		want = "engine.ElementAttributes"
	}
	g, below := genOf(javaTrim(e.value))
	if g == 0 {
		g = r.gen
	}
	if below != want {
		r.say(Warning, e, fmt.Sprintf("%q is not the class of these attributes", printable(e.value)), "JCS cannot make one and takes the default", "write "+g.root()+want)
	}
}

// lifetime reads a time to live in the unit of the region's own.
func (r *reader) lifetime(el *block, name string) time.Duration {
	d := el.time(scopeElement, name)
	factor := look[int64](el, scopeElement, "TimeFactorForMilliseconds")
	if el.gen&g2to3 == 0 || factor == 1000 || d < 0 {
		return d
	}
	return times(int64(d/time.Second), times(factor, time.Millisecond))
}

// policy returns the memory policy of a class; a bad one is LRU.
func (r *reader) policy(b *block, st setting) string {
	name := st.v.(string)
	e := entry{b.prefix + ".MemoryCacheName", st.text, st.pos}
	inherited := !r.isHere(b, st)
	g, below := genOf(name)
	for _, m := range memoryPolicies {
		if below != "engine.memory."+m.class || g&m.gens == 0 {
			continue
		}
		if m.policy == "soft" && !inherited {
			r.say(Note, e, "SoftReferenceMemoryCache", "Go has no soft references: Lateral evicts the least recently used", "bound it by MaxObjects or MaxBytes")
		}
		return m.policy
	}
	if !inherited {
		r.say(Warning, e, fmt.Sprintf("%q is not a memory cache of JCS %s", printable(name), b.gen), "JCS goes on with LRU, and so does Lateral",
			"write "+b.gen.root()+"engine.memory.lru.LRUMemoryCache")
	}
	return "lru"
}

// isHere reports whether a setting is written in the block itself rather than
// in jcs.default: what is wrong there is told there.
func (r *reader) isHere(b *block, st setting) bool {
	l := r.lots[b.prefix]
	return l != nil && slices.ContainsFunc(l.lines, func(e entry) bool { return e.pos == st.pos })
}

// maxLease is the longest lease of a strict region.
const maxLease = time.Minute

// checkRegion tells of settings that contradict each other.
func (r *reader) checkRegion(g *Region, b, el *block) {
	if g.Attr.Eternal {
		for _, name := range []string{"MaxLifeSeconds", "IdleTime"} {
			if st, ok := el.set[must(scopeElement, name)]; ok && st.v.(time.Duration) > 0 && r.isHere(el, st) {
				sp := must(scopeElement, name).spelled(el.gen)
				r.fs.add(Warning, st.pos, el.prefix+"."+sp.name, "a lifetime, while IsEternal is true", "nothing expires", "add "+el.prefix+".IsEternal=false")
			}
		}
	}
	for _, c := range []struct {
		n    int
		name string
		low  int
	}{{g.MaxObjects, "MaxObjects", 0}, {g.SpoolChunk, "SpoolChunkSize", 1}} {
		if st, ok := b.set[must(scopeCache, c.name)]; ok && c.n < c.low && r.isHere(b, st) {
			r.fs.add(Warning, st.pos, b.prefix+"."+c.name, fmt.Sprint(c.n), fmt.Sprintf("less than %d makes no sense and counts as %d", c.low, c.low), "write what is meant")
		}
	}
	g.MaxObjects, g.SpoolChunk = max(g.MaxObjects, 0), max(g.SpoolChunk, 1)
	if st, ok := b.set[must(scopeCache, "Lease")]; ok && g.Lease > maxLease {
		if r.isHere(b, st) {
			r.fs.add(Warning, st.pos, b.prefix+".Lease", st.text, "a removal would wait that long for a member that has died; it counts as "+maxLease.String(), "write less")
		}
		g.Lease = maxLease
	}
	if st, ok := b.set[must(scopeCache, "ShrinkerIntervalSeconds")]; ok && g.UseShrinker && g.ShrinkerInterval <= 0 && r.isHere(b, st) {
		r.fs.add(Error, st.pos, b.prefix, fmt.Sprintf("the shrinker runs every %q", printable(st.text)), "it would never rest", "write at least 1 second")
	}
}

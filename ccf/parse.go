// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A reader makes a Config of a sheet. What it has to say goes through say.
type reader struct {
	fs    *findings
	sheet *sheet
	c     *Config
	gen   gen             // of the files as a whole
	lots  map[string]*lot // by prefix
	spots []spot          // of the sheet's entries
}

func (r *reader) say(s Severity, e entry, saw, why, do string) {
	r.fs.add(s, e.pos, e.key, saw, why, do)
}

func (o Options) parse(fs *findings, files []Source) (*Config, error) {
	r := &reader{fs: fs, sheet: o.read(fs, files), c: &Config{}, lots: map[string]*lot{}}
	for _, f := range files {
		r.c.Files = append(r.c.Files, f.Name)
	}
	r.sort()
	r.gen = r.generation()
	r.readDefault()
	r.readRegions()
	r.readAuxiliaries()
	r.readPools()
	r.strays()
	r.c.errs, r.c.Findings = fs.split(r.c.Files)
	if len(r.c.errs) > 0 {
		return r.c, r.c.errs
	}
	return r.c, nil
}

// sort puts each line of attributes into the lot it belongs to.
func (r *reader) sort() {
	r.spots = make([]spot, len(r.sheet.entries))
	for i, e := range r.sheet.entries {
		p := place(e.key)
		r.spots[i] = p
		switch p.part {
		case partOther, partDefault, partRegion, partHidden, partAuxiliary:
			continue
		}
		l := r.lots[p.prefix]
		if l == nil {
			l = &lot{spot: p}
			r.lots[p.prefix] = l
		}
		if p.attr == "" {
			l.class = &r.sheet.entries[i]
		} else {
			l.lines = append(l.lines, e)
		}
	}
}

// generation tells which JCS the files are for, by the package of the class
// names: those of auxiliaries first, since they are what must be spoken.
// Files without a class name are read as those of JCS 1.3.
func (r *reader) generation() gen {
	var found gen
	var first entry
	for _, parts := range [][]part{{partAuxiliary}, {partAttributes}, {partCache, partElement}} {
		for i, e := range r.sheet.entries {
			p := r.spots[i]
			class := p.attr == "" || p.attr == "MemoryCacheName"
			if !class || !slices.Contains(parts, p.part) {
				continue
			}
			g, _ := genOf(javaTrim(e.value))
			switch {
			case g == 0 || g == found:
			case found == 0:
				found, first = g, e
			default:
				r.say(Warning, e, fmt.Sprintf("a class of JCS %s beside one of JCS %s at %s", g, found, first.pos),
					"no JVM has both: JCS skips what it cannot load", "write "+found.root()+" throughout")
			}
		}
	}
	if found == 0 {
		return g13
	}
	return found
}

// classGen is the generation of one class line, or of the files.
func (r *reader) classGen(l *lot) gen {
	if l != nil && l.class != nil {
		if g, _ := genOf(javaTrim(l.class.value)); g != 0 {
			return g
		}
	}
	return r.gen
}

// readPools checks thread and scheduler pools, the remote server's keys and
// the lots of auxiliaries that no peer needs. One note tells of each lot.
func (r *reader) readPools() {
	for _, prefix := range slices.Sorted(maps.Keys(r.lots)) {
		l := r.lots[prefix]
		b := &block{prefix: prefix, gen: r.gen, quiet: true, set: map[*key]setting{}}
		switch l.spot.part {
		case partPool:
			b.scopes, b.doc = []scope{scopePool}, poolReason
		case partScheduler:
			b.scopes, b.doc = []scope{scopeScheduler}, poolReason
		case partServer:
			b.scopes, b.doc = []scope{scopeServerAttributes}, serverReason
			if prefix == "" {
				b.scopes = []scope{scopeServer}
			}
		default:
			continue
		}
		if b.doc != "" && len(l.lines) > 0 {
			r.say(Note, entry{key: prefix, pos: l.lines[0].pos}, "accepted, not needed", b.doc, "leave it for JCS, or remove it")
		}
		r.fill(b, l)
		r.checkPool(b)
		r.c.blocks = append(r.c.blocks, b)
	}
}

// checkPool: JCS 2 and later start startUpSize threads at once.
func (r *reader) checkPool(b *block) {
	if !slices.Contains(b.scopes, scopePool) || !b.written(scopePool, "startUpSize") || b.gen == g13 {
		return
	}
	if start, most := b.num(scopePool, "startUpSize"), b.num(scopePool, "maximumPoolSize"); start > most {
		r.fs.add(Warning, b.set[must(scopePool, "startUpSize")].pos, b.prefix+".startUpSize", fmt.Sprintf("%d, of at most %d threads", start, most),
			"JCS "+b.gen.String()+" cannot make such a pool", "write at most maximumPoolSize")
	}
}

// strays tells of lines that nothing reads.
func (r *reader) strays() {
	for i, e := range r.sheet.entries {
		p := r.spots[i]
		if r.fs.full() {
			r.fs.dropped++
			continue
		}
		switch {
		case p.part == partHidden && p.prefix == "jcs.default":
			r.say(Warning, e, "neither cacheattributes nor elementattributes", "nothing reads the line",
				meant("jcs.default."+segment(e.key, 2), []string{"jcs.default.cacheattributes", "jcs.default.elementattributes"}, "write jcs.default.cacheattributes.X or jcs.default.elementattributes.X"))
		case p.part == partHidden:
			r.say(Warning, e, `a region's key with "attributes" in it`, "JCS does not see a region there, and reads no attribute from it",
				"choose another name, or write .cacheattributes.X or .elementattributes.X")
		case p.part == partOther && !r.sheet.named[e.key] && strings.Trim(e.key, " ") != "":
			r.say(Warning, e, "unknown key", "nothing reads it", meant(head(e.key), heads, "remove the line, or see lateral config reference"))
		}
	}
}

// heads are the ways a key can start.
var heads = []string{"jcs.default", "jcs.region", "jcs.system", "jcs.auxiliary", "thread_pool", "scheduler_pool"}

// segment returns the n-th part of a key between dots, or "".
func segment(key string, n int) string {
	if parts := strings.SplitN(key, ".", n+2); len(parts) > n {
		return parts[n]
	}
	return ""
}

// head returns as much of a key as heads have.
func head(key string) string {
	parts := strings.SplitN(key, ".", 3)
	if len(parts) > 1 && !strings.Contains(parts[0], "pool") {
		return parts[0] + "." + parts[1]
	}
	return parts[0]
}

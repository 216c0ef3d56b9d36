// SPDX-License-Identifier: Apache-2.0

package ccf

import "strings"

// A part says which kind of line a key is.
type part uint8

const (
	partOther      part = iota // nothing JCS reads
	partDefault                // jcs.default
	partRegion                 // jcs.region.NAME, jcs.system.NAME
	partCache                  // ….cacheattributes[.X] of a region or of jcs.default
	partElement                // ….elementattributes[.X]
	partHidden                 // jcs.region.… with "attributes" in it, and so no region
	partAuxiliary              // jcs.auxiliary.NAME
	partAttributes             // jcs.auxiliary.NAME.attributes[.X]
	partSerializer             // ….serializer[.attributes.X]
	partLogger                 // ….cacheeventlogger[.attributes.X]
	partMatcher                // ….keymatcher[.attributes.X]
	partPool                   // thread_pool.NAME.X
	partScheduler              // scheduler_pool.NAME.X
	partServer                 // keys of the remote cache server
)

// A spot is where a key belongs: attribute attr of part of name. The group of
// all attributes that belong together share prefix.
type spot struct {
	part   part
	name   string // of the region, auxiliary or pool; "" is jcs.default
	prefix string
	attr   string // "" is the class line, or the declaration
}

func (p spot) isDefault() bool {
	return (p.part == partCache || p.part == partElement) && p.prefix[:len("jcs.d")] == "jcs.d"
}

func (p spot) ofRegion() bool {
	return !p.isDefault() && (p.part == partRegion || p.part == partCache || p.part == partElement)
}

// auxParts are the sub-blocks of an auxiliary.
var auxParts = []struct {
	text string
	part part
}{
	{".attributes", partAttributes}, {".serializer", partSerializer},
	{".cacheeventlogger", partLogger}, {".keymatcher", partMatcher},
}

// place says where a key belongs, going by its text alone, as JCS does: in
// JCS 1.3 to 4 every jcs.region.… without "attributes" declares a region,
// whatever dots it has (CompositeCacheConfigurator.parseRegions).
func place(key string) spot {
	if rest, ok := strings.CutPrefix(key, "jcs.default"); ok && (rest == "" || rest[0] == '.') {
		if rest == "" {
			return spot{part: partDefault, prefix: key}
		}
		return regionSpot(key, "jcs.default", 0)
	}
	for _, p := range []string{"jcs.region.", "jcs.system."} {
		if strings.HasPrefix(key, p) {
			return regionSpot(key, p, len(p))
		}
	}
	if rest, ok := strings.CutPrefix(key, "jcs.auxiliary."); ok {
		return auxSpot(key, rest)
	}
	for _, p := range []struct {
		text string
		part part
	}{{"thread_pool.", partPool}, {"scheduler_pool.", partScheduler}} {
		if rest, ok := strings.CutPrefix(key, p.text); ok {
			if name, attr, ok := strings.Cut(rest, "."); ok {
				return spot{p.part, name, p.text + name, attr}
			}
		}
	}
	if k := byName(scopeServer, key); k != nil {
		return spot{part: partServer, attr: key}
	}
	if attr, ok := strings.CutPrefix(key, "jcs.remotecache.serverattributes."); ok {
		return spot{part: partServer, prefix: "jcs.remotecache.serverattributes", attr: attr}
	}
	return spot{part: partOther}
}

func regionSpot(key, prefix string, from int) spot {
	for _, a := range []struct {
		text string
		part part
	}{{".cacheattributes", partCache}, {".elementattributes", partElement}} {
		i := strings.Index(key, a.text)
		if i < 0 {
			continue
		}
		end := i + len(a.text)
		name := ""
		if from > 0 {
			if i < from {
				continue
			}
			name = key[from:i]
		} else if i != len(prefix) {
			continue
		}
		if end == len(key) {
			return spot{a.part, name, key, ""}
		}
		if key[end] == '.' {
			return spot{a.part, name, key[:end], key[end+1:]}
		}
	}
	if from == 0 || strings.Contains(key, "attributes") {
		return spot{part: partHidden, prefix: prefix}
	}
	return spot{part: partRegion, name: key[from:], prefix: key}
}

func auxSpot(key, rest string) spot {
	for i := 0; i < len(rest); i++ {
		for _, a := range auxParts {
			tail, ok := strings.CutPrefix(rest[i:], a.text)
			if !ok || tail != "" && tail[0] != '.' {
				continue
			}
			s := spot{a.part, rest[:i], strings.TrimSuffix(key, tail), strings.TrimPrefix(tail, ".")}
			if a.part != partAttributes && s.attr != "" {
				s.attr, ok = strings.CutPrefix(s.attr, "attributes.")
				if !ok {
					return spot{part: partOther}
				}
			}
			return s
		}
	}
	return spot{part: partAuxiliary, name: rest, prefix: key}
}

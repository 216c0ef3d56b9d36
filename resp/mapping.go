// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"fmt"
	"strconv"
	"strings"

	"lateral/cache"
	"lateral/jcs"
)

// A Map says which region a key is in.
type Map []Mapping

// A Mapping is one line of a Map: a database or, in every database, the keys
// that begin with a prefix.
type Mapping struct {
	Database int
	Prefix   string // "" for a database
	Region   string
}

// MaxDatabase bounds the numbers of databases.
const MaxDatabase = 1 << 16

func (m Mapping) from() string {
	if m.Prefix != "" {
		return m.Prefix + "*"
	}
	return strconv.Itoa(m.Database)
}

// ParseMap reads "0=SessionCache,1=User,sess:*=SessionCache": a number is a
// database, what ends in * is a prefix.
func ParseMap(text string) (Map, error) {
	var m Map
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		from, name, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || name == "" || len(name) > cache.MaxRegion {
			return nil, fmt.Errorf("map %.80q: %.40q is not NUMBER=REGION or PREFIX*=REGION", text, part)
		}
		one := Mapping{Region: name}
		if p, isPrefix := strings.CutSuffix(from, "*"); isPrefix && p != "" {
			one.Prefix = p
		} else if n, err := strconv.ParseUint(from, 10, 32); err == nil && n < MaxDatabase {
			one.Database = int(n)
		} else {
			return nil, fmt.Errorf("map %.80q: %.40q is neither the number of a database, at most %d, nor a prefix that ends in *", text, from, MaxDatabase-1)
		}
		if seen[one.from()] {
			return nil, fmt.Errorf("map %.80q: %s is mapped twice", text, one.from())
		}
		seen[one.from()] = true
		m = append(m, one)
	}
	return m, nil
}

type database struct {
	index   int
	base    *region
	regions []*region // base and those of the prefixes
}

type prefix struct {
	text   string
	region *region
}

// where returns the region of a key of a database.
func (f *Front) where(d *database, key string) *region {
	for i := range f.prefixes {
		if strings.HasPrefix(key, f.prefixes[i].text) {
			return f.prefixes[i].region
		}
	}
	return d.base
}

// belongs reports whether a key that a region holds is one of a database: a
// region that prefixes lead to may be another database's as well.
func (f *Front) belongs(d *database, r *region, key string) bool { return f.where(d, key) == r }

// plain marks a key that has a meaning in JCS, or none, as plain text: one that
// is empty, starts with NUL or ends in what makes a removal one of a prefix.
const plain = "\x00s"

// nameOf returns the key of the cache for one of a client. A Java object that is
// no String has a text by which clients name it (jcs.KeyName).
func nameOf(key string) string {
	if key == "" || key[0] == 0 || cache.IsPrefix(key) {
		return plain + key
	}
	if strings.HasPrefix(key, jcs.KeyMark) {
		return jcs.NamedKey(key)
	}
	return key
}

// keyOf is the reverse; ok is false for what a client cannot name: groups.
func keyOf(name string) (key string, ok bool) {
	if key, ok = strings.CutPrefix(name, plain); ok {
		return key, true
	}
	if name[0] == 0 || strings.HasPrefix(name, jcs.KeyMark) {
		return jcs.KeyName(name)
	}
	return name, true
}

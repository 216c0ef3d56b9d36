// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// A sheet is the keys of all files of a service, merged: each key once, in
// the order of the files.
type sheet struct {
	fs      *findings
	entries []entry
	index   map[string]int  // key → place in entries
	named   map[string]bool // keys that some ${} names

	headless bool // the first file could not be read
}

// read lays the files of a service on top of each other and undoes ${}.
func (o Options) read(fs *findings, files []Source) *sheet {
	s := &sheet{fs: fs, index: map[string]int{}, named: map[string]bool{}}
	for i, f := range files {
		list, ok := s.decode(f)
		if i == 0 {
			s.headless = !ok
			for _, e := range list {
				s.put(e)
			}
			continue
		}
		s.addLater(list)
	}
	for _, k := range slices.Sorted(maps.Keys(o.Overrides)) {
		if strings.HasPrefix(k, "jcs") {
			s.put(entry{k, o.Overrides[k], Pos{File: "override"}})
		}
	}
	s.expand(o.Overrides)
	return s
}

func (s *sheet) put(e entry) {
	if i, ok := s.index[e.key]; ok {
		s.entries[i] = e
		return
	}
	s.index[e.key] = len(s.entries)
	s.entries = append(s.entries, e)
}

func (s *sheet) get(key string) (entry, bool) {
	i, ok := s.index[key]
	if !ok {
		return entry{}, false
	}
	return s.entries[i], true
}

// decode reads one file; of a key written twice the last one counts.
func (s *sheet) decode(f Source) ([]entry, bool) {
	data, ok := s.text(f)
	if !ok {
		return nil, false
	}
	l := lexer{data: data, line: 1, bad: func(line int, saw, why, do string) {
		s.fs.add(Error, Pos{f.Name, line}, "", saw, why, do)
	}}
	var list []entry
	at := map[string]int{}
	for {
		e, ok := l.next()
		if !ok {
			return list, true
		}
		e.pos.File = f.Name
		s.checkText(e)
		if i, twice := at[e.key]; twice {
			s.fs.add(Warning, e.pos, e.key, fmt.Sprintf("written before, at %s, as %q", list[i].pos, printable(list[i].value)),
				"the last one counts", "remove one of the two lines")
			list[i] = e
			continue
		}
		at[e.key] = len(list)
		list = append(list, e)
	}
}

// text refuses what cannot be a properties file at all.
func (s *sheet) text(f Source) ([]byte, bool) {
	whole := Pos{File: f.Name}
	if f.lost {
		return nil, false
	}
	if len(f.Data) > maxFile {
		s.fs.add(Error, whole, "", fmt.Sprintf("more than %d bytes", maxFile), "a cache.ccf is not read beyond that", "name the right file")
		return nil, false
	}
	if bytes.HasPrefix(f.Data, []byte("\xff\xfe")) || bytes.HasPrefix(f.Data, []byte("\xfe\xff")) {
		s.fs.add(Error, whole, "", "UTF-16 text", "Java properties are ISO-8859-1: no key would be recognised", "save the file as plain text")
		return nil, false
	}
	if i := bytes.IndexByte(f.Data, 0); i >= 0 {
		s.fs.add(Error, Pos{f.Name, lineAt(f.Data[:i])}, "", "a NUL byte", "this is not a text file", "name the right file, or restore it")
		return nil, false
	}
	data, marked := bytes.CutPrefix(f.Data, []byte("\xef\xbb\xbf"))
	if marked {
		s.fs.add(Warning, Pos{f.Name, 1}, "", "a UTF-8 byte order mark", "Java takes it for the start of the first line's key; here it is skipped",
			"save the file without it")
	}
	return data, true
}

// lineAt returns the number of the line after b.
func lineAt(b []byte) int {
	crlf := bytes.Count(b, []byte("\r\n"))
	return 1 + bytes.Count(b, []byte("\n")) + bytes.Count(b, []byte("\r")) - crlf
}

func (s *sheet) checkText(e entry) {
	if strings.Trim(e.key, " ") == "" {
		s.fs.add(Warning, e.pos, "", "a value without a key", "nothing reads it", "write key=value, or start the line with #")
	}
	latin := make([]byte, 0, len(e.value))
	for _, r := range e.value {
		if r > 0xff {
			return
		}
		latin = append(latin, byte(r))
	}
	if wide := utf8.RuneCount(latin); utf8.Valid(latin) && wide < len(latin) {
		s.fs.add(Warning, e.pos, e.key, fmt.Sprintf("UTF-8 text, read as %q", printable(e.value)), "Java properties are ISO-8859-1",
			`write characters beyond ASCII as \uXXXX`)
	}
}

// addLater adds the keys of a second or later file, of which what the files
// before already say is ignored (Open-Xchange: JCSCacheServiceInit).
func (s *sheet) addLater(list []entry) {
	regions := map[string]entry{}
	for _, e := range s.entries {
		if p := place(e.key); p.part == partRegion {
			regions[p.name] = e
		}
	}
	for _, e := range list {
		p := place(e.key)
		known, twice := s.get(e.key)
		declared, exists := regions[p.name]
		switch {
		case p.part == partDefault || p.isDefault():
			if !twice {
				known, _ = s.get("jcs.default")
			}
			where := "; the first file has none"
			if known.pos != (Pos{}) {
				where = "; it counts as it stands at " + known.pos.String()
			}
			s.fs.add(Warning, e.pos, e.key, "jcs.default in a file that is not the first",
				"the line is ignored"+where, "remove the line, or move it to the first file")
		case twice:
			s.fs.add(Warning, e.pos, e.key, "already set at "+known.pos.String(), "the line is ignored: the earlier file counts", "remove one of the two lines")
		case exists && p.ofRegion():
			s.fs.add(Warning, e.pos, e.key, fmt.Sprintf("region %s already exists, from %s", printable(p.name), declared.pos),
				"the line is ignored: the earlier file counts", "move the line there")
		default:
			s.put(e)
		}
	}
}

// expand undoes ${} in all values. Every value is looked up as written, so
// nothing is replaced twice whatever the order.
func (s *sheet) expand(overrides map[string]string) {
	raw := slices.Clone(s.entries)
	for i, e := range raw {
		value, err := substitute(e.value, func(name string) string {
			s.named[name] = true
			if v, ok := overrides[name]; ok {
				return v
			}
			if j, ok := s.index[name]; ok {
				return raw[j].value
			}
			s.fs.add(Warning, e.pos, e.key, "${"+printable(name)+"}, which is not defined", "it counts as empty",
				"add a line "+printable(name)+"=…, or write the value itself")
			return ""
		})
		switch err {
		case errUnclosed:
			s.fs.add(Error, e.pos, e.key, err.Error(), "JCS logs an error and takes "+printable(e.value)+" as it is", "add the }")
		case errTooLong:
			s.fs.add(Error, e.pos, e.key, err.Error(), "no setting is that long; it counts as empty", "write the value itself")
		}
		s.entries[i].value = value
	}
}

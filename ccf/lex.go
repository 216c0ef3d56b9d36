// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// An entry is one key of a file with its value, escapes undone.
type entry struct {
	key, value string
	pos        Pos // where its logical line starts
}

// A lexer takes a .properties text apart exactly as java.util.Properties
// does (JDK: Properties.LineReader, load0, loadConvert), and knows where it is.
type lexer struct {
	data []byte
	pos  int
	line int // of data[pos], from 1
	bad  func(line int, saw, why, do string)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }
func isEOL(c byte) bool   { return c == '\n' || c == '\r' }

// next returns the next entry that can be read; false at the end.
func (l *lexer) next() (entry, bool) {
	for {
		text, line, ok := l.logical()
		if !ok {
			return entry{}, false
		}
		if len(text) > maxLine {
			l.bad(line, "a line of more than "+strconv.Itoa(maxLine)+" bytes",
				"it is not read: no setting is that long", "look for a stray \\ at a line's end, or for binary data")
			continue
		}
		key, value := split(text)
		k, kok := unescape(key)
		v, vok := unescape(value)
		if kok && vok {
			return entry{key: k, value: v, pos: Pos{Line: line}}, true
		}
		l.bad(line, `\u without four hexadecimal digits`, "Java refuses the whole file for it",
			`write \uXXXX, or \\u for a backslash and a u`)
	}
}

// logical returns the next logical line, joined from the natural lines that
// end in a backslash, without comments and blank lines, and where it starts.
// Of a line that is too long it keeps one byte over the limit.
func (l *lexer) logical() (text []byte, start int, ok bool) {
	for {
		for l.pos < len(l.data) && isBlank(l.data[l.pos]) {
			l.pos++
		}
		if l.pos == len(l.data) {
			return text, start, len(text) > 0
		}
		c := l.data[l.pos]
		switch {
		case isEOL(c) && len(text) > 0: // a blank line ends a continuation
			return text, start, true
		case isEOL(c):
			l.eol()
			continue
		case len(text) == 0 && (c == '#' || c == '!'):
			l.natural()
			continue
		case len(text) == 0:
			start = l.line
		}
		natural := l.natural()
		slashes := 0
		for slashes < len(natural) && natural[len(natural)-1-slashes] == '\\' {
			slashes++
		}
		continued := slashes%2 == 1
		if continued {
			natural = natural[:len(natural)-1]
		}
		text = append(text, natural[:min(len(natural), maxLine+1-len(text))]...)
		// A backslash at the very end is an empty line to Java, unless \r\n follows it.
		if width := l.eol(); !continued || width < 2 && l.pos == len(l.data) {
			return text, start, true
		}
	}
}

// natural returns the rest of the line, without its end.
func (l *lexer) natural() []byte {
	from := l.pos
	for l.pos < len(l.data) && !isEOL(l.data[l.pos]) {
		l.pos++
	}
	return l.data[from:l.pos]
}

// eol steps over one \n, \r or \r\n, if there is one, and returns its width.
func (l *lexer) eol() int {
	if l.pos == len(l.data) {
		return 0
	}
	from := l.pos
	if l.data[l.pos] == '\r' && l.pos+1 < len(l.data) && l.data[l.pos+1] == '\n' {
		l.pos++
	}
	l.pos++
	l.line++
	return l.pos - from
}

// split parts key and value at the first blank, = or : that is not escaped.
// Blanks after it go, and so does one = or : among them; those at the end of
// the line are the value's.
func split(text []byte) (key, value []byte) {
	end := 0
	for end < len(text) && !isBlank(text[end]) && text[end] != '=' && text[end] != ':' {
		if text[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(text))
	from, separated := end, false
	for from < len(text) {
		c := text[from]
		if !isBlank(c) {
			if separated || c != '=' && c != ':' {
				break
			}
			separated = true
		}
		from++
	}
	return text[:end], text[from:]
}

// unescape reads ISO-8859-1 with Java's escapes; false for a bad \u.
func unescape(b []byte) (string, bool) {
	var s strings.Builder
	var high rune // first half of a surrogate pair, not yet written
	put := func(r rune) {
		if high != 0 {
			if pair := utf16.DecodeRune(high, r); pair != utf8.RuneError {
				s.WriteRune(pair)
				high = 0
				return
			}
			s.WriteRune(utf8.RuneError)
			high = 0
		}
		if utf16.IsSurrogate(r) && r < 0xdc00 {
			high = r
			return
		}
		s.WriteRune(r) // half a pair becomes U+FFFD
	}
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			put(rune(b[i]))
			continue
		}
		i++
		switch b[i] {
		case 'u':
			if len(b)-i < 5 {
				return "", false
			}
			n, err := strconv.ParseUint(string(b[i+1:i+5]), 16, 16)
			if err != nil {
				return "", false
			}
			put(rune(n))
			i += 4
		case 't':
			put('\t')
		case 'n':
			put('\n')
		case 'r':
			put('\r')
		case 'f':
			put('\f')
		default:
			put(rune(b[i]))
		}
	}
	if high != 0 {
		s.WriteRune(utf8.RuneError)
	}
	return s.String(), true
}

var (
	errUnclosed = errors.New("${ without a }")
	errTooLong  = errors.New("a value that ${} blows up beyond all measure")
)

// substitute replaces every ${name} of a value by what lookup says, once: what
// it says is not looked at again (JCS: OptionConverter.substVars).
func substitute(value string, lookup func(name string) string) (string, error) {
	var s strings.Builder
	for rest := value; ; {
		before, after, found := strings.Cut(rest, "${")
		s.WriteString(before)
		if s.Len() > maxLine {
			return "", errTooLong
		}
		if !found {
			return s.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return value, errUnclosed
		}
		s.WriteString(lookup(name))
		rest = tail
	}
}

// printable shortens a text and escapes what a terminal would act upon.
func printable(s string) string {
	const most = 120
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"fmt"
)

// inline reads a request that a person typed.
func (p *Reader) inline() (args [][]byte, ok bool, err error) {
	line := p.buf[p.r:p.w]
	end := bytes.IndexByte(line, '\n')
	if end < 0 {
		if len(line) > p.line() {
			return nil, false, fmt.Errorf("%w: too big inline request", ErrProtocol)
		}
		return nil, false, nil
	}
	p.take(end + 1)
	if end > p.line() {
		return nil, false, fmt.Errorf("%w: too big inline request", ErrProtocol)
	}
	args, ok = split(bytes.TrimSuffix(line[:end], []byte("\r")))
	if !ok {
		return nil, false, fmt.Errorf("%w: unbalanced quotes in request", ErrProtocol)
	}
	return args, true, nil
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' || c == 0 }

// split parts a line into words (Redis: sdssplitargs); ok is false if a quote
// is not closed, or closed in the middle of a word.
func split(line []byte) (words [][]byte, ok bool) {
	for {
		for len(line) > 0 && isSpace(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return words, true
		}
		var word []byte
		if word, line, ok = nextWord(line); !ok {
			return nil, false
		}
		words = append(words, word)
	}
}

// nextWord takes a word off a line that does not begin with a space.
func nextWord(line []byte) (word, rest []byte, ok bool) {
	word = []byte{}
	for len(line) > 0 && !isSpace(line[0]) {
		c := line[0]
		line = line[1:]
		if c != '"' && c != '\'' {
			word = append(word, c)
			continue
		}
		for {
			if len(line) == 0 {
				return nil, nil, false
			}
			if line[0] == c {
				break
			}
			var b byte
			b, line = quoted(line, c)
			word = append(word, b)
		}
		if line = line[1:]; len(line) > 0 && !isSpace(line[0]) {
			return nil, nil, false
		}
	}
	return word, line, true
}

// quoted takes one byte off the inside of quotes.
func quoted(line []byte, quote byte) (b byte, rest []byte) {
	switch {
	case quote == '\'' && len(line) > 1 && line[0] == '\\' && line[1] == '\'':
		return '\'', line[2:]
	case quote == '\'' || line[0] != '\\' || len(line) == 1:
		return line[0], line[1:]
	}
	if len(line) > 3 && line[1] == 'x' {
		if hi, lo := nibble(line[2]), nibble(line[3]); hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), line[4:]
		}
	}
	b = line[1]
	if i := bytes.IndexByte([]byte("nrtba"), b); i >= 0 {
		b = "\n\r\t\b\a"[i]
	}
	return b, line[2:]
}

func nibble(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

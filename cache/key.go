// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Limits of names. They bound what a frame may declare before anything is
// allocated for it.
const (
	MaxKey    = 64 << 10 // bytes of a key; JCS writes Java strings, most are short
	MaxRegion = 1 << 10  // bytes of a region name
	MaxGroup  = 32 << 10 // bytes of a group name
	MaxValue  = 64 << 20 // bytes of a value: one frame must hold it

	maxReadings = 64 // keys that people may read as one text: each of its slashes may end a group
)

// Separator ends a prefix: the removal of a key that ends in it removes every
// key that starts with it (JCS: CompositeCache.NAME_COMPONENT_DELIMITER).
const Separator = ":"

// A key is a string of bytes. Text keys stand for themselves; other kinds
// start with a NUL byte and a letter, so that they cannot meet a text key.
const (
	groupMark = "\x00g" // \0 g uvarint(len(group)) group name
	plainMark = "\x00s" // \0 s text: a text key that itself starts with NUL
	javaMark  = "\x00j" // \0 j kind text: a key of Java's that is no String, see JavaKey
	floorMark = "\x00f" // \0 f op name: the removal of many at once
)

// FloorKey names the removal of many elements at once: op is RemoveAll,
// RemoveGroup (name is the group), Remove (name is a prefix) or RemoveTag (name
// is the tag).
func FloorKey(op Op, name string) string { return floorMark + string(rune(op)) + name }

// SplitFloor takes a FloorKey apart; ok is false for every other key.
func SplitFloor(key string) (op Op, name string, ok bool) {
	rest, ok := strings.CutPrefix(key, floorMark)
	if !ok || rest == "" {
		return 0, "", false
	}
	switch op := Op(rest[0]); op {
	case RemoveAll, RemoveGroup, Remove, RemoveTag:
		return op, rest[1:], true
	}
	return 0, "", false
}

// PlainKey returns the key of a text.
func PlainKey(text string) string {
	if strings.HasPrefix(text, "\x00") {
		return plainMark + text
	}
	return text
}

// JavaKey returns the key of a Java object that is no String: kind is a letter
// of the room jcs, text is what people read of it, or its bytes.
func JavaKey(kind byte, text string) string { return javaMark + string(rune(kind)) + text }

// SplitJavaKey takes a JavaKey apart; ok is false for every other key.
func SplitJavaKey(key string) (kind byte, text string, ok bool) {
	rest, ok := strings.CutPrefix(key, javaMark)
	if !ok || rest == "" {
		return 0, "", false
	}
	return rest[0], rest[1:], true
}

// javaKinds are the kinds of JavaKey whose text can be read; of others it is
// the bytes of a Java object stream.
var javaKinds = map[byte]string{'B': "Byte", 'C': "Character", 'D': "Double", 'F': "Float", 'I': "Integer", 'J': "Long", 'S': "Short", 'Z': "Boolean"}

// GroupKey returns the key of name within group
// (JCS: engine.control.group.GroupAttrName).
func GroupKey(group, name string) string {
	b := make([]byte, 0, len(groupMark)+binary.MaxVarintLen32+len(group)+len(name))
	b = append(b, groupMark...)
	b = binary.AppendUvarint(b, uint64(len(group)))
	b = append(b, group...)
	return string(append(b, name...))
}

// SplitGroup takes a group key apart; ok is false for every other key.
func SplitGroup(key string) (group, name string, ok bool) {
	rest, ok := strings.CutPrefix(key, groupMark)
	if !ok {
		return "", "", false
	}
	var n uint64
	for i := 0; i < len(rest) && i < binary.MaxVarintLen32; i++ {
		n |= uint64(rest[i]&0x7f) << (7 * i)
		if rest[i] < 0x80 {
			rest = rest[i+1:]
			if n > uint64(len(rest)) {
				return "", "", false
			}
			return rest[:n], rest[n:], true
		}
	}
	return "", "", false
}

// IsPrefix reports whether removing key means removing what starts with it.
func IsPrefix(key string) bool {
	return strings.HasSuffix(key, Separator) && !strings.HasPrefix(key, "\x00")
}

// TextKey is the inverse of PlainKey.
func TextKey(key string) string { return strings.TrimPrefix(key, plainMark) }

// KeyText returns a key as people read it: groups as "group/name".
func KeyText(key string) string {
	if g, n, ok := SplitGroup(key); ok {
		return g + "/" + KeyText(n)
	}
	if kind, text, ok := SplitJavaKey(key); ok {
		if name := javaKinds[kind]; name != "" {
			return text + " (" + name + ")"
		}
		return fmt.Sprintf("Java object of %d bytes", len(text))
	}
	return TextKey(key)
}

// KeysOfText returns all keys that people read as a text, nil if these are too many to say:
// KeyText of each is the text.
func KeysOfText(text string) (keys []string) {
	if strings.HasPrefix(text, "Java object of ") {
		return nil
	}
	keys = []string{text, plainMark + text}
	for kind, name := range javaKinds {
		if of, ok := strings.CutSuffix(text, " ("+name+")"); ok {
			keys = append(keys, JavaKey(kind, of))
		}
	}
	for i := range text {
		if text[i] != '/' {
			continue
		}
		names := KeysOfText(text[i+1:])
		if names == nil || len(keys)+len(names) > maxReadings {
			return nil
		}
		for _, name := range names {
			keys = append(keys, GroupKey(text[:i], name))
		}
	}
	return slices.DeleteFunc(keys, func(k string) bool { return KeyText(k) != text })
}

// KeyPattern returns what tells whether a key matches a pattern: a regular
// expression that all of the key has to match, as people read it (KeyText); ""
// matches every key (JCS: KeyMatcherPatternImpl).
func KeyPattern(pattern string) (matches func(key string) bool, err error) {
	if pattern == "" {
		return func(string) bool { return true }, nil
	}
	re, err := regexp.Compile(pattern) // by itself first: "a)|(b" would become valid between the brackets
	if err == nil {
		re, err = regexp.Compile(`\A(?s:` + pattern + `)\z`)
	}
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w; patterns are regular expressions over the whole key, like user:.*", pattern, err)
	}
	return func(key string) bool { return re.MatchString(KeyText(key)) }, nil
}

// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"lateral/cache"
	"lateral/javaser"
)

// KeyMark begins the name of every key that KeyName has a name for, and of few
// others.
const KeyMark = "java:"

// classTag stands where the class of an object, array or enum follows
// (java.io.ObjectStreamConstants.TC_CLASSDESC).
const classTag = 0x72

// stringMark begins the name of a String that would be taken for another key's.
const stringMark = KeyMark + "String:"

// boxNames are the classes of keys that are a number or boolean, by kind.
var boxNames = func() map[byte]string {
	m := map[byte]string{}
	for class, kind := range boxKinds {
		m[kind] = strings.TrimPrefix(class, "java.lang.")
	}
	return m
}()

// KeyName is what a key is called where all keys are texts. A number or boolean
// is java:Integer:42, by the name of its class, a Character with the number of its
// code unit. Any other object is java:CLASS:STREAM, its stream in base64 (RFC 4648,
// URL, unpadded). A text, which is a String's, is itself; but one that is
// such a name is java:String:NAME. So every text names one key, and no key has two
// names.
//
// ok is false for keys of groups, for what KeyOf does not make, and for objects
// whose name had more than cache.MaxKey bytes. NamedKey is the inverse.
func KeyName(key string) (name string, ok bool) {
	if !strings.HasPrefix(key, "\x00") {
		if isName(key) {
			key = stringMark + key
		}
		return key, true
	}
	kind, text, ok := cache.SplitJavaKey(key)
	if !ok {
		return "", false
	}
	if kind == kindObject {
		name = KeyMark + streamClass(text) + ":" + base64.RawURLEncoding.EncodeToString([]byte(text))
	} else {
		name = KeyMark + boxNames[kind] + ":" + text
	}
	return name, len(name) <= cache.MaxKey && NamedKey(name) == key
}

// NamedKey returns the key that a text names; texts that begin with NUL, which
// are none's name, as they are.
func NamedKey(name string) string {
	if rest, ok := strings.CutPrefix(name, stringMark); ok && isName(rest) {
		return rest
	}
	if key, ok := objectNamed(name); ok {
		return key
	}
	return name
}

// isName reports whether a text is the name of another key than its own.
func isName(text string) bool {
	for ok := true; ok; {
		text, ok = strings.CutPrefix(text, stringMark)
	}
	_, ok := objectNamed(text)
	return ok
}

// objectNamed returns the key of a name that is no String's. Only the one text
// of a number counts, and the one stream of an object: what KeyOf makes of it.
func objectNamed(name string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(name, KeyMark)
	i := strings.LastIndexByte(rest, ':')
	if !ok || i < 0 || len(name) > cache.MaxKey {
		return "", false
	}
	class, text := rest[:i], rest[i+1:]
	if class == "String" || strings.Contains(class, ":") { // which no class is called
		return "", false
	}
	if kind, ok := boxKinds["java.lang."+class]; ok {
		p, err := parseBox(kind, text)
		return cache.JavaKey(kind, text), err == nil && boxText(p) == text
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || streamClass(string(b)) != class {
		return "", false
	}
	v, err := javaser.Decode(b, limits)
	if err != nil {
		return "", false
	}
	key, whole, err := KeyOf(v)
	return key, err == nil && !whole && key == cache.JavaKey(kindObject, string(b))
}

// streamClass is the class with which a stream begins, or a word for those that
// begin otherwise.
func streamClass(stream string) string {
	const head = 8 // magic, version, a tag, the tag of the class, the length of its name
	if len(stream) < head || stream[5] != classTag {
		return "object"
	}
	n := int(binary.BigEndian.Uint16([]byte(stream[6:head])))
	return stream[head:min(head+n, len(stream))]
}

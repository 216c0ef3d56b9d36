// SPDX-License-Identifier: Apache-2.0

// Package fields holds hashes: values made of named fields, each with a stamp
// of its own, so that what two nodes write into one hash at once is merged
// field by field.
//
// # Form
//
// The bytes of a cache.Value of the form cache.FormHash. Numbers are those of
// encoding/binary's uvarint unless said otherwise; a text is its length and its
// bytes; a stamp is two big-endian uint64, time and writer.
//
//	byte     1, the version of this form
//	uvarint  number of fields that have a value
//	stamp    floor: nothing written at or before it belongs to this hash
//	uvarint  number of fields, removed ones among them
//	fields, ascending by name and no name twice:
//	  text   name
//	  byte   kind: 1 has a value, 2 has a stamp (else it is the element's own)
//	  stamp  if the kind says so
//	  text   value, if the kind says so
//
// A writer does not know the stamp that its write will get, so what it writes
// has none of its own: it is the element's. Whoever writes next spells it out.
// A field without a value was removed: its stamp keeps older values out.
//
// # Merge
//
// Join keeps of each field what has the larger stamp, the larger of two floors,
// and nothing at or below the floor. It is idempotent, commutative and
// associative. A hash that is replaced, removed or runs out of its lifetime
// becomes the floor of its successor: a session that was logged out does not
// come back because somebody wrote a field of it elsewhere at the same time;
// what remains is that one field.
//
// The removals of fields are forgotten when they are a day older than the
// element or when there are more than MaxRemoved, oldest first. Until a sync
// has brought all replicas together, nodes may disagree on those; a value that
// old which arrives later is then taken for new.
//
// # Limits
//
// A hash has at most MaxFields fields, names and values are at most as long as
// cache.MaxKey and cache.MaxValue, all of it together fits into one value. A
// write costs as much as the hash is long: it is meant for sessions and
// objects of up to some hundred fields.
//
// # Example
//
//	01 01                            version 1, one field with a value
//	00 … 00                          no floor: 16 bytes of 0
//	02                               two fields
//	04 6e 61 6d 65 01 04 61 6e 6e 61 "name": a value, the element's stamp: "anna"
//	03 6f 6c 64 02                   "old": no value, a stamp:
//	00 dc 6a cf ac 00 00 00          removed at 2000-01-01T00:00:00Z
//	00 00 00 00 00 00 00 07          by 7
package fields

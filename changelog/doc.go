// SPDX-License-Identifier: Apache-2.0

// Package changelog is the bounded, ordered log of this node's own changes,
// and the cursors that read it.
//
// A change is encoded once, as a record, when it is appended; every link then
// reads the same bytes. Appending costs the same whether nobody or fifty links
// read, never blocks and never waits for one of them. The log holds a fixed
// number of bytes: a cursor that is slower than that falls off the tail and
// learns so from its next Read (ErrGap).
//
// # Record
//
//	uvarint  length of what follows
//	byte     operation: put, remove, remove-all, remove-group, remove-tag (cache.Op); 128: it replaced something, 64: of the same writer, 32 tags
//	byte     flags: 1 eternal, 2 spool, 4 lateral, 8 remote, 16 times, 32 hash, 64 foreign, 128 form
//	uint64   stamp: time, big-endian
//	[uint64  stamp: writer, if foreign; else it is the owner of the log]
//	[uint64  stamp of what it replaced: time, if replaced]
//	[uint64  … and its writer, unless that is the same]
//	uvarint  region, a number that the log gave to its name
//	[byte    form of the value, if form]
//	[uint64  hash of the value put, if hash: see cache.Command.Hash]
//	[3 × varint, 1 × uvarint   if times: max life and max idle in ms (-1 is
//	         unlimited), last access in ms after the stamp, size]
//	[uvarint length of the tags, and these, if tags: sorted, each once, NUL in
//	         between (cache.JoinTags); of a put, or of the tombstone that the
//	         removal of a tag left, in a sync]
//	uvarint  length of the key
//	bytes    the key, then the value up to the end of the record
//
// An example, a put of k=v into region 3 by the owner of the log:
//
//	0e                       14 bytes follow
//	02 0f                    put; eternal, spool, lateral, remote
//	01 90 00 00 00 00 00 07  2024-06-10T02:35:18.4Z, 8th write of that millisecond
//	03                       region 3
//	01 6b 76                 key "k", value "v"
package changelog

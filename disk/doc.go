// SPDX-License-Identifier: Apache-2.0

// Package disk keeps the elements of a region on disk: an auxiliary behind it
// (JCS: auxiliary.disk.indexed and auxiliary.disk.block).
//
// A Disk is told of every change that concerns it by Note, which puts it into a
// bounded queue and returns; Run writes the queue in batches, each of which is
// on the medium when it is done (an element that Flush waited for survives kill
// -9 and the loss of power). Fetch looks into the queue first, so that what
// was noted counts at once. Nobody who writes or reads waits for the disk's
// writer. If the queue is full values are left out, and counted: in memory they
// are as before, and of what memory evicts they are what is lost. Removals
// are never left out: when there are too many of them the disk starts empty.
//
// # Order
//
// An element or a removal on disk is an element with a stamp, and the larger
// stamp wins, whatever the order in which they come. With Config.ByStamp (regions
// whose values travel) removals stay on disk, as tombstones and floors, for
// the retention, and nothing older than the retention is returned. Without, a
// removal deletes whatever is there and leaves nothing, since nobody else has what it removed.
//
// # Files
//
// In Config.Dir, of which one process at a time may be in possession:
//
//	elements.db           a bbolt file, see below
//	state.json            how the last life ended, see state
//	elements.db.bad       the newest file that was found to be harmed
//	elements.db.unproven  elements that may have been removed since, see Trust
//
// Buckets of elements.db:
//
//	e  key → record: 8 bytes of checksum (xxh3 over key and the rest), then a
//	   record of package changelog: a put, or the removal of one key
//	f  name of a floor → the same, of a removal of many
//	o  stamp (time, writer; 16 bytes, big-endian), hash of the key (8) → key
//	m  "sum" → how many records e and f have, their bytes, and the sum of their checksums (3 × 8 bytes)
//
// The sum is written in the transaction that changes the records, so that a
// record that is missing, or there twice, or an old one, shows when the file is opened: everything
// is read then. A file that does not agree with itself, or with which reading
// panics or faults, now or later, is renamed and an empty one begun.
//
// What is not defended against: another process that writes these files, and
// somebody who can compute checksums. The files are readable by their owner alone.
package disk

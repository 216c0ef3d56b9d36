// SPDX-License-Identifier: Apache-2.0

// Package remote keeps elements of regions on a server of the Redis protocol
// (Valkey, Redis; single, with Sentinel, or a Cluster): an auxiliary behind a
// region (JCS: auxiliary.remote), which nodes of one mesh or of several share.
//
// A Server is the connections with one such server, a Tier one region on it. A Tier
// is told of changes by Note, which queues them and returns; Run writes the
// queue. Fetch looks into the queue and then asks the server. What others write
// there comes as invalidations (CLIENT TRACKING, broadcasting) and is told to the Region.
//
// # Keys
//
// With the prefix lateral, of region User:
//
//	lateral:User:4711   a hash: the element 4711
//	lateral:User        a hash: removals of many elements of the region
//
// In the name of a region '%', ':' and what is no printable ASCII are written
// %XX, as in an address; the key is as the region has it.
//
// Each field of an element's hash is a version of it, named by its stamp, and
// its value is the value: text is text.
//
//	redis-cli HGETALL lateral:User:4711
//	1) "2026-11-28T23:15:04.123Z+0@00000000000000a7"
//	2) "anna"
//
// Attributes follow the stamp, where they are not those of JCS's defaults: "ESLR", or those of
// the letters that hold (eternal, spool, lateral, remote; "-" is none), life=, idle= (durations), size=, tags= (as in
// an address), form= (cache.Form), used= (ms since 1970, last access). A removal is a version
// "… removed" with no value.
//
// So the merge is the data structure: writing is adding a field, reading is taking the
// one with the largest stamp, and who sees smaller ones deletes them. Whatever
// the order in which writers come, and however late, the largest stamp wins; no script,
// transaction or lock is needed, nothing is read before it is written, every command concerns one key
// (Cluster), and a deletion cannot hit what came after it was decided.
// A header before the value would have needed one of these; a script, the right to run scripts.
//
// The expiry of the hash is that of its newest version: what its lifetime says, the
// region's longest life if it is eternal; for a removal the time for which an older version may
// still arrive. A removal of many is a field "prefix STAMP NAME" ("all", "group", "tag") of the
// region's hash; a version that is not newer is not served, and deleted in the background.
//
// A key that is a string, as `redis-cli SET lateral:User:4711 anna` makes it, is an element as
// well: it is as old as it is when it is read, and its expiry is its lifetime. A
// write through the region replaces it.
//
// # What is believed
//
// A version that is found is kept in memory only while its invalidation would
// arrive: each master has a tracking connection, which is asked for a sign of life every
// second. If one is lost, or the set of masters changes, something may have been missed:
// Since says so, and when tracking is whole again every Region is told of a Gap before
// anything is kept.
//
// Not defended against: who can write to the server. Replies are not bounded before
// they are read; give the server's user no more than the prefix (ACL), and the server to nobody else.
package remote

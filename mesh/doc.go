// SPDX-License-Identifier: Apache-2.0

// Package mesh is our own peer protocol: links between the endpoints of a
// cluster over which changes, heartbeats, rows of links, gets and syncs travel.
//
// Exactly one connection joins two endpoints, whoever dialled it. Each side
// writes its own stream of frames and neither waits for the other, except
// where a frame below is an answer.
//
// # Opening
//
// The dialler sends Magic and its hello. The listener answers with its hello
// (no Magic), or with a goaway that says why not, and closes. It adopts the
// link before it answers, so a dialler that reads a hello is linked. A
// connection that has not said hello within OpenTimeout is closed; at most
// maxHalfOpen wait at a time, and when there are more the oldest is closed.
//
// Then, on both sides and in any order among the others but first of all:
// resume, which says how far the sender has read the other's log.
//
// # Frames
//
//	byte    type
//	uint32  length of the payload, big-endian; each type has a limit (frame.go)
//	bytes   payload
//
// Numbers are big-endian; uvarint is that of encoding/binary; text is its
// length (uvarint) and its bytes. Records are those of package changelog.
//
//	 1 hello     JSON: version, cluster, group, id, node, host, service, endpoint, pid, port, advertise,
//	             receive (wants changes), messages (knows them), dial (number of the dial, 0 from a listener), now (ms), regions
//	 2 resume    byte (1: I have followed your log before), uint64 number of the last change of it that I applied
//	 3 names     uvarint n; texts: the regions numbered n, n+1, … in my log
//	 4 changes   uint64 number of the first; records. Without a record: this is where you stand
//	 5 ack       uint64 number of the last change applied; cumulative
//	 6 beat      uint64 my clock (ns); uint64 the clock of your last beat, 0 if none; uint64 ns since that came
//	 7 row       JSON, what changed: up (members that I have a link with, and where to dial them), ids (likewise, base64 of 8 bytes each), gone (ids), down (id or address → why not, "": no more), whole (forget what was said before), who (as ids: tell me of these by up)
//	 8 gap       uint64 number of my next change; what you have not read before it is lost
//	 9 get       uint64 number of the question; text region; text key
//	10 reply     uint64 number of the question; a record: a put if the element is in memory, a removal if one is known of
//	11 root      uvarint number of the sync; text region; 2 × uvarint: buckets from, up to; byte level and uint64 salt of the sketch wanted; 2 × uint64: sum of my digest there
//	12 same      uvarint sync
//	13 cells     uvarint sync; byte level; 3 << level × uint64: my sketch
//	14 on        uvarint sync: one more frame of keys
//	15 keys      uvarint sync; (text key, uint64 stamp time, uint64 stamp node) …
//	16 want      uvarint sync; texts: keys
//	17 elements  text region; records, whose region number means nothing
//	18 next      uvarint sync: those were all keys, or the elements of one want
//	19 which     uvarint sync; uint64 …: words decoded of your sketch that mine lacks
//	20 goaway    JSON: reason, leaving (the node goes), unread (… with changes that you have not acknowledged: a gap), duplicate (another link is kept)
//	21 shares    JSON: regions that I have made since my hello, each with name and mode
//	22 round     uvarint number of the round; uint64 number of my next change: I begin to compare all regions
//	23 end       uvarint round: all are compared, and you have what you wanted
//	24 ended     uvarint round: and I have merged it
//	25 touches   text region; (text key, uvarint ms ago) …: elements that were read lately
//	26 take      uint64 number of the question, 0: I give your vote back; text region; text key; 2 × uint64 stamp of the version, or with 0 of its removal by me; 2 × uint64 stamp of the attempt; uvarint ms for which a vote binds
//	27 vote      uint64 number of the question; byte (0: I cannot say, 1: yes, 2: it is gone, 3: I hold a newer version, 4: I have voted for another)
//	28 ask       uint64 my age (ns) as I ask; uint64 length (ns) of the lease that I ask for
//	29 lease     the same two numbers: it is granted
//	30 hold      uint64 number; text region; text key: keep it out of memory
//	31 held      uint64 number: it is
//	32 release   uint64 number: no longer so
//	33 fill      uvarint number of a sync; text region; 2 × uvarint: buckets from, up to: give me all of these
//	34 share     uvarint sync; uvarint elements that come
//	35 later     uvarint sync: I am being filled myself, or have nothing to give
//	36 message   text channel; text message: for clients of yours that listen; only to who says messages in its hello
//	37 reckon    (uint64 id, byte standing, byte 1: it receives) of all that I reckon with, myself included
//	38 front     uint64 time up to which you have been sent all that I wrote, 0: no news; uint64 my F;
//	             uint64 up to when all is everywhere by those that I reckon with
//	39 replay    uint64 next: my whole log follows; up to that change heed only what is removed where values do not travel
//	40 look      uint64 number of the question; JSON: kind (sum, find, keys, settle), region, and what is asked about
//	41 saw       uint64 number; JSON: error; or sum, elements, sketch (sum), keys (find), known (keys), nothing (settle)
//
// Limits are checked before anything is allocated: a record of the largest
// value (changes, reply, elements), 256 KiB (hello, names), 1 MiB (row, message), 4 MiB
// (cells, which, look, saw), 192 KiB (keys, want), 72 KiB (get, touches, take, hold), 64 KiB (all others); a host,
// service or endpoint has at most 255 printable bytes; a log speaks of at most
// 4,096 regions. A frame of an unknown type, over its limit, or cut in the
// middle of a field ends the link.
//
// # One link of two
//
// Both ends may dial at once. Of two links the one dialled by the smaller id
// is kept; of two dialled by the same side the one with the larger dial
// number (prefer). Both ends compute this from the two hellos, so they choose
// alike without talking.
//
// Never two: an end holds one link per peer; a second is adopted only after
// the first has ended, its last frame applied. Never zero for long: an end
// gives a link up only for one that it prefers and has the hello of; the
// listener adopts before it answers, so that what the dialler then adopts has
// not been refused; and a link whose other end is gone ends itself after
// LinkTimeout, while whoever misses it keeps dialling. To need the rule
// rarely, the larger id leaves the first dial to the smaller for DialGrace, which is
// longer by 4 ms for each peer beyond 8: the smaller spreads its dials over half of that.
//
// # The log: resume, changes, ack, gap
//
// A node's own changes are numbered from 1 (package changelog). After resume a
// link sends changes from the number behind it on, in order, without a hole;
// a receiver skips what it has (a number at or below its last) and ends a link
// that leaves a hole. So whatever happens to links, each change is applied
// once, in the order of its writer. What is received is never sent on.
//
// A gap is sent in place of changes that fell off the log, whether before the
// resume or because the link is too slow. A receiver then counts as having
// read everything up to it, empties its invalidated regions, as a removal may
// have been missed, and asks for a sync of the replicated ones. The same
// follows, without a frame, when discovery forgets a peer that had a link and
// took no leave. A node that has never been met gets a log of up to 1 MiB
// from its first change on, behind a replay, and a gap if there is more. From a
// replay it takes no values: what somebody else has removed since must not
// come back from a log; a round of syncs brings what there is.
//
// An ack is cumulative, so one that follows a gap covers changes that were
// never sent: the sender remembers the gap and counts none of these as held.
//
// A node that does not receive (hello) is sent no changes and no gap.
//
// # Heartbeat, skew, rows
//
// Each side sends a beat every Heartbeat, or, behind something that it sends anyway, after
// half of that. A link from which nothing comes for
// LinkTimeout is dead. From its echo a beat gives the round trip, and so the
// skew of the two clocks give or take half of that.
//
// Each side sends its whole row when the link comes up, and then what changed
// in it, gathered for 10 ms and 2 ms per link. Whoever has all
// rows has the matrix (Verdict). A row is also how members learn of each
// other; a loopback address is told to the same host only.
//
// From version 5 on members are told of by id alone. Whoever has not heard from
// discovery where one is to be dialled asks the peer that named it (who), and again
// every 5 s, one of them, as long as it has no link with it. So what a node is told
// while N nodes form a mesh is N×N×11 bytes, where it was N×N×250.
//
// # Get
//
// A get goes to all linked peers that receive, at once; each answers from its
// memory, also if it has nothing, so that a miss everywhere costs one round
// trip. In a replicated region it answers with the version that it has in
// common with its peers, be that a removal, and not with what is its own.
//
// # Touches
//
// A read is no change: it has no number, is not in the log and not
// acknowledged. Where values travel and an element has a longest idle time
// (MaxIdle), the first read in each eighth of it, counted from when it was
// written, is told to the peers that hold the region, gathered for 100 ms.
// What was read is said as an age, so clocks need not agree. A peer keeps the
// later of two times; to what it does not hold, or only as a tombstone, a
// touch does nothing. Touches are dropped rather than queued where they are
// many or the connection is slow: the next eighth has another.
//
// # Take
//
// Who takes an element out of a region, so that nobody else does, asks the
// members that hold the region for their votes: the one with the smallest id
// first, then the others at once. More than half of them, those without a link
// included, have to say yes; then it removes the element and waits until more
// than half have applied that. A member votes for one attempt per key until
// the time that the take gives is over, or it is given back. docs/coherence.md
// ("Sessions") has the argument.
//
// # Sync
//
// When a peer is lost, or leaves with changes unread, those that are left are
// compared with.
//
// At the first link of two nodes, after a gap, when a replicated region is
// made, and about once every SyncEvery (by the smaller id), a side, the
// asker, begins a round: it compares all its replicated regions with the
// other, one at a time, each by a sync with a number of its own:
//
//	asker     round
//	asker     root
//	answerer  same, and this sync is over; or cells
//	asker     root again with a larger level, until the difference of the two sketches can be decoded; then which
//	answerer  keys of these that it still has, up to 4 frames ahead of on; then next
//	asker     on, for each frame of keys; then want, up to 4 frames ahead; elements that only it has, or has newer
//	answerer  for each want: elements, next
//	asker     the root of the next region; or end
//	answerer  ended
//
// Levels go from 6 (1.5 KiB, 130 elements) by 8, 11 and 14 to 17 (3 MiB,
// 300,000 elements). A region of which more differs is compared in parts. So
// what is sent is in proportion to what differs: 100 elements of a million
// cost 10 KB beyond their keys and values. The answerer remembers nothing but
// the region and the keys that it has still to list.
//
// Then both know that they hold what either held when the round began: what
// the answerer lacked came before end. If nothing comes for 30 s the asker
// gives the round up and begins another; an answer to a sync that was given up
// is known by its number and ignored.
//
// A region that is empty at the asker is not compared before it is filled: its
// buckets are cut into 8 shares, and each peer, up to 4 at once, is asked for
// one after the other, until others have given the rest:
//
//	asker     fill
//	answerer  share, elements, next; or later, if it has nothing or is being filled
//
// The share of a link that ends is asked of another peer. Who is to be filled
// answers a root by later; the round is then begun again after one of its own.
//
// Elements are merged by stamp like any change; tombstones and floors travel
// as removals. The frames of the two roles differ, but nobody
// begins a round while one of the other side is getting on, as that would send
// the same twice. Of two rounds that cross the larger id gives its own up, and
// begins it again after the other.
//
// # Frontier
//
// Frames of version 3. With each beat a node tells how far its writes have
// been sent (front), what it knows to have of all others (F) and all others to
// have, and, when that has changed, whom it reckons with (reckon). So each learns up to which time
// of stamps every member has every change, and forgets older removals; the
// rules are those of converge.Frontier. F is told behind everything that was
// looked up before it was reckoned, and what is still being looked up for a
// sync or a get holds it back. A member's process has ended if it said
// goodbye, or if another id was linked that listens at its address; its id is
// refused from then on.
//
// # Looks
//
// Frames of version 4, for people: a look asks what a peer holds (verify, why).
// A sum is answered with a sketch where it differs; find takes words decoded of
// one and is answered with their keys; keys asks what is known of each; settle
// is answered when all that was written before at the peer is acknowledged by
// everybody linked with it, or after settlePatience by an error; survey has the
// peer send to its group, listen and dial for a moment, or pass the question on
// to the member that it names. At most
// maxLooks of a link are worked on at once, others are refused.
//
// # Leases and holds
//
// Frames of version 2; nobody sends them who has no strict region, but for
// the answers. A node asks each peer for a lease, of at most a minute, four times in the length of
// one. Its lease runs from the moment it asked, by its own clock; the granter
// counts it from when it granted, and 2 % longer, so that each clock may be 1 %
// off. Nothing that a clock shows is compared with another's. A lease is of one
// link, and over when that is.
//
// A lease is granted behind everything in the stream that somebody on the
// granter's side waits for: changes that were removals of a strict region,
// and holds. So who waits for a member waits until it has acknowledged the
// change, or held, or the last lease is over that was granted to it before.
// Any later one proves that it has heard.
//
// Who counts as a member, and until when, is said at type leases (lease.go).
//
// # Goodbye
//
// A node that shuts down stops accepting, waits up to a second until its peers
// have acknowledged its log, sends a goaway and closes its half; the peer
// reads up to it and closes. Frames behind a goaway are not read.
//
// # Proof
//
// With a guard (Config.Guard) a connection is TLS from its first byte, and all
// of the above is said under it; what opens otherwise is refused with a goaway
// in the clear, that names nobody. Handshakes are begun for so many of an
// address, and of all that have never proven anything, as handshakes.go says;
// beyond that the answer is an alert (access_denied) and nothing is computed.
// Without a guard whoever reaches the port and knows the cluster's name is a
// member; what is bounded is what one connection can make us hold and log.
//
// # Compatibility
//
// Frame types and JSON fields are only ever added; unknown fields are ignored.
// A frame type that version 1 does not have is sent only to peers whose hello
// says that they know it. The version rises with every such addition.
//
// # Example
//
// A node (>) dials another (<), which removed "old" before they met. Rows,
// beats and the frontier are left out.
//
//	> 4c 54 52 31                    "LTR1"
//	> 01 00 00 00 d6                 hello
//	  {"version":5,"cluster":"default","id":"0000000000000001","node":"0000000000000100",
//	  "host":"h1","service":"admindaemon","endpoint":"LTCP","pid":9,"port":57461,
//	  "receive":true,"dial":1,"now":946684800000,"regions":[]}
//	< 01 00 00 01 34                 hello
//	  {"version":5,"cluster":"default","group":"224.0.0.1:6780","id":"0000000000000002",
//	  "node":"0000000000000200","host":"h2","service":"groupware","endpoint":"LTCP","pid":7,"port":32768,
//	  "receive":true,"dial":0,"now":946684800000,"regions":[{"name":"User","mode":"invalidate"},
//	  {"name":"State","mode":"replicate"}]}
//	< 02 00 00 00 09                 resume
//	  00 00 00 00 00 00 00 00 00     never met, nothing read
//	> 02 00 00 00 09                 resume
//	  00 00 00 00 00 00 00 00 00     likewise
//	< 27 00 00 00 08                 replay
//	  00 00 00 00 00 00 00 02        the one change there is follows
//	< 03 00 00 00 06                 names
//	  00 04 55 73 65 72              from number 0 on: "User"
//	< 04 00 00 00 18                 changes
//	  00 00 00 00 00 00 00 01        from number 1 on
//	  0f 05 00                       15 bytes follow: a removal, no flags
//	  00 dc 6a cf ac 00 00 00        at 2000-01-01T00:00:00Z, first of that millisecond
//	  00 03 6f 6c 64                 region 0, key "old"
//	> 05 00 00 00 08                 ack
//	  00 00 00 00 00 00 00 01        number 1 is applied
package mesh

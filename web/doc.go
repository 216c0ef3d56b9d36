// SPDX-License-Identifier: Apache-2.0

// Package web is the HTTP front: it turns requests into Commands for a node
// and its Status into JSON, and holds the client that does the reverse.
//
// # The interface
//
// Paths, with what they take and answer. A region's name and a key are escaped
// as URLs are (a slash in a key as %2F); every answer but a value is JSON.
//
//	GET    /metrics                                metrics for Prometheus; docs/metrics.md
//	GET    /healthz                                Alive, as long as the process answers
//	GET    /readyz                                 Ready; 503 with named reasons while regions lack what peers hold,
//	                                               the node stops, or (run --ready-nodes) the mesh was not complete yet
//	GET    /v1/status                              cache.Status
//	GET    /v1/regions                             []cache.RegionStatus
//	GET    /v1/regions/{region}                    cache.RegionStatus
//	GET    /v1/regions/{region}/keys               Keys; pattern=RE (over the whole key), local
//	DELETE /v1/regions/{region}/elements           Done: clears the region; local
//	GET    /v1/regions/{region}/elements/{key…}    the value's bytes, and Element (without key
//	                                               and value) in the header Lateral-Element;
//	                                               with Accept: application/json all as Element, and
//	                                               type and text of a value of Java's; with text/plain the
//	                                               text alone, or no_text if there is none
//	PUT    /v1/regions/{region}/elements/{key…}    Done: body is the value; update, if-absent, local,
//	                                               eternal, max-life=DUR, max-idle=DUR (or unlimited),
//	                                               in place of the region's; tag=TAG, once for each
//	                                               form=java|byte-array: what the value is to Java nodes
//	                                               acks=K|all|0: how many peers must have it first
//	                                               (also of the deletes below)
//	POST   /v1/regions/{region}/touch/{key…}       Done: notes an access, as the get of a value does; local
//	POST   /v1/regions/{region}/take/{key…}        as GET of a value, which is removed and answered with
//	                                               to one caller at most; acks
//	DELETE /v1/regions/{region}/elements/{key…}    Done; a key that ends in ":" is a prefix; local
//	DELETE /v1/regions/{region}/groups/{group}     Done; local
//	DELETE /v1/regions/{region}/tags/{tag}         Done: removes every element that has the tag; local
//	POST   /v1/verify                              cache.Verification; region=NAME (else all whose values travel), repair
//	POST   /v1/survey                              []cache.Survey: all members send, listen and dial for some seconds
//	GET    /v1/regions/{region}/java               []JavaHeld: what each Java node holds; pattern=RE, values
//	GET    /v1/regions/{region}/why/{key…}         cache.Explanation
//	GET    /dashboard/                             the page for people, if there is one
//	GET    /dashboard/events                       server-sent events: hello (Hello), view (View) each second, feed (Batch)
//	                                               of the regions named with feed=REGION, of all with feed alone
//	GET    /dashboard/keys                         Listing; region, pattern, limit
//	GET    /dashboard/element                      Shown; region, id (of Listing): no access
//	GET    /dashboard/why                          cache.Explanation; region, id
//	POST   /dashboard/act                          Action, with the header Lateral-Action: Done or cache.Verification
//
// And on the socket alone:
//
//	GET    /v1/silent                              []cache.SilentMember
//	POST   /v1/forget                              []cache.SilentMember: body is an id, host/service or host/service.endpoint
//	GET    /v1/loglevel                            LogLevel
//	PUT    /v1/loglevel                            LogLevel: body is debug, info, warn or error
//	GET    /debug/pprof/                           profiles of the process, as package net/http/pprof has them
//
// A put, a deletion and a value are answered with a token of theirs in the header
// X-Mesh-Stamp (Done has it, too). A GET of a value with such a header answers
// with that write of the key or a newer one, or fails with not_current.
//
// group=NAME makes a key one of a group. Options are query parameters; one
// without a value is true; one that is not known is refused. What fails is
// answered with Failure: what was seen, why it matters, what to do.
//
// # Sockets
//
// Each service has one socket, SERVICE.sock, in a runtime directory that
// belongs to the user: who may open it (mode 0600) may do everything. A socket
// whose process has died is removed by whoever next looks.
//
// By TCP (ServeTCP) a Door judges bearer tokens, but of /healthz and the page;
// with that for reading only GET is done. Without a door, which is for loopback,
// only names of this machine are answered.
//
// Browsers that are led here are kept from harm: a page of another site may
// change nothing, and by a socket, which ssh may have brought to another
// machine, only names of that machine are answered. What is under /dashboard/ is
// no stable interface.
//
// # Limits
//
// A value has cache.MaxValue bytes, which is checked against the declared length before
// anything is read and against what arrives; room is made as bytes come, not
// as they are announced. Request line and headers: 256 KiB (a key of 64 KiB
// may be escaped threefold). Headers within 5 s, a body within 60 s. A stream of
// events lasts as long as its reader keeps up, see events.go. By TCP there are
// 512 connections at once, 64 of one address; beyond that the oldest on which
// nobody was let in makes room.
package web

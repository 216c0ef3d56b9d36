// SPDX-License-Identifier: Apache-2.0

// Package lateral is the front door for Go: it opens a node of a clustered
// cache that assembles itself.
//
// A node reads the cache.ccf files of a service, finds the other services of
// the cluster by multicast (or static lists, DNS, and what the others know),
// links with each of them and keeps the regions coherent:
//
//	n, err := lateral.Open(ctx, lateral.Config{Service: "groupware", Files: []string{"cache.ccf"}})
//	if err != nil { … }
//	defer n.Close()
//	users, err := lateral.In[string](n, "User", lateral.Text)
//	users.Put(ctx, "424242:3", "anna")
//
// This package is the only one that knows all the others, and it owns every
// long-lived goroutine: they start in Open and have ended when Close returns.
//
// # The path of a miss
//
// Get looks in memory; if the element is not there, in the auxiliaries of the
// region in the order of the ccf, as far as their settings let it ask, by one
// caller per key; what is found is kept in memory and not sent on. GetOrLoad
// then asks the source, by one loader per key.
//
// In a region of sessions, which is one whose values travel and that has Acks,
// a miss asks every linked peer, whatever AllowGet says, and takes the newest
// answer. docs/coherence.md says what sessions are promised.
//
// # Invalidated regions
//
// Where only removals travel, a value is right as long as every removal
// arrives and none is overtaken by an older value. So the source is changed
// first and the key removed after (Update); what was read before a removal is
// not kept after it (fill tickets, GetOrLoad); what comes from a lagging
// replica of the source is told by its version (GetOrLoadVersion); and while a
// link is down, WhenLinkDown and StaleMax in the ccf say for how long what is
// held may be served.
//
// Not promised: that a Get on another node sees a removal when Remove has
// returned here. It does so when the removal has arrived (Barrier waits for
// that), or, if the link has gone, after LinkTimeout and StaleMax at most. A
// region with Strict=true promises it: see docs/coherence.md.
package lateral

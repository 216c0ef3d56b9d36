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
// caller per key; what is found is kept in memory and not sent on.
package lateral

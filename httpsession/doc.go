// SPDX-License-Identifier: Apache-2.0

// Package httpsession keeps sessions of net/http programs in a region of a
// node, so that any instance behind any load balancer knows them:
//
//	s, err := httpsession.New(node, httpsession.Config{Region: "SessionCache"})
//	http.ListenAndServe(addr, s.Wrap(mux))
//
// and in a handler
//
//	ses := httpsession.From(r.Context())
//	ses.Renew()               // at each change of rights: log-in, sudo
//	ses.Set("user", "anna")
//	ses.End()                 // log-out
//
// # What is safe by default
//
//   - Ids are 256 random bits. The region holds their SHA-256 as keys, so that
//     whoever sees keys (a dashboard, a dump, a log) cannot use a session.
//   - An id that nobody here has given out is never taken over: a new session
//     has a new id, and so has one after Renew, whose old id is gone everywhere.
//   - The cookie is "__Host-session": Secure, HttpOnly, SameSite=Lax, for this
//     host alone, forgotten when the browser closes. Answers that set it may
//     not be kept by shared caches.
//   - A session ends after 30 minutes without a request and after 12 hours,
//     whatever happens.
//
// # What is promised
//
// A session is a hash (package fields): what concurrent requests write, on one
// node or on several, is merged by field; of two writes of one field the later
// wins. It is written once per request, before the header of the answer goes
// out, and only if it changed. A request that only reads writes nothing, and
// prolongs the idle time everywhere.
//
// The cookie carries a token of the last write, so the next request sees that
// write on whatever node it arrives (lateral.WithToken), or fails.
//
// In a region with Acks the write waits for its acknowledgements. If they do
// not come (cache.ErrNotReplicated) the answer is 503 and the cookie is not
// set: a log-in that could be lost has not happened for the browser. Config.Fail
// says otherwise.
package httpsession

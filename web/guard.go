// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard keeps browsers from being used against a front that their user can
// reach: pages of other sites may send it requests, though not read answers, and
// with a name of theirs that leads to this machine they could do both. alone
// reports whether nothing but being on this machine lets a request in.
func guard(h http.Handler, alone func(*http.Request) bool) http.Handler {
	cross := http.NewCrossOriginProtection() // programs send neither Origin nor Sec-Fetch-Site, and pass
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if alone(r) && !localName(r.Host) {
			refuse(w, &Failure{Status: http.StatusMisdirectedRequest, Code: "bad_host", Saw: "a request for host " + r.Host,
				Why: "this front is for this machine alone; another name may be a trick on a browser", Do: "use http://localhost or http://127.0.0.1"})
			return
		}
		if err := cross.Check(r); err != nil {
			refuse(w, &Failure{Status: http.StatusForbidden, Code: "cross_origin", Saw: err.Error(),
				Why: "a page of another site may not change anything here", Do: "use the dashboard, or a program"})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// overSocket reports whether a request came by the service's socket.
func overSocket(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && a.Network() == "unix"
}

// localName reports whether a Host header names this machine and can name no
// other. "lateral" is what Client says.
func localName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(strings.ToLower(name), "[]")
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.IsLoopback()
	}
	return name == "" || name == "localhost" || name == "lateral"
}

// refuse answers with a failure that no error of the node stands behind.
func refuse(w http.ResponseWriter, f *Failure) {
	answer(w, f.Status, struct {
		Error *Failure `json:"error"`
	}{f})
}

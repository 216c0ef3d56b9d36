// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"lateral/cache"
)

// A Failure says why a request was not done.
type Failure struct {
	Status int    `json:"-"`    // of HTTP
	Code   string `json:"code"` // for programs
	Saw    string `json:"saw"`
	Why    string `json:"why"`
	Do     string `json:"do"`
}

// Error prints the three texts.
func (f *Failure) Error() string {
	s := f.Saw
	for _, t := range []string{f.Why, f.Do} {
		if t != "" {
			s += "; " + t
		}
	}
	return s
}

// Unwrap gives errors.Is what the service saw.
func (f *Failure) Unwrap() error {
	for _, k := range failures {
		if k.Code == f.Code {
			return k.is
		}
	}
	return nil
}

// ErrRequest is wrapped by what is wrong with a request itself.
var ErrRequest = errors.New("bad request")

// errMiss never leaves the room: a miss is an answer.
var errMiss = errors.New("no such element")

// failures are the kinds of failures. Codes are a stable interface.
var failures = []struct {
	is error
	Failure
}{
	{errMiss, Failure{Status: http.StatusNotFound, Code: "miss", Why: "it was never put, was removed or evicted, or is over its lifetime",
		Do: "lateral keys REGION lists what is there"}},
	{errNoText, Failure{Status: http.StatusNotAcceptable, Code: "no_text", Why: "text would not say what it is",
		Do: "ask without Accept: text/plain for its bytes, or see it with lateral get REGION KEY --tree"}},
	{cache.ErrNoRegion, Failure{Status: http.StatusNotFound, Code: "no_region", Why: "regions are declared in the ccf files of the service",
		Do: "lateral stats lists the regions there are"}},
	{cache.ErrNoMember, Failure{Status: http.StatusNotFound, Code: "no_member", Why: "one that has a link lives, and one that said goodbye counts no more",
		Do: "lateral forget lists the silent ones; stop a service to have it leave"}},
	{cache.ErrKey, Failure{Status: http.StatusBadRequest, Code: "bad_key", Why: `a key is not empty, and one that ends in ":" names a prefix, which can only be removed`,
		Do: "use another key"}},
	{cache.ErrTag, Failure{Status: http.StatusBadRequest, Code: "bad_tag", Why: "tags travel with each version of an element, and each is looked up when it arrives",
		Do: "use at most 16 tags of 1 to 255 bytes, UTF-8 without NUL"}},
	{cache.ErrTooLarge, Failure{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Why: "limits keep one caller from taking the memory of all",
		Do: "split the value, or keep it elsewhere and a reference to it here"}},
	{cache.ErrClosed, Failure{Status: http.StatusServiceUnavailable, Code: "closed", Why: "the service is stopping", Do: "ask again when it is back"}},
	{cache.ErrStopping, Failure{Status: http.StatusServiceUnavailable, Code: "stopping", Why: "it hands its sessions over, and what came now might not be among them",
		Do: "ask another node of the cluster"}},
	{ErrRunning, Failure{Status: http.StatusConflict, Code: "running", Why: "two would answer for each other", Do: "stop that one, or choose another --service or --runtime-dir"}},
	{cache.ErrObserved, Failure{Status: http.StatusForbidden, Code: "observed", Why: "the region is another cluster's, which this service only listens to (ListenOnly)",
		Do: "write on a node of that cluster; or remove ListenOnly=true from the ccf to become one"}},
	{cache.ErrNotReplicated, Failure{Status: http.StatusServiceUnavailable, Code: "not_replicated", Why: "if this node were lost now, so would be what was written",
		Do: "lateral mesh shows which peers are linked, and their lag; or ask for fewer with --acks"}},
	{cache.ErrNotReady, Failure{Status: http.StatusServiceUnavailable, Code: "not_ready", Why: "a miss would deny what the peers hold",
		Do: "wait; lateral mesh shows how far it is"}},
	{cache.ErrNotCurrent, Failure{Status: http.StatusServiceUnavailable, Code: "not_current", Why: "an older value, or none, would deny what its writer was told is done",
		Do: "lateral mesh shows which peers are linked, and their lag; ask again without the token for what there is"}},
	{cache.ErrToken, Failure{Status: http.StatusBadRequest, Code: "bad_token", Why: "which write is to be seen cannot be known",
		Do: "hand in a token as it was returned by a put or a removal of the same key, or none"}},
	{cache.ErrUnsettled, Failure{Status: http.StatusServiceUnavailable, Code: "unsettled", Why: "some member of the cluster may still serve what was there before",
		Do: "lateral mesh shows who is not linked, and why; remove it again when it is"}},
	{context.DeadlineExceeded, Failure{Status: http.StatusGatewayTimeout, Code: "timeout", Why: "a peer or the caller was too slow",
		Do: "lateral mesh shows the links and their lag"}},
	{ErrRequest, Failure{Status: http.StatusBadRequest, Code: "bad_request", Why: "the request cannot be understood", Do: "paths are like /v1/regions/REGION/elements/KEY; go doc lateral/web lists all of them, with their parameters"}},
}

// failureOf maps an error to what is sent; Failure.Unwrap maps it back.
func failureOf(err error) *Failure {
	for _, k := range failures {
		if errors.Is(err, k.is) {
			f := k.Failure
			f.Saw = err.Error()
			return &f
		}
	}
	return &Failure{Status: http.StatusInternalServerError, Code: "internal", Saw: err.Error(),
		Why: "the service could not do what was asked", Do: "its log says more"}
}

// fail answers with a failure.
func fail(w http.ResponseWriter, err error) {
	f := failureOf(err)
	answer(w, f.Status, struct {
		Error *Failure `json:"error"`
	}{f})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // the reader has gone if this fails
}

// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"strings"

	"lateral/cache"
)

// watched adds what those ask who watch a service: monitors, and whoever
// decides where work goes.
func (f *Front) watched(m *http.ServeMux) {
	m.HandleFunc("GET /healthz", alive)
	m.HandleFunc("GET /readyz", f.ready)
	if f.Metrics != nil {
		m.Handle("GET /metrics", f.Metrics)
	}
}

// Alive is the answer of a process that serves requests.
type Alive struct {
	Alive bool `json:"alive"`
}

// alive answers whoever restarts what hangs. It asks nothing of the node: one
// that is not ready, or alone, is not mended by a restart.
func alive(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, Alive{true}) }

// Ready says whether a node may be given work, and if not why.
type Ready struct {
	Ready   bool           `json:"ready"`
	Reasons []cache.Reason `json:"reasons,omitempty"`
	Error   *Failure       `json:"error,omitempty"` // the same for people, and for clients of the other paths
}

// ready answers whoever decides where work goes.
func (f *Front) ready(w http.ResponseWriter, r *http.Request) {
	st := f.Status()
	reasons := st.Reasons()
	if f.Reasons != nil {
		reasons = f.Reasons(&st)
	}
	if len(reasons) == 0 {
		answer(w, http.StatusOK, Ready{Ready: true})
		return
	}
	var why []string
	for _, x := range reasons {
		why = append(why, x.String())
	}
	failure := failureOf(fmt.Errorf("%w: %s", cache.ErrNotReady, strings.Join(why, "; ")))
	answer(w, failure.Status, Ready{Reasons: reasons, Error: failure})
}

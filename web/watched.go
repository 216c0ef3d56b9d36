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
	m.HandleFunc("GET /readyz", f.ready)
	if f.Metrics != nil {
		m.Handle("GET /metrics", f.Metrics)
	}
}

// Ready is the answer of a node that may be given work.
type Ready struct {
	Ready bool `json:"ready"`
}

// ready answers whoever decides where work goes.
func (f *Front) ready(w http.ResponseWriter, r *http.Request) {
	st := f.Status()
	if why := st.Unready(); len(why) > 0 {
		fail(w, fmt.Errorf("%w: %s", cache.ErrNotReady, strings.Join(why, "; ")))
		return
	}
	answer(w, http.StatusOK, Ready{true})
}

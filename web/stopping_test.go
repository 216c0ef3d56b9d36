// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lateral/cache"
)

// TestReadyWhileStopping has a load balancer see at once that a service stops.
func TestReadyWhileStopping(t *testing.T) {
	var st cache.Status
	h := (&Front{Status: func() cache.Status { return st }}).Handler()
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		return w
	}
	if w := ask(); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"ready":true`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	st.Stopping = true
	if w := ask(); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `it stops`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

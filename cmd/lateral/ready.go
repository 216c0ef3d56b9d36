// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"lateral"
	"lateral/cache"
	"lateral/mesh"
)

// readyFlags say when a service is ready.
type readyFlags struct {
	ReadyNodes int `placeholder:"N" help:"Ready (GET /readyz) only once the mesh was complete with at least N processes. Default: once its regions are filled."`
}

// reasons says why this service may not be given work. That the mesh was
// complete once is enough: were every node unready whenever one is lost, that
// one would take all others along. Alarms tell of a mesh that is not complete
// any more.
func (v *service) reasons(st *cache.Status) []cache.Reason {
	why := st.Reasons()
	if v.cmd.ReadyNodes <= 0 || v.whole.Load() {
		return why
	}
	err := lateral.Incomplete(mesh.Verdict(*st), v.cmd.ReadyNodes)
	if err == nil {
		v.whole.Store(true)
		return why
	}
	return append(why, cache.Reason{Name: cache.ReasonMesh, Why: "the mesh was not complete yet: " + strings.ReplaceAll(err.Error(), "\n", "; ")})
}

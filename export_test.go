// SPDX-License-Identifier: Apache-2.0

package lateral

import "lateral/cache"

// Stopped reports whether a get of a strict region would serve what it read
// from memory, had the process been stopped right after.
func Stopped[V any](r *Region[V], stop func()) bool {
	l := r.b.strict.take()
	stop()
	return r.b.strict.good(l)
}

// Auxiliary returns an endpoint as its regions see it.
func (n *Node) Auxiliary(name string) cache.Auxiliary { return n.endpoint(name).auxiliary() }

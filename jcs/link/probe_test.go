// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"lateral/changelog"
	"lateral/jcs"
)

// A Lateral node that is far away is not taken for a Java node, which says nothing
// at any distance.
func TestProbeFarAway(t *testing.T) {
	for _, lateral := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			const away = 2 * probeTime
			ours, theirs := net.Pipe()
			l := New(Config{Gen: jcs.JCS133, Log: changelog.New(7, 64<<10), Dial: func(context.Context, string) (net.Conn, error) {
				time.Sleep(away)
				return ours, nil
			}})
			go func() {
				theirs.Read(make([]byte, 4096))
				time.Sleep(away)
				if lateral {
					io.WriteString(theirs, Magic)
				}
			}()
			if err := l.Probe(t.Context(), "10.0.0.1:1110"); (err == nil) != lateral || l.Java("10.0.0.1:1110") == lateral {
				t.Errorf("lateral is %v: %v", lateral, err)
			}
			theirs.Close()
		})
	}
}

// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"fmt"
	"testing"
	"time"

	"lateral/internal/auxtest"
	"lateral/internal/redistest"
)

// TestSuite: a server does what every auxiliary must, and so does a Cluster.
func TestSuite(t *testing.T) {
	t.Parallel()
	one := redistest.Start(t)
	addrs := map[string][]string{"single": {one.Addr()}}
	for _, s := range redistest.Cluster(t, 3, false) {
		addrs["cluster"] = append(addrs["cluster"], s.Addr())
	}
	n := 0
	for name, list := range addrs {
		for _, byStamp := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", by stamp ", byStamp), func(t *testing.T) {
				auxtest.Run(t, func(t *testing.T) auxtest.Subject {
					n++ // nothing is there under another prefix
					return subject(t, Config{Addrs: list, Prefix: fmt.Sprint("p", n)}, byStamp)
				})
			})
		}
	}
}

func subject(t *testing.T, c Config, byStamp bool) auxtest.Subject {
	r := run(t, c, byStamp).works()
	return auxtest.Subject{Auxiliary: r, Base: time.Now().UnixMilli() - 60_000, Settle: r.flush,
		Reopen: func() auxtest.Subject { r.stop(); return subject(t, c, byStamp) }}
}

// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"testing"
	"time"

	"lateral"
	"lateral/internal/auxtest"
	"lateral/internal/memnet"
)

// TestLateralSuite: peers do what every auxiliary must: what one node tells its
// mesh the other answers with.
func TestLateralSuite(t *testing.T) {
	auxtest.Run(t, func(t *testing.T) auxtest.Subject {
		c := &cluster{t: t, net: memnet.New(), cut: map[string]func(){}}
		c.nodes, c.procs = map[string]*lateral.Node{}, map[string]*memnet.Edge{}
		t.Cleanup(c.close)
		const r = "jcs.region." + auxtest.Region
		lines := []string{r + "=LTCP", r + ".cacheattributes.MaxObjects=1000", "PutOnlyMode=false"}
		c.own(1, lines...)
		c.own(2, lines...)
		c.wait(2)
		return auxtest.Subject{Auxiliary: c.nodes["1"].Auxiliary("LTCP"), Settle: func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := c.nodes["1"].Barrier(ctx); err != nil {
				t.Fatal(err)
			}
		}}
	})
}

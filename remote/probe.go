// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Probe connects with a server and returns the masters whose invalidations
// arrive; or, as soon as one is known, why they do not. It waits until ctx ends.
func Probe(ctx context.Context, c Config) (masters []string, err error) {
	s := Open(c)
	t := s.Tier(TierConfig{Region: "probe"})
	life, stop := context.WithCancel(ctx)
	var run sync.WaitGroup
	run.Go(func() { s.Run(life) })
	defer func() { stop(); run.Wait() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		st := t.Status()
		switch {
		case st.Works:
			return st.Tracked, nil
		case ctx.Err() != nil || st.Why != notYet && st.Why != "":
			return nil, errors.New(st.Why)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lateral/internal/memnet"
)

// Where something is sent anyway heartbeats go with it; where nothing is, they
// go alone, once in the time of one.
func TestBeatsRide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a := newStation(t, n, 1, 1, func(c *Config) { c.LinkTimeout = time.Hour })
		a.run()
		c, in := greet(t, n, 3, a)
		type arrival struct {
			at   time.Duration
			beat bool
		}
		arrivals, began := make(chan arrival, 1000), time.Now()
		go func() {
			defer close(arrivals)
			for {
				switch ft, _, err := readFrame(in, nil); {
				case err != nil:
					return
				case ft == frameBeat, ft == frameChanges:
					arrivals <- arrival{time.Since(began), ft == frameBeat}
				}
			}
		}()
		time.Sleep(5500 * time.Millisecond)
		const pause, puts = 300 * time.Millisecond, 20
		writing := time.Since(began)
		for i := range puts {
			a.put(a.state, fmt.Sprint("k", i), "v")
			time.Sleep(pause)
		}
		c.Close()
		a.close()
		alone, changes, rode := 0, map[time.Duration]bool{}, 0
		for x := range arrivals {
			switch {
			case !x.beat:
				changes[x.at] = true
			case x.at < writing:
				alone++
			case x.at >= writing+puts*pause: // the goodbye
			case !changes[x.at]:
				t.Errorf("a heartbeat went alone after %v, while something was sent every %v", x.at, pause)
			default:
				rode++
			}
		}
		if alone != 5 || rode < puts*300/1000 || rode > puts/2+1 {
			t.Errorf("%d heartbeats in 5.5 s, then %d with %d changes", alone, rode, puts)
		}
	})
}

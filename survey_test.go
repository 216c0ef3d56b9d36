// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/secret"
)

// of returns a member's own word in a survey.
func of(t *testing.T, s cache.Survey, host string) *cache.Surveyed {
	t.Helper()
	i := slices.IndexFunc(s.Members, func(m cache.Surveyed) bool { return m.Host == host })
	if i < 0 {
		t.Fatalf("%s is not in %+v", host, s)
	}
	return &s.Members[i]
}

func heard(m *cache.Surveyed, id string) bool {
	return slices.ContainsFunc(m.Heard, func(p cache.SurveyedPacket) bool { return p.ID == id })
}

func dialled(m *cache.Surveyed, id string) cache.DialFailure {
	for _, d := range m.Reached {
		if d.ID == id {
			return d.How
		}
	}
	return "never"
}

// TestSurvey: what one direction loses is seen by its receiver, who is asked
// over others where there is no link; a member that is gone is said to be so.
func TestSurvey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.cut = map[string]func(){}
		defer c.close()
		key := secretFile(t, secret.New())
		for n := 1; n <= 3; n++ {
			c.own(n, "ClusterSecretFile="+key)
		}
		c.wait(3)
		survey := func() cache.Survey {
			begin := time.Now()
			all := c.nodes["1"].Survey(t.Context())
			if took := time.Since(begin); took > 10*time.Second || len(all) != 1 {
				t.Fatalf("%d surveys in %v", len(all), took)
			}
			return all[0]
		}
		s := survey()
		for _, m := range s.Members {
			for _, o := range s.Members {
				if m.ID != o.ID && (!heard(&m, o.ID) || dialled(&m, o.ID) != "") {
					t.Errorf("%s does not hear or reach %s: %+v", m.Host, o.Host, m)
				}
			}
			if m.Asked == "" || m.Regions["Inv"] != "invalidate" || len(m.Linked) != 2 {
				t.Errorf("its own word: %+v", m)
			}
		}
		one, three := of(t, s, "h1").ID, of(t, s, "h3").ID

		c.net.Block(hostAddr(1), hostAddr(3)) // all that h1 sends to h3
		time.Sleep(10 * time.Second)
		s = survey()
		if h3 := of(t, s, "h3"); h3.Asked != "h2/s2.LTCP" || heard(h3, one) || !heard(h3, of(t, s, "h2").ID) {
			t.Errorf("h3: %+v", h3)
		}
		if h1 := of(t, s, "h1"); !heard(h1, three) || dialled(h1, three) != cache.DialSilent {
			t.Errorf("h1: %+v", h1)
		}

		c.net.HealAll()
		time.Sleep(10 * time.Second)
		c.kill("3")
		time.Sleep(time.Second)
		if h3 := of(t, survey(), "h3"); h3.Asked != "" || h3.Why == "" {
			t.Errorf("killed: %+v", h3)
		}
	})
}

// However many ask at once, members send and dial as for one.
func TestSurveysAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.cut = map[string]func(){}
		defer c.close()
		for n := 1; n <= 3; n++ {
			c.own(n)
		}
		c.wait(3)
		time.Sleep(time.Minute)
		sent := func() int64 { // packets, and connections of others
			st := c.nodes["2"].Status().Endpoints[0].Counters
			return st["packets_sent"] + 10*st["accepted"]
		}
		before := sent()
		c.nodes["1"].Survey(t.Context())
		one := sent() - before
		time.Sleep(time.Minute)
		before = sent()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				n := []string{"1", "2", "3"}[i%3]
				for _, m := range c.nodes[n].Survey(t.Context())[0].Members {
					if m.Asked == "" && m.Why != "it is busy with other looks" {
						t.Errorf("%s was not asked: %s", m.Host, m.Why)
					}
				}
			})
		}
		all.Wait()
		if many := sent() - before; many > 2*one {
			t.Errorf("%d for 20 that ask at once, %d for one", many, one)
		}
	})
}

// Another cluster in the group is told of, by name.
func TestOtherClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.cut = map[string]func(){}
		defer c.close()
		c.own(1)
		c.own(2, "ClusterName=test")
		time.Sleep(time.Minute)
		if got := c.nodes["1"].Status().Endpoints[0].Others; len(got) != 1 || got["10.0.0.2"] != "test" {
			t.Errorf("others: %v", got)
		}
	})
}

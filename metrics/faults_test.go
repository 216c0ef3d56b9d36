// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/internal/memnet"
	"lateral/mesh"
)

const scrapeEvery = 30 * time.Second

// A watch is three nodes that are scraped, in virtual time.
type watch struct {
	t          *testing.T
	net        *memnet.Net
	nodes      []*lateral.Node
	collectors []*Collector
	gone       map[int]bool // by place: its process has ended
	observes   bool         // it may not be written to
	each       func()       // what else happens between two scrapes
	scrapes    int
	series     map[string][]string
	expect     []any // what Prometheus shall say of them
}

func addr(host int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(host)}) }

func newWatch(t *testing.T, clocks ...time.Duration) *watch {
	w := emptyWatch(t)
	for i := range 3 {
		var ahead time.Duration
		if i < len(clocks) {
			ahead = clocks[i]
		}
		w.add(open(t, w.net, byte(i+1), ahead))
	}
	return w
}

func emptyWatch(t *testing.T) *watch {
	return &watch{t: t, net: memnet.New(), series: map[string][]string{}, gone: map[int]bool{}}
}

func (w *watch) add(n *lateral.Node) {
	w.nodes = append(w.nodes, n)
	w.collectors = append(w.collectors, New(Config{Status: n.Status, Mesh: func(st cache.Status) cache.MeshStatus { return mesh.Verdict(st) }}))
}

// pass lets time pass in which sessions are written, and everything is scraped.
func (w *watch) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for i, n := range w.nodes {
			if w.gone[i] || w.observes {
				continue
			}
			for _, c := range []cache.Command{{Op: cache.Put, Region: "SessionCache"}, {Op: cache.Update, Region: "User"}, {Op: cache.Get, Region: "User"}} {
				c.Key, c.Value.Bytes = fmt.Sprint("k", i, w.scrapes%10), "v"
				if _, err := n.Do(w.t.Context(), c); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		if w.each != nil {
			w.each()
		}
		time.Sleep(scrapeEvery)
		for i, c := range w.collectors {
			if w.gone[i] { // what Prometheus notes by itself of a scrape that nobody answers, or somebody
				w.note(`up{job="lateral"}`, i, "0")
				continue
			}
			w.note(`up{job="lateral"}`, i, "1")
			for name, m := range gather(w.t, c) {
				if h := m.GetHistogram(); h != nil {
					base, labels, _ := strings.Cut(name, "{")
					for _, b := range append(h.Bucket, nil) {
						le, n := "+Inf", h.GetSampleCount()
						if b != nil {
							le, n = fmt.Sprint(b.GetUpperBound()), b.GetCumulativeCount()
						}
						w.note(base+"_bucket{le=\""+le+"\","+labels, i, fmt.Sprint(n))
					}
					continue
				}
				w.note(name, i, fmt.Sprint(value(m)))
			}
		}
		w.scrapes++
	}
}

func (w *watch) note(name string, instance int, value string) {
	name = strings.Replace(name, "{", fmt.Sprintf(`{instance="%d",`, instance+1), 1)
	name = strings.Replace(name, ",}", "}", 1)
	for len(w.series[name]) < w.scrapes {
		w.series[name] = append(w.series[name], "_")
	}
	w.series[name] = append(w.series[name], value)
}

// alarms says which are to be raised now, on any node.
func (w *watch) alarms(names ...string) {
	samples := []any{}
	for _, n := range names {
		samples = append(samples, map[string]any{"labels": fmt.Sprintf("{alertname=%q}", n), "value": 1})
	}
	w.expect = append(w.expect, map[string]any{"expr": `group by (alertname) (ALERTS{alertstate="firing"})`,
		"eval_time": ((time.Duration(w.scrapes) - 1) * scrapeEvery).String(), "exp_samples": samples})
}

// judge has Prometheus evaluate the alarms on what was scraped.
func (w *watch) judge(t *testing.T) {
	rules, err := filepath.Abs(alarms)
	if err != nil {
		t.Fatal(err)
	}
	used := read(t, alarms)
	var input []any
	for _, name := range slices.Sorted(maps.Keys(w.series)) {
		if base, _, _ := strings.Cut(name, "{"); strings.Contains(used, base) {
			input = append(input, map[string]any{"series": name, "values": strings.Join(w.series[name], " ")})
		}
	}
	b, err := json.Marshal(map[string]any{"rule_files": []string{rules}, "evaluation_interval": scrapeEvery.String(),
		"tests": []any{map[string]any{"interval": scrapeEvery.String(), "input_series": input, "promql_expr_test": w.expect}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "scraped.yml") // JSON is YAML
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", path)
}

// TestAlarmsOnFaults scrapes real nodes while something happens to them, and
// has Prometheus say which alarms that raises, and that they end.
func TestAlarmsOnFaults(t *testing.T) {
	for name, story := range map[string]struct {
		clocks []time.Duration
		tell   func(w *watch)
	}{
		"partition": {nil, func(w *watch) {
			w.pass(5 * time.Minute)
			w.alarms()
			w.net.Partition(addr(1), addr(2))
			w.pass(5 * time.Minute)
			w.alarms("LateralMeshIncomplete", "LateralBypassed")
			w.net.HealAll()
			w.pass(20 * time.Minute)
			w.alarms()
		}},
		"cut in one direction": {nil, func(w *watch) {
			w.pass(5 * time.Minute)
			w.net.Block(addr(1), addr(2))
			w.pass(20 * time.Minute)
			w.alarms("LateralMeshIncomplete", "LateralBypassed", "LateralFrontierStuck")
		}},
		"a service has ended": {nil, func(w *watch) {
			w.pass(5 * time.Minute)
			w.nodes[2].Close()
			w.gone[2] = true
			w.pass(3 * time.Minute)
			w.alarms("LateralDown")
		}},
		"gone without a goodbye": {nil, func(w *watch) {
			w.pass(5 * time.Minute)
			w.net.Partition(addr(3), addr(1))
			w.net.Partition(addr(3), addr(2))
			w.collectors = w.collectors[:2]
			w.pass(2 * time.Minute)
			w.alarms("LateralMeshIncomplete")
			w.pass(20 * time.Minute)
			w.alarms("LateralFrontierStuck")
		}},
		"slow": {nil, func(w *watch) {
			w.pass(5 * time.Minute)
			w.net.SetDelay(addr(1), addr(2), 800*time.Millisecond)
			w.net.SetDelay(addr(2), addr(1), 800*time.Millisecond)
			w.pass(10 * time.Minute)
			w.alarms("LateralPropagationSlow")
		}},
		"a clock is off": {[]time.Duration{300 * time.Millisecond}, func(w *watch) {
			w.pass(7 * time.Minute)
			w.alarms("LateralClockSkew")
		}},
		"a clock is wrong": {[]time.Duration{time.Second}, func(w *watch) {
			w.pass(5 * time.Minute)
			w.alarms("LateralMeshIncomplete", "LateralClockRefused", "LateralBypassed")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w *watch
			synctest.Test(t, func(t *testing.T) {
				w = newWatch(t, story.clocks...)
				all := w.nodes
				story.tell(w)
				for _, n := range all {
					n.Close()
				}
			})
			w.judge(t)
		})
	}
}

// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"lateral/cache"
)

var update = flag.Bool("update", false, "write the golden list of names, and the table in docs/metrics.md")

// TestLint has Prometheus' own linter judge names, units and help texts.
func TestLint(t *testing.T) {
	for _, c := range []prometheus.Collector{collector(full), called()} {
		problems, err := testutil.CollectAndLint(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestNames keeps names, kinds and labels: they are an interface.
func TestNames(t *testing.T) {
	var b strings.Builder
	for _, f := range Families() {
		fmt.Fprintf(&b, "%s %s{%s}\n", f.Kind, f.Name, strings.Join(f.Labels, ","))
	}
	const golden = "testdata/names.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("names have changed, on which people's alarms may rest; if that is meant: go test ./metrics -update, and a line in the changelog\ngot\n%s", b.String())
	}
}

// TestAllThere has every family that is listed in a scrape, and no other.
func TestAllThere(t *testing.T) {
	text := scrape(collector(full), called(), Resp{fullResp})
	for _, f := range Families() {
		if !strings.Contains(text, "# TYPE "+f.Name+" "+string(f.Kind)+"\n") || !regexp.MustCompile(`(?m)^`+f.Name).MatchString(text) {
			t.Errorf("a scrape lacks %s %s", f.Kind, f.Name)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (lateral_\w+)`).FindAllStringSubmatch(text, -1) {
		if !slices.ContainsFunc(Families(), func(f Family) bool { return f.Name == m[1] }) {
			t.Errorf("%s is in a scrape, but not in the list", m[1])
		}
	}
	for _, other := range []string{"go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(text, "\n"+other) {
			t.Errorf("a scrape lacks %s", other)
		}
	}
}

// TestValues reads some of a status.
func TestValues(t *testing.T) {
	got := gather(t, collector(full))
	for name, want := range map[string]float64{
		`lateral_build_info{version="1.2.3"}`:                                                        1,
		`lateral_node_info{host="oxgw01",node="abc",service="groupware"}`:                            1,
		`lateral_start_time_seconds{}`:                                                               1_800_000_000.5,
		`lateral_ready{}`:                                                                            0,
		`lateral_unready_reasons{reason="region"}`:                                                   1,
		`lateral_unready_reasons{reason="mesh"}`:                                                     0,
		`lateral_mesh_complete{}`:                                                                    0,
		`lateral_mesh_links_expected{}`:                                                              3,
		`lateral_region_gets_total{region="User"}`:                                                   15,
		`lateral_region_ready{region="User"}`:                                                        0,
		`lateral_region_staleness_seconds{region="User"}`:                                            1,
		`lateral_region_lease_seconds{region="User"}`:                                                3,
		`lateral_region_tombstones{region="SessionCache"}`:                                           9,
		`lateral_region_info{mode="invalidate",policy="LRU",region="User"}`:                          1,
		`lateral_disk_works{auxiliary="DC",region="SessionCache"}`:                                   1,
		`lateral_disk_max_elements{auxiliary="DC",region="SessionCache"}`:                            5000,
		`lateral_remote_works{auxiliary="VC",region="SessionCache"}`:                                 1,
		`lateral_remote_masters{auxiliary="VC",region="SessionCache"}`:                               2,
		`lateral_remote_lag_seconds{auxiliary="VC",region="SessionCache"}`:                           2,
		`lateral_remote_kept_total{auxiliary="VC",region="SessionCache"}`:                            4,
		`lateral_disk_lost_total{auxiliary="DC",region="SessionCache"}`:                              2,
		`lateral_log_changes{endpoint="LTCP"}`:                                                       8,
		`lateral_log_appended_changes_total{endpoint="LTCP"}`:                                        10,
		`lateral_frontier_age_seconds{endpoint="LTCP"}`:                                              4.5,
		`lateral_endpoint_leases_missing{endpoint="LTCP"}`:                                           1,
		`lateral_link_lag_seconds{endpoint="LTCP",peer="oxgw02/groupware"}`:                          1.5,
		`lateral_link_clock_skew_seconds{endpoint="LTCP",peer="oxgw02/groupware"}`:                   -0.02,
		`lateral_link_info{direction="in",endpoint="LTCP",peer="192.0.2.9:1110",protocol="jcs-1.3"}`: 1,
		`lateral_java_nodes{endpoint="LTCP"}`:                                                        1,
		`lateral_jcs_observed_keys{endpoint="LTCP"}`:                                                 40,
		`lateral_jcs_observed_crossed_keys{endpoint="LTCP"}`:                                         5,
		`lateral_jcs_observed_in_turn_keys{endpoint="LTCP"}`:                                         6,
		`lateral_jcs_observed_nodes{endpoint="LTCP"}`:                                                2,
		`lateral_discovery_packets_received_total{endpoint="LTCP"}`:                                  1,
		`lateral_link_info{direction="out",endpoint="LTCP",peer="oxgw02/groupware",protocol="mesh"}`: 1,
	} {
		if v := value(got[name]); v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	for _, name := range []string{`lateral_region_staleness_seconds{region="SessionCache"}`, `lateral_region_lease_seconds{region="SessionCache"}`,
		`lateral_region_max_elements{region="SessionCache"}`, `lateral_link_behind_seconds{endpoint="LTCP",peer="192.0.2.9:1110"}`} {
		if got[name] != nil {
			t.Errorf("%s has a value, where there is nothing to say", name)
		}
	}
	h := got[`lateral_link_propagation_seconds{endpoint="LTCP",peer="oxgw02/groupware"}`].GetHistogram()
	if h.GetSampleCount() != 4 || h.GetSampleSum() != 8 || h.Bucket[1].GetUpperBound() != 256e-6 || h.Bucket[1].GetCumulativeCount() != 3 {
		t.Errorf("propagation: %v", h)
	}
}

// TestBounded has regions, peers and endpoints without end: the number of
// series has one, and what is counted is still counted.
func TestBounded(t *testing.T) {
	st := full()
	e, r, l := st.Endpoints[0], st.Regions[0], st.Endpoints[0].Links[0]
	st.Regions, st.Endpoints, e.Links = nil, nil, nil
	for i := range 1000 {
		r.Region = fmt.Sprintf("region-%04d", i)
		st.Regions = append(st.Regions, r)
		l.To.Host = fmt.Sprintf("host-%04d", i)
		e.Links = append(e.Links, l)
	}
	for i := range 100 {
		e.Endpoint = fmt.Sprintf("endpoint-%02d", i)
		st.Endpoints = append(st.Endpoints, e)
		e.Links = nil
	}
	c := collector(func() cache.Status { return st })
	got := gather(t, c)
	labels := map[string]map[string]bool{"region": {}, "peer": {}, "endpoint": {}}
	for _, m := range got {
		for _, l := range m.Label {
			if seen := labels[l.GetName()]; seen != nil {
				seen[l.GetValue()] = true
			}
		}
	}
	for name, limit := range map[string]int{"region": maxRegions, "peer": maxPeers, "endpoint": maxEndpoints} {
		if n := len(labels[name]); n != limit+1 || !labels[name][other] {
			t.Errorf("label %s has %d values, want %d and %q", name, n, limit, other)
		}
	}
	if len(got) > 20_000 {
		t.Errorf("%d series", len(got))
	}
	for name, want := range map[string]float64{`lateral_region_elements{region="other"}`: 5 * 800, `lateral_region_ready{region="other"}`: 0,
		`lateral_region_staleness_seconds{region="other"}`: 1, `lateral_links_up{endpoint="endpoint-00",peer="other"}`: 800} {
		if v := value(got[name]); v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	st.Regions = append([]cache.RegionStatus{{Region: "a new one, first in order"}}, st.Regions...)
	if again := gather(t, c); !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(again))) {
		t.Error("a region that came later took the series of another")
	}
}

// TestSeats gives the seats of those who have gone to others, when they are needed.
func TestSeats(t *testing.T) {
	s := seats{limit: 2}
	for _, c := range []struct{ present, want string }{{"b a", "b a"}, {"c a b", "other a b"}, {"a", "a"}, {"b a", "b a"}, {"c a", "c a"}, {"b c a d", "other c a other"}} {
		present := strings.Fields(c.present)
		s.seat(present)
		for i, name := range present {
			present[i] = s.name(name)
		}
		if got := strings.Join(present, " "); got != c.want {
			t.Errorf("%s sit as %s, want %s", c.present, got, c.want)
		}
	}
}

// TestStrangeNames: a region may have any name, and a peer any host.
func TestStrangeNames(t *testing.T) {
	st := full()
	for _, name := range []string{"", other, "\xff\xfe", "\xff\xfd", "a\"b\\\n", strings.Repeat("x", cache.MaxRegion)} {
		st.Regions = append(st.Regions, cache.RegionStatus{Region: name, Mode: name, Policy: name, Elements: 1})
		st.Endpoints[0].Links = append(st.Endpoints[0].Links, cache.LinkStatus{To: cache.Party{Host: name, Service: name}, Protocol: "mesh"})
	}
	got := gather(t, collector(func() cache.Status { return st }))
	if v := value(got[`lateral_region_elements{region="�"}`]); v != 2 {
		t.Errorf("two names that are no text: %v elements, want them under one", v)
	}
}

// TestEmpty: a node of local regions, and one that is closing.
func TestEmpty(t *testing.T) {
	got := gather(t, collector(func() cache.Status { return cache.Status{Stopping: true} }))
	if value(got["lateral_ready{}"]) != 0 || value(got[`lateral_unready_reasons{reason="stopping"}`]) != 1 {
		t.Error(got)
	}
}

// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lateral/internal/lab"
)

const (
	alarms     = "../contrib/prometheus/alerts.yml"
	alarmsTest = "../contrib/prometheus/alerts_test.yml"
	dashboard  = "../contrib/grafana/lateral.json"
)

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// promtool runs Prometheus' own tool. Without it the test is skipped, or fails
// where it is required.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		lab.Missing(t, "promtool", "needs promtool (Debian: package prometheus)")
	}
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestNamesExist has every metric that is named outside the program exist in
// it, and every label.
func TestNamesExist(t *testing.T) {
	names, labels := map[string]bool{}, map[string]bool{"instance": true, "job": true, "le": true, "alertname": true, "alertstate": true}
	for _, f := range Families() {
		for _, l := range f.Labels {
			labels[l] = true
		}
		names[f.Name] = true
		if f.Kind == Histogram {
			names[f.Name+"_bucket"], names[f.Name+"_sum"], names[f.Name+"_count"] = true, true, true
		}
	}
	for _, path := range []string{alarms, alarmsTest, dashboard, "../docs/metrics.md"} {
		text := read(t, path)
		for _, name := range regexp.MustCompile(`\blateral_[a-z_]+\b`).FindAllString(text, -1) {
			if !names[name] {
				t.Errorf("%s: there is no %s", path, name)
			}
		}
		for _, m := range regexp.MustCompile(`[{,](\w+)=~?\\?"`).FindAllStringSubmatch(text, -1) {
			if !labels[m[1]] {
				t.Errorf("%s: there is no label %s", path, m[1])
			}
		}
	}
}

// alarmNames are those of the rules.
func alarmNames(t *testing.T) (names []string) {
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, alarms), -1) {
		names = append(names, m[1])
	}
	if len(names) < 10 {
		t.Fatalf("only %d alarms", len(names))
	}
	return names
}

// TestAlarms has Prometheus read the rules and try them on series that are
// written down; each is seen to fire.
func TestAlarms(t *testing.T) {
	text := read(t, alarmsTest)
	for _, name := range alarmNames(t) {
		if !strings.Contains(text, name+`"`) && !strings.Contains(text, "alertname: "+name+"\n") {
			t.Errorf("%s is not tried", name)
		}
	}
	promtool(t, "check", "rules", alarms)
	promtool(t, "test", "rules", alarmsTest)
}

// TestDashboard has every panel ask something that Prometheus understands, of
// the source that was chosen.
func TestDashboard(t *testing.T) {
	var d struct {
		Panels []struct {
			ID          int
			Type, Title string
			Description string
			GridPos     struct{ X, Y, W, H int }
			Datasource  struct{ UID string }
			Targets     []struct{ Expr, RefID string }
			FieldConfig struct{ Defaults struct{ Unit string } }
		}
	}
	if err := json.Unmarshal([]byte(read(t, dashboard)), &d); err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	replace := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*", "$region", ".*")
	taken, ids := map[[2]int]string{}, []int{}
	for _, p := range d.Panels {
		if slices.Contains(ids, p.ID) {
			t.Errorf("%s: a second panel %d", p.Title, p.ID)
		}
		ids = append(ids, p.ID)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" || at[0] >= 24 {
					t.Errorf("%s lies upon %s, or beyond the edge", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource.UID != "${datasource}" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("%s: no source, description, unit or question", p.Title)
		}
		for _, q := range p.Targets {
			fmt.Fprintf(&rules, "  - record: panel:%d:%s\n    expr: %q\n", p.ID, q.RefID, replace.Replace(q.Expr))
		}
	}
	path := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", path)
}

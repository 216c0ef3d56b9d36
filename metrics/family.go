// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// prefix of every name.
const prefix = "lateral_"

// Kind of a metric.
type Kind string

// Kinds, as Prometheus names them.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// A Family is all series of one name.
type Family struct {
	Name   string
	Kind   Kind
	Labels []string
	Help   string
}

// unknown is the value of what has none: there is no series then.
var unknown = math.NaN()

// A family is a row of a table: what it says of a T.
type family[T any] struct {
	name, help string
	kind       Kind
	join       func(a, b float64) float64 // of several that share labels
	of         func(*T) float64
	desc       *prometheus.Desc // set by newLevel
}

// Joins of what shares labels.
func sum(a, b float64) float64   { return a + b }
func most(a, b float64) float64  { return max(a, b) }
func least(a, b float64) float64 { return min(a, b) }

func count[T any](name, help string, of func(*T) uint64) family[T] {
	return family[T]{name: name, help: help, kind: Counter, join: sum, of: func(t *T) float64 { return float64(of(t)) }}
}

func gauge[T any](name, help string, join func(a, b float64) float64, of func(*T) float64) family[T] {
	return family[T]{name: name, help: help, kind: Gauge, join: join, of: of}
}

// yes is a gauge that is 1 or 0.
func yes[T any](name, help string, of func(*T) bool) family[T] {
	return gauge(name, help, least, func(t *T) float64 {
		if of(t) {
			return 1
		}
		return 0
	})
}

// An info is a gauge that is 1 and says the rest in labels.
type info[T any] struct {
	name, help string
	labels     []string // beside those of the level
	of         func(*T) []string
	desc       *prometheus.Desc
}

// A level is all metrics that have the same labels.
type level[T any] struct {
	labels   []string
	families []family[T]
	infos    []info[T]
}

func newLevel[T any](labels []string, infos []info[T], tables ...[]family[T]) *level[T] {
	l := &level[T]{labels: labels, infos: infos}
	for _, t := range tables {
		l.families = append(l.families, t...)
	}
	for i := range l.families {
		f := &l.families[i]
		f.desc = prometheus.NewDesc(prefix+f.name, f.help, labels, nil)
	}
	for i := range l.infos {
		f := &l.infos[i]
		f.labels = append(append([]string(nil), labels...), f.labels...)
		f.desc = prometheus.NewDesc(prefix+f.name, f.help, f.labels, nil)
	}
	return l
}

func (l *level[T]) list() (out []Family) {
	for _, f := range l.infos {
		out = append(out, Family{prefix + f.name, Gauge, f.labels, f.help})
	}
	for _, f := range l.families {
		out = append(out, Family{prefix + f.name, f.kind, l.labels, f.help})
	}
	return out
}

func (l *level[T]) describe(out chan<- *prometheus.Desc) {
	for _, f := range l.infos {
		out <- f.desc
	}
	for _, f := range l.families {
		out <- f.desc
	}
}

// A row is what shares the values of a level's labels.
type row[T any] struct {
	labels []string
	shared bool // it stands for "other", of which there is no info
	of     []*T
}

func (l *level[T]) collect(out chan<- prometheus.Metric, rows []*row[T]) {
	for _, r := range rows {
		if !r.shared {
			l.inform(out, r)
		}
		for _, f := range l.families {
			v := unknown
			for _, t := range r.of {
				if x := f.of(t); math.IsNaN(v) {
					v = x
				} else if !math.IsNaN(x) {
					v = f.join(v, x)
				}
			}
			if math.IsNaN(v) {
				continue
			}
			kind := prometheus.GaugeValue
			if f.kind == Counter {
				kind = prometheus.CounterValue
			}
			out <- prometheus.MustNewConstMetric(f.desc, kind, v, r.labels...)
		}
	}
}

// inform says of each thing once what it is: two that share all labels are one.
func (l *level[T]) inform(out chan<- prometheus.Metric, r *row[T]) {
	for _, f := range l.infos {
		said := map[string]bool{}
		for _, t := range r.of {
			labels := append(append([]string(nil), r.labels...), clean(f.of(t))...)
			if k := key(labels); !said[k] {
				said[k] = true
				out <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, 1, labels...)
			}
		}
	}
}

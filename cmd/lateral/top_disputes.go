// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"lateral/cache"
)

// maxDisputes of each endpoint are named in a look.
const maxDisputes = 5

// disputeRanks are like column.rank.
var disputeRanks = []int{3, 0, 0, 1, 2}

// disputes are the keys on which the Java nodes disagree that a service listens
// to, those that were written last first.
func (f *frame) disputes(now *look) *table {
	t := &table{head: []string{"service", "region", "disputed key", "Java nodes, last writer first", "apart"}, right: map[int]bool{4: true}}
	for _, n := range now.nodes {
		for _, e := range n.Endpoints {
			if e.Observed == nil || e.Observed.Crossed == 0 {
				continue
			}
			named := e.Observed.Latest[:min(len(e.Observed.Latest), maxDisputes)]
			for i := range named {
				d := &named[i]
				t.add(n.Service, printable(d.Region), cell{text: printable(d.KeyName.String()), color: yellow}, printable(whoSaid(d)), d.Gap.Round(time.Millisecond).String())
			}
			if more := e.Observed.Crossed - len(named); more > 0 {
				t.add(n.Service, "", fmt.Sprintf("… %d more: lateral verify", more), "", "")
			}
		}
	}
	return t
}

func whoSaid(d *cache.Dispute) string {
	var who []string
	for _, s := range d.Said {
		who = append(who, s.Node)
	}
	return strings.Join(who, ", ")
}

// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"strings"
	"testing"
)

// TestLimits: files as large as may be are read in reasonable time, and what
// is beyond a limit is an Error that names it.
func TestLimits(t *testing.T) {
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(line, "#", fmt.Sprint(i)))
		}
		return b.String()
	}
	factory := g13.root() + "auxiliary.lateral.socket.tcp.LateralTCPCacheFactory"
	for text, want := range map[string]string{
		base(g13) + many(maxRegions+1, "jcs.region.n#=\n"):                                                         "more than 10000 regions",
		base(g13) + many(maxAuxiliaries+1, "jcs.region.n#=a#\njcs.auxiliary.a#="+factory+"\n"):                     "more than 100 auxiliaries",
		base(g13) + "jcs.auxiliary.LTCP.attributes.TcpServers=" + many(maxServers+1, "h:1,") + "\n":                "1002 peers",
		many(maxFile/20, "jcs.region.n#.cacheattributes.x=\n"):                                                     "more than 4194304 bytes",
		base(g13) + many(20_000, "jcs.region.n#.cacheattributes.x=\nu#=${x}\njcs.auxiliary.LTCP.attributes.q#=\n"): "more findings are not shown",
		base(g13) + "x=" + strings.Repeat("y", maxLine-2) + "\nz=${x}${x}\n":                                       "blows up",
	} {
		c, err := Parse(Source{Name: "f", Data: []byte(text)})
		if err == nil || !strings.Contains(err.Error(), want) || len(c.Findings)+len(c.errs) > maxFindings+1 {
			t.Errorf("want %q: %.300v", want, err)
		}
	}
}

func TestOddTimes(t *testing.T) {
	c := parse(base(g13) + "jcs.auxiliary.LTCP.attributes.OpenTimeOut=-1\njcs.auxiliary.LTCP.attributes.ZombieQueueMaxSize=-1\n" +
		"jcs.region.r.cacheattributes.UseMemoryShrinker=true\njcs.region.r.cacheattributes.ShrinkerIntervalSeconds=0\n")
	all := c.errs.Error() + Errors(c.Findings).Error()
	for _, want := range []string{"f:6: jcs.auxiliary.LTCP.attributes.OpenTimeOut: no timeout", "f:7: jcs.auxiliary.LTCP.attributes.ZombieQueueMaxSize: -1; it counts as 0", `f:9: jcs.region.r.cacheattributes: the shrinker runs every "0"`} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %q in\n%s", want, all)
		}
	}
	if n := c.Auxiliaries[0].Lateral.ZombieQueueMaxSize; n != 0 {
		t.Error("ZombieQueueMaxSize is", n)
	}
}

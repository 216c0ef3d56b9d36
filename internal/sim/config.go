// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"sync"

	"lateral/cache"
	"lateral/ccf"
)

// ccfText has a region of each kind; what a plan sets is filled in afterwards,
// which takes a hundredth of the time of reading it anew.
const ccfText = `jcs.default=
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerPort=57462
jcs.auxiliary.LTCP.attributes.TcpServers=10.0.0.1:57462
jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=false
jcs.auxiliary.LTCP.attributes.IssueRemoveOnPut=false
jcs.region.Rep=LTCP
jcs.region.Rep.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Rep.cacheattributes.MaxObjects=100000
jcs.region.Top=LTCP
jcs.region.Top.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Top.cacheattributes.MaxObjects=6
jcs.region.Ses=LTCP
jcs.region.Ses.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Ses.cacheattributes.MaxObjects=100000
jcs.region.Ses.cacheattributes.Acks=1
jcs.region.Inv=LTCP
jcs.region.Inv.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Inv.cacheattributes.MemoryCacheName=org.apache.jcs.engine.memory.lru.LRUMemoryCache
jcs.region.Inv.cacheattributes.WhenLinkDown=serve
jcs.region.Inv.cacheattributes.StaleMax=2s
jcs.region.Inv.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.Inv.elementattributes.IsLateral=false
jcs.region.Str=LTCP
jcs.region.Str.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Str.cacheattributes.MemoryCacheName=org.apache.jcs.engine.memory.lru.LRUMemoryCache
jcs.region.Str.cacheattributes.Strict=true
jcs.region.Str.cacheattributes.Lease=1s
jcs.region.Str.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.Str.elementattributes.IsLateral=false
`

var baseConfig = sync.OnceValues(func() (*ccf.Config, error) {
	return ccf.Parse(ccf.Source{Name: "sim.ccf", Data: []byte(ccfText)})
})

// config is what node n is opened from.
func (p *Plan) config(n int) (*ccf.Config, error) {
	base, err := baseConfig()
	if err != nil {
		return nil, err
	}
	s, c := &p.Set, *base
	l := *base.Auxiliaries[0].Lateral
	l.TcpServers = nil
	for i := 1; i <= p.Nodes; i++ {
		if i != n && (i == 1 || !s.OneSeed) {
			l.TcpServers = append(l.TcpServers, fmt.Sprintf("10.0.0.%d:57462", i))
		}
	}
	l.MaxClockSkew = 0 // clocks are off, and replicas agree all the same
	l.HeartbeatInterval, l.LinkTimeout, l.AnnounceInterval, l.MemberTimeout = s.Heartbeat, s.LinkTimeout, s.Member/3, s.Member
	l.LogBytes, l.AllowGet, l.PutOnlyMode = int64(s.Log)<<10, s.AllowGet, !s.AllowGet
	c.Auxiliaries = slices.Clone(base.Auxiliaries)
	c.Auxiliaries[0].Lateral = &l
	c.Regions = nil
	for _, name := range s.Regions {
		r, ok := base.Region(name)
		if !ok {
			return nil, fmt.Errorf("sim: no region %q", name)
		}
		switch name {
		case "Top":
			r.MaxObjects = s.Bound
		case "Ses":
			acks, err := cache.ParseAcks(s.Acks)
			if err != nil {
				return nil, err
			}
			r.Acks = int(acks)
		case "Str":
			r.Lease = s.Lease
		case "Inv":
			r.WhenLinkDown, r.StaleMax = s.WhenDown, s.StaleMax
		}
		r.AckTimeout = s.AckTimeout
		c.Regions = append(c.Regions, r)
	}
	return &c, nil
}

// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"lateral/cache"
)

// Config says what is rendered.
type Config struct {
	Status func() cache.Status
	// Mesh concludes from a Status whether the mesh is complete.
	Mesh func(cache.Status) cache.MeshStatus
	// Reasons says why a node is not ready; nil: what its Status says.
	Reasons func(*cache.Status) []cache.Reason
}

var levels = struct {
	node     *level[view]
	reasons  *level[why]
	endpoint *level[endpoint]
	region   *level[region]
	disk     *level[disk]
	remote   *level[remote]
	link     *level[link]
}{
	newLevel(nil, nodeInfos, nodeFamilies),
	newLevel([]string{"reason"}, nil, reasonFamilies),
	newLevel([]string{"endpoint"}, endpointInfos, endpointFamilies, javaFamilies),
	newLevel([]string{"region"}, regionInfos, regionFamilies),
	newLevel([]string{"region", "auxiliary"}, nil, diskFamilies),
	newLevel([]string{"region", "auxiliary"}, nil, remoteFamilies),
	newLevel([]string{"endpoint", "peer"}, linkInfos, linkFamilies),
}

// Families lists everything there is, in the order of the documentation.
func Families() (out []Family) {
	out = append(out, levels.node.list()...)
	out = append(out, levels.reasons.list()...)
	out = append(out, callFamilies()...)
	out = append(out, listResp()...)
	out = append(out, levels.region.list()...)
	out = append(out, levels.disk.list()...)
	out = append(out, levels.remote.list()...)
	out = append(out, levels.endpoint.list()...)
	out = append(out, levels.link.list()...)
	return append(out, propagation)
}

// A Collector is a prometheus.Collector of one node.
type Collector struct {
	c Config

	mu                        sync.Mutex // guards what follows
	endpoints, regions, peers seats
}

// New makes a collector.
func New(c Config) *Collector {
	if c.Reasons == nil {
		c.Reasons = (*cache.Status).Reasons
	}
	return &Collector{c: c, endpoints: seats{limit: maxEndpoints}, regions: seats{limit: maxRegions}, peers: seats{limit: maxPeers}}
}

// Describe is that of prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	levels.node.describe(out)
	levels.reasons.describe(out)
	levels.endpoint.describe(out)
	levels.region.describe(out)
	levels.disk.describe(out)
	levels.remote.describe(out)
	levels.link.describe(out)
	out <- propagationDesc
}

// Collect is that of prometheus.Collector. It asks for one Status.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	st := c.c.Status()
	nodes := []view{{Status: st, mesh: c.c.Mesh(st), reasons: c.c.Reasons(&st)}}
	var links []link
	for i := range st.Endpoints {
		for _, l := range st.Endpoints[i].Links {
			links = append(links, link{st.Endpoints[i].Endpoint, l})
		}
	}
	endpoints, regions, peers := c.seat(&st, links)
	levels.node.collect(out, rows(nodes, func(*view) []string { return nil }))
	levels.reasons.collect(out, rows(whys(nodes[0].reasons), func(w *why) []string { return []string{w.name} }))
	levels.endpoint.collect(out, endpoints)
	levels.region.collect(out, regions)
	levels.disk.collect(out, rows(disksOf(&st), func(d *disk) []string { return []string{c.regionName(d.region), d.Name} }))
	levels.remote.collect(out, rows(remotesOf(&st), func(r *remote) []string { return []string{c.regionName(r.region), r.Name} }))
	levels.link.collect(out, peers)
	propagate(out, peers)
}

// seat gathers what shares labels.
func (c *Collector) seat(st *cache.Status, links []link) ([]*row[endpoint], []*row[region], []*row[link]) {
	var endpoints, regions, peers []string
	for i := range st.Endpoints {
		endpoints = append(endpoints, st.Endpoints[i].Endpoint)
	}
	for i := range st.Regions {
		regions = append(regions, st.Regions[i].Region)
	}
	for i := range links {
		peers = append(peers, peerOf(&links[i].LinkStatus))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints.seat(endpoints)
	c.regions.seat(regions)
	c.peers.seat(peers)
	return rows(st.Endpoints, func(e *endpoint) []string { return []string{c.endpoints.name(e.Endpoint)} }),
		rows(st.Regions, func(r *region) []string { return []string{c.regions.name(r.Region)} }),
		rows(links, func(l *link) []string {
			return []string{c.endpoints.name(l.endpoint), c.peers.name(peerOf(&l.LinkStatus))}
		})
}

// regionName is the label of a region that has been seated. Auxiliaries are
// those of the ccf, which are few.
func (c *Collector) regionName(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.regions.name(name)
}

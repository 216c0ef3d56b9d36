// SPDX-License-Identifier: Apache-2.0

// Package metrics renders a node's Status, that of its RESP front, and the time
// that calls at the fronts take, as Prometheus metrics.
//
// Each metric is one row of a table (node.go, endpoint.go, java.go, region.go,
// link.go, calls.go, resp.go): its name, what it says, and the field of the
// Status that it is. The documentation, the linter's test and the tests of the alert rules
// read the same rows.
//
// # Labels
//
// All that a label can be is bounded: an endpoint is one of the ccf, a region
// and a peer (host/service) come from others, and only so many have series of
// their own; the rest share those of "other", put together as each metric says:
// counts are added, of ages the largest counts, of yes or no the no. Who has
// series keeps them as long as it is there, so that counters do not go back.
//
// # Cost
//
// A scrape asks for one Status. Nothing is counted twice: the node counts, this
// room only reads. Durations are observed where clients call (calls.go), of
// frequent calls only a sample, and without allocation.
package metrics

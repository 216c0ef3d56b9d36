// SPDX-License-Identifier: Apache-2.0

package cache

// A Reason is why a node is not ready to be given work.
type Reason struct {
	Name   string `json:"reason"`           // one of ReasonNames
	Region string `json:"region,omitempty"` // of ReasonRegion
	Why    string `json:"why"`              // in words
}

// Names of reasons: a stable interface.
const (
	ReasonStopping = "stopping" // it hands its sessions over and leaves
	ReasonRegion   = "region"   // a region lacks what peers hold
	ReasonMesh     = "mesh"     // the mesh has not been complete yet, where that was asked for
)

// ReasonNames are all there are.
var ReasonNames = []string{ReasonStopping, ReasonRegion, ReasonMesh}

// String says it in words.
func (r Reason) String() string {
	if r.Region != "" {
		return "region " + r.Region + ": " + r.Why
	}
	return r.Why
}

// Reasons returns why the node is not ready to serve, as far as it knows
// itself; none if it is.
func (s *Status) Reasons() (why []Reason) {
	if s.Stopping {
		why = append(why, Reason{Name: ReasonStopping, Why: "it stops and hands its sessions over"})
	}
	for _, r := range s.Regions {
		if !r.Ready {
			why = append(why, Reason{Name: ReasonRegion, Region: r.Region, Why: r.Unready})
		}
	}
	return why
}

// Unready returns Reasons in words.
func (s *Status) Unready() (why []string) {
	for _, r := range s.Reasons() {
		why = append(why, r.String())
	}
	return why
}

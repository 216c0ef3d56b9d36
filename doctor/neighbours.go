// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// neighbours asks the function that was lent who else is there.
func (s *scene) neighbours(ctx context.Context) []Finding {
	defer close(s.heard.done)
	heard, err := s.Neighbours(ctx)
	if err != nil && ctx.Err() == nil {
		return []Finding{{Severity: Warning, Saw: fmt.Sprintf("can't listen for neighbours: %v", err),
			Why: "so it is not known whether other members are heard", Do: "see the findings above; or ask a running service: lateral mesh"}}
	}
	var all []Finding
	far, near := 0, 0
	for _, n := range heard {
		switch {
		case !n.member():
			continue
		case n.ThisHost:
			near++
		default:
			far++
		}
		s.heard.all = append(s.heard.all, n)
		if !n.ThisHost && n.Addr.Addr().IsLoopback() {
			all = append(all, Finding{Severity: Warning, About: []string{n.Name},
				Saw: fmt.Sprintf("%s announces %s, a loopback address%s", n.Name, n.Addr, from(n)),
				Why: "whoever dials it reaches itself; JCS 1.3 does so when a host's own name leads to 127.x",
				Do:  "on that host, correct AdvertiseHost; of a Java node, let the name of its host lead to its network address in /etc/hosts"})
		}
	}
	f := Finding{Saw: fmt.Sprintf("heard %s on other hosts and %d on this one", plural(far, "member"), near)}
	for _, n := range s.heard.all {
		f.Details = append(f.Details, fmt.Sprintf("%s %s%s", n.Name, n.Addr, from(n)))
	}
	refused := s.refused(heard)
	if far == 0 {
		s.lonely(&f, heard, near)
		if len(refused) > 0 {
			f.Because = "neighbours" // who is refused below was heard
		}
	}
	return slices.Concat([]Finding{f}, refused, all)
}

const listenLonger = "\nWho has another secret or cluster name does not answer, but announces itself now and then: lateral doctor --listen 15s"

// lonely makes of a finding that nobody on another host was heard.
func (s *scene) lonely(f *Finding, heard []Neighbour, near int) {
	f.Severity = Warning
	f.Saw = fmt.Sprintf("no member on another host was heard (%d on this one)", near)
	f.Why = "if there are others, their packets don't arrive here"
	f.Do = "run lateral doctor on the other hosts too; see that they run, use the same group and port,\nand that the switch or virtual network between the hosts passes multicast" + listenLonger
	if how := s.inContainer(); how != "" && !slices.ContainsFunc(heard, func(n Neighbour) bool { return n.Cluster != "" }) {
		f.Saw += "; this is a container (" + how + ") in a network of its own"
		f.Why = "multicast does not leave a container's bridge"
		f.Do = "run it in its host's network (docker run --network host; Kubernetes: hostNetwork: true),\nor find members by name in place of multicast (attribute DnsPeers)" + s.byName() + listenLonger
	}
	var clusters []string
	for _, n := range heard {
		if n.Cluster == "" || slices.Contains(clusters, n.Cluster) {
			continue
		}
		clusters = append(clusters, n.Cluster)
		f.Saw += fmt.Sprintf("; but %s announces a cluster %q", n.HeardFrom, n.Cluster)
		if n.Join != "" {
			f.Run = []string{n.Join}
		}
	}
	switch len(clusters) {
	case 0:
	case 1:
		f.Why = "members of one cluster have one name (attribute ClusterName); of others nothing is taken, and nothing is given"
		f.Do = "if they are meant to be one cluster; else all is well"
	default:
		f.Run = nil
		f.Why = "members of one cluster have one name (attribute ClusterName)"
		f.Do = "if one of them is meant, set ClusterName to it: " + strings.Join(clusters, ", ")
	}
}

// byName are the lines that have services find one member, and by it all
// others, by its name; "" where their files cannot be changed so.
func (s *scene) byName() string {
	text := ":"
	for _, g := range s.Groups {
		i := slices.IndexFunc(s.Ports, func(p Port) bool { return p.Service == g.Service })
		if g.Set == nil || i < 0 {
			return ""
		}
		for _, kv := range [][2]string{{"DnsPeers", fmt.Sprintf("MEMBER:%d", s.Ports[i].Port)}, {"UdpDiscoveryEnabled", "false"}} {
			c := g.Set(kv[0], kv[1])
			if c == "" {
				return ""
			}
			text += "\n    " + c
		}
	}
	return text + "\nwith the name or address of another member in place of MEMBER."
}

// refused are the findings about who is heard and not believed.
func (s *scene) refused(heard []Neighbour) (all []Finding) {
	for _, n := range heard {
		if n.Refused == "" {
			continue
		}
		f := Finding{Severity: Warning, About: []string{n.HeardFrom.String()}, Saw: fmt.Sprintf("%s is not believed: %s", n.HeardFrom, n.Refused),
			Why: "a member that is missing, or somebody who should not be there", Do: n.Fix}
		if f.Do == "" {
			f.Do = "if it is a member, see that both have the same settings"
		}
		all = append(all, f)
	}
	return all
}

// containerMarks are files that container software puts into containers.
var containerMarks = []struct{ path, how string }{
	{"/.dockerenv", "Docker"}, {"/run/.containerenv", "Podman"}, {"/var/run/secrets/kubernetes.io/serviceaccount/namespace", "Kubernetes"},
}

// inContainer says which software made this container, where its network is
// one of its own: no interface of it is a real one. "" if it is none.
func (s *scene) inContainer() string {
	for _, m := range containerMarks {
		if !s.there(m.path) {
			continue
		}
		for _, i := range s.ifs {
			if s.there("/sys/class/net/"+i.Name+"/device/uevent") || madeUp(i.Name) {
				return "" // the host's own network
			}
		}
		return m.how
	}
	return ""
}

// from prints where a neighbour's packet came from.
func from(n Neighbour) string {
	text := ""
	if n.HeardFrom.IsValid() && n.HeardFrom != n.Addr.Addr() {
		text += " from " + n.HeardFrom.String()
	}
	if n.Group != "" {
		text += " in " + n.Group
	}
	return text
}

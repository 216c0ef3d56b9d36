// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"strings"
)

// checkObserver looks at what contradicts ListenOnly: an observer is announced
// to be written to, and says and asks nothing else.
func (r *reader) checkObserver(b *block, l *Lateral) {
	if !l.ListenOnly {
		return
	}
	if l.Bridge {
		r.tell(b, Error, "ListenOnly", "ListenOnly=true with Bridge=true", "a bridge tells Java nodes what others said, and an observer tells them nothing",
			"remove one of the two lines: let another node be the bridge")
	}
	if !l.Receive {
		r.tell(b, Error, "ListenOnly", "ListenOnly=true with Receive=false", "an observer hears what is written to its port, and without a listener there is none",
			"remove "+b.prefix+".Receive=false")
	}
	if l.Secured() && !l.AllowUnauthenticatedJCS {
		r.tell(b, Error, "ListenOnly", "ListenOnly=true with a cluster secret", "it hears Java nodes, which prove nothing and are refused where there is a secret",
			"add "+b.prefix+".AllowUnauthenticatedJCS=true, or remove the secret from this endpoint: nobody can change anything through it")
	}
	if l.IssueRemoveOnPut {
		r.tell(b, Note, "IssueRemoveOnPut", "IssueRemoveOnPut=true beside ListenOnly=true", "an observer puts nothing", "leave it as the Java nodes have it, or remove it")
	}
	if n := len(l.TcpServers) + len(l.DnsPeers); n > 0 {
		name := "TcpServers"
		if len(l.TcpServers) == 0 {
			name = "DnsPeers"
		}
		r.tell(b, Warning, name, "peers are listed beside ListenOnly=true", "an observer dials nobody: who is to be heard has to write to it",
			"list this node in the TcpServers of the Java nodes, or enable discovery; and remove the line here")
	}
	if !l.UdpDiscoveryEnabled {
		r.tell(b, Warning, "ListenOnly", "ListenOnly=true without discovery", "nobody is told of this node: only who lists it in TcpServers writes to it",
			"list it there, or write "+b.prefix+".UdpDiscoveryEnabled=true")
	}
}

// checkObserved: what is observed must not be mixed with what comes in or goes
// out another way.
func (r *reader) checkObserved() {
	for _, g := range append([]Region{r.c.Default}, r.c.Regions...) {
		var observer string
		for _, name := range g.Auxiliaries {
			if a, ok := r.c.Auxiliary(name); ok && a.Lateral != nil && a.Lateral.ListenOnly {
				observer = name
			}
		}
		var others []string
		for _, name := range g.Auxiliaries {
			if a, ok := r.c.Auxiliary(name); ok && a.Lateral != nil && name != observer {
				others = append(others, printable(name))
			}
		}
		if observer == "" || len(others) == 0 {
			continue
		}
		key := "jcs.region." + g.Name
		if g.Name == "" {
			key = "jcs.default"
		}
		r.say(Error, entry{key: key, pos: g.Where}, fmt.Sprintf("%s, which only listens, beside %s", printable(observer), strings.Join(others, ", ")),
			"what peers of the others wrote would be taken for what the observed cluster holds", "name one of them, or declare the region in another service")
	}
}

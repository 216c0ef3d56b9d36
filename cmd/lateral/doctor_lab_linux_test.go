// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// everyGroup is the route that covers every IPv4 group.
var everyGroup = netip.MustParsePrefix("224.0.0.0/4")

// helperCCF is the file of a service that is in all groups of the traps.
func helperCCF() string {
	var b strings.Builder
	b.WriteString("jcs.default=A,B,C,D,E,F,G,H,I,J,K\njcs.region.Differs=I\n")
	for i, group := range []string{"224.0.0.1 6780", "228.5.6.7 6789", "ff05::7 6791", "239.1.2.3 6793", "224.0.0.1 6795", "224.0.0.1 6797", "224.0.0.1 6799", "224.0.0.1 6801", "224.0.0.1 6803", "224.0.0.1 6805", "224.0.0.1 6807"} {
		addr, port, _ := strings.Cut(group, " ")
		name := string(rune('A' + i))
		fmt.Fprintf(&b, `jcs.auxiliary.%[1]s=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.%[1]s.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.%[1]s.attributes.TcpListenerPort=%[2]d
jcs.auxiliary.%[1]s.attributes.UdpDiscoveryAddr=%[3]s
jcs.auxiliary.%[1]s.attributes.UdpDiscoveryPort=%[4]s
jcs.auxiliary.%[1]s.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.%[1]s.attributes.Interface=eth0
jcs.auxiliary.%[1]s.attributes.ClusterSecretFile=@DIR/cluster.secret
`, name, 57462+i, addr, port)
	}
	b.WriteString("jcs.auxiliary.E.attributes.AnnounceInterval=1s\njcs.auxiliary.F.attributes.AnnounceInterval=1s\njcs.auxiliary.J.attributes.AnnounceInterval=1s\n") // who has another secret or name is heard only when it speaks by itself
	return b.String()
}

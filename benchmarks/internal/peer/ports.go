// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"net"
)

// FreePorts finds TCP ports of loopback that nobody listens on, nor on the one
// after (JGroups' failure detector has that).
func FreePorts(n int) (ports []int, err error) {
	for len(ports) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		next, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		if err != nil {
			continue
		}
		defer next.Close()
		ports = append(ports, port)
	}
	return ports, nil
}

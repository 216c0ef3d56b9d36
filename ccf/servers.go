// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// readServers takes a TcpServers list apart as generation g does and returns
// the peers that it would reach, as host:port (IPv6 in brackets), with what is
// to be said about the others.
//
// JCS 1.3 and 2 split at commas only, so a blank becomes part of the host or
// port, and take the host up to the first colon. JCS 3 and 4 drop blanks
// around commas, but not at the end of the line, and take it up to the last.
func readServers(g gen, raw string) (peers []string, said []trouble) {
	if javaTrim(raw) == "" {
		return nil, nil
	}
	if trail := strings.TrimRight(raw, " \t\f"); trail != raw {
		t := trouble{"a blank at the end of the line", "JCS 1.3 never reaches the last peer of the list", "remove the blank", Warning}
		if g != g13 {
			t.why = fmt.Sprintf("JCS %s cannot read the port, and every region of this auxiliary loses its peers", g)
			t.severity = Error
		}
		said = append(said, t)
	}
	list := strings.Split(raw, ",")
	if len(list) > maxServers {
		said = append(said, trouble{fmt.Sprintf("%d peers", len(list)), "a mesh is meant for some hundred", "list a few: members tell each other of the rest", Error})
		list = list[:maxServers]
	}
	for i, item := range list {
		if g&g3to4 != 0 {
			item = strings.Trim(item, " \t\f")
		}
		if item == "" {
			continue
		}
		if last := i == len(list)-1; last && g&g13to2 != 0 && strings.TrimRight(item, " \t\f") != item {
			continue // told above
		}
		peer, bad := readServer(g, item)
		if bad != nil {
			said = append(said, *bad)
			continue
		}
		peers = append(peers, peer)
	}
	return peers, said
}

// readServer returns one peer as host:port. What no generation can read as a
// port makes JCS 2 and later give up the whole auxiliary; 1.3 and a bad host
// only lose that one peer.
func readServer(g gen, item string) (string, *trouble) {
	lost := func(why, do string) (string, *trouble) {
		return "", &trouble{fmt.Sprintf("peer %q", printable(item)), why, do, Warning}
	}
	if javaTrim(item) != item {
		return lost(fmt.Sprintf("JCS %s makes the blank part of the host, and never reaches it", g), "remove the blanks around the comma")
	}
	cut := strings.LastIndexByte(item, ':')
	if g&g13to2 != 0 {
		cut = strings.IndexByte(item, ':')
	}
	if cut >= 0 && strings.Count(item, ":") > 1 && g&g13to2 != 0 {
		return lost(fmt.Sprintf("JCS %s reads the host up to the first colon: it knows no IPv6", g), "write a host name or an IPv4 address")
	}
	host, text := item[:max(cut, 0)], item[cut+1:]
	port, err := strconv.ParseUint(text, 10, 16)
	if cut <= 0 || err != nil || port == 0 {
		peer, t := lost("it is not host:port", "write host:port with a port from 1 to 65535")
		if g != g13 {
			t.why, t.severity = fmt.Sprintf("it is not host:port, and for JCS %s every region of this auxiliary loses its peers", g), Error
		}
		return peer, t
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.ContainsRune(host, ':') {
		if _, err := netip.ParseAddr(host); err != nil {
			return lost(fmt.Sprintf("%q is not an IPv6 address", printable(host)), "write [address]:port")
		}
	}
	if host == "" || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return lost("no host has such a name", "write host:port")
	}
	return net.JoinHostPort(host, strconv.FormatUint(port, 10)), nil
}

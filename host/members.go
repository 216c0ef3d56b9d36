// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// A Membership is a group that an interface listens to for some process of
// this machine, or for the kernel itself (224.0.0.1 and ff02::1: always).
type Membership struct {
	Interface string     `json:"interface"`
	Index     int        `json:"index"`
	Group     netip.Addr `json:"group"`
	Users     int        `json:"users"` // sockets that asked for it
}

// Memberships returns the groups of all interfaces, IPv4 first.
func Memberships() ([]Membership, error) {
	p, err := system()
	if err != nil {
		return nil, fmt.Errorf("host: memberships: %w", err)
	}
	all, err := parseFile(p.path("net/igmp"), ParseIGMP)
	if err != nil {
		return nil, err
	}
	six, err := parseFile(p.path("net/igmp6"), ParseIGMP6)
	return append(all, six...), err
}

// ParseIGMP reads /proc/net/igmp: a row for each interface, and under it,
// indented, one for each of its groups.
func ParseIGMP(r io.Reader) ([]Membership, error) {
	var all []Membership
	var at Membership
	err := eachLine(r, func(n int, line string) error {
		f := strings.Fields(line)
		if n == 1 && len(f) > 0 && f[0] == "Idx" || len(f) == 0 {
			return nil
		}
		if len(f) < 2 {
			return errors.New("a single column, a row has at least 2")
		}
		if line[0] != '\t' && line[0] != ' ' {
			index, err := strconv.Atoi(f[0])
			at = Membership{Interface: strings.TrimSuffix(f[1], ":"), Index: index}
			return err
		}
		if at.Interface == "" {
			return errors.New("a group before any interface")
		}
		m := at
		var err1, err2 error
		m.Group, err1 = wordsAddr(f[0])
		m.Users, err2 = strconv.Atoi(f[1])
		all = append(all, m)
		return errors.Join(err1, err2)
	})
	if err != nil {
		return nil, fmt.Errorf("host: IPv4 memberships: %w", err)
	}
	return all, nil
}

// ParseIGMP6 reads /proc/net/igmp6: index, interface, group, users, flags, timer.
func ParseIGMP6(r io.Reader) ([]Membership, error) {
	var all []Membership
	err := eachLine(r, func(_ int, line string) error {
		f := strings.Fields(line)
		if len(f) == 0 {
			return nil
		}
		if len(f) < 4 {
			return fmt.Errorf("%d columns, a row has at least 4", len(f))
		}
		index, err1 := strconv.Atoi(f[0])
		group, err2 := plainAddr(f[2])
		users, err3 := strconv.Atoi(f[3])
		all = append(all, Membership{Interface: f[1], Index: index, Group: group, Users: users})
		return errors.Join(err1, err2, err3)
	})
	if err != nil {
		return nil, fmt.Errorf("host: IPv6 memberships: %w", err)
	}
	return all, nil
}

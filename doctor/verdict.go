// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"slices"
	"strconv"
	"strings"
)

// What a packet filter does with a new connection can often be told from its
// rules. Where a rule asks for something that is not known here, such as the
// source, nothing is claimed.

// A verdict is what becomes of a packet, as far as it can be told.
type verdict int

const (
	unsure  verdict = iota // a rule decides by what is not known here
	passes                 // accepted
	dropped                // dropped or rejected
	falls                  // no rule of the chain decides
	mayDrop                // dropped, or no rule decides
)

// An answer is whether a rule is about a packet.
type answer int

const (
	no answer = iota
	maybe
	yes
)

// A knock is the first packet of a connection to this host.
type knock struct {
	dev   string // it comes in by; "" is not known
	proto string // tcp, udp
	port  uint16
}

// A rule is one of a chain: what it asks of a packet, and what it does then.
type rule struct {
	asks func(k knock) answer
	does string // accept, drop, return, "" for nothing, else the chain to jump to
	last bool   // and not to come back from (goto)
}

// A rules is one table: chains by name.
type rules map[string][]rule

// maxJumps bounds how deep chains call each other, and maxRules how many rules
// are looked at in all.
const (
	maxJumps = 16
	maxRules = 100_000
)

// judge follows a packet through a chain; policy is what becomes of it at the end.
func (t rules) judge(chain, policy string, k knock) verdict {
	left := maxRules
	v := t.follow(chain, k, 0, &left)
	switch {
	case policy == "drop" && (v == falls || v == mayDrop):
		return dropped
	case v == falls:
		return passes
	case v == mayDrop:
		return unsure
	}
	return v
}

func (t rules) follow(chain string, k knock, depth int, left *int) verdict {
	if depth > maxJumps {
		return unsure
	}
	var perhaps []verdict // of rules that may have decided before
	final := func(v verdict) verdict {
		if slices.ContainsFunc(perhaps, func(p verdict) bool { return p != v }) {
			return unsure
		}
		return v
	}
	for _, r := range t[chain] {
		if *left--; *left < 0 {
			return unsure
		}
		a := r.asks(k)
		if a == no || r.does == "" {
			continue
		}
		v := falls
		switch r.does {
		case "accept":
			v = passes
		case "drop":
			v = dropped
		case "return":
		default:
			v = t.follow(r.does, k, depth+1, left)
			if v == falls && !r.last {
				continue
			}
			if v == mayDrop {
				return unsure
			}
		}
		if v == unsure {
			return unsure
		}
		if a == yes {
			return final(v)
		}
		perhaps = append(perhaps, v)
	}
	if slices.Contains(perhaps, passes) || slices.Contains(perhaps, falls) {
		return unsure
	}
	if len(perhaps) > 0 {
		return mayDrop
	}
	return falls
}

// both is the answer of two questions that are both asked.
func both(a, b answer) answer { return min(a, b) }

func known(ok bool) answer {
	if ok {
		return yes
	}
	return no
}

// iptablesRules reads what iptables -S prints, and the policy of INPUT.
func iptablesRules(text string) (t rules, policy string) {
	t, policy = rules{}, "accept"
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 3 && f[0] == "-P" && f[1] == "INPUT" && f[2] == "DROP":
			policy = "drop"
		case len(f) > 2 && f[0] == "-A":
			t[f[1]] = append(t[f[1]], iptablesRule(f[2:]))
		}
	}
	return t, policy
}

// iptablesRule reads the words behind -A CHAIN.
func iptablesRule(f []string) rule {
	r := rule{asks: func(knock) answer { return yes }}
	add := func(q func(k knock) answer) {
		before := r.asks
		r.asks = func(k knock) answer { return both(before(k), q(k)) }
	}
	for i := 0; i < len(f); i++ {
		value := ""
		if i+1 < len(f) {
			value = f[i+1]
		}
		switch f[i] {
		case "-i":
			add(func(k knock) answer { return onDevice(k, value) })
		case "-p":
			add(func(k knock) answer { return known(value == k.proto || value == "all") })
		case "--dport", "--dports":
			add(func(k knock) answer { return known(portIn(k.port, value)) })
		case "--tcp-flags": // FIN,SYN,RST,ACK SYN
			if i+2 < len(f) {
				syn := f[i+2] == "SYN"
				add(func(knock) answer { return known(syn) })
			}
			i++
		case "--ctstate", "--state":
			add(func(knock) answer { return known(slices.Contains(strings.Split(value, ","), "NEW")) })
		case "-m", "--comment", "--reject-with", "--log-prefix", "--log-level":
			if f[i] == "--comment" || f[i] == "--log-prefix" { // quoted texts have several words
				for strings.HasPrefix(value, `"`) && i+2 < len(f) && !strings.HasSuffix(f[i+1], `"`) {
					i++
				}
			}
		case "-j", "-g":
			r.last = f[i] == "-g"
			r.does = map[string]string{"ACCEPT": "accept", "DROP": "drop", "REJECT": "drop", "RETURN": "return", "LOG": "", "NFLOG": ""}[value]
			if _, builtin := map[string]bool{"ACCEPT": true, "DROP": true, "REJECT": true, "RETURN": true, "LOG": true, "NFLOG": true}[value]; !builtin {
				r.does = value
			}
		default:
			add(func(knock) answer { return maybe })
			continue // its value, if any, is one more word that is not known
		}
		i++
	}
	return r
}

func onDevice(k knock, name string) answer {
	prefix, wild := strings.CutSuffix(name, "+")
	switch {
	case k.dev == "" && name != "lo":
		return maybe
	case wild:
		return known(strings.HasPrefix(k.dev, prefix))
	}
	return known(k.dev == name)
}

// portIn reads 57462, 57460:57470, or several of these with commas.
func portIn(port uint16, list string) bool {
	for _, item := range strings.Split(list, ",") {
		from, to, ranged := strings.Cut(item, ":")
		lo, err1 := strconv.Atoi(from)
		hi, err2 := lo, error(nil)
		if ranged {
			hi, err2 = strconv.Atoi(to)
		}
		if err1 == nil && err2 == nil && int(port) >= lo && int(port) <= hi {
			return true
		}
	}
	return false
}

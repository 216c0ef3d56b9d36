// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"encoding/json"
	"slices"
)

// nftTable is one table of nft -j list ruleset.
type nftTable struct {
	base []chain // those that packets come to first
	all  rules
}

// nftRules reads the tables of a ruleset: "inet fw" → its chains.
func nftRules(ruleset string) map[string]*nftTable {
	var text struct {
		Nftables []struct {
			Chain *chain
			Rule  *struct {
				Family, Table, Chain string
				Expr                 []map[string]json.RawMessage
			}
		}
	}
	if json.Unmarshal([]byte(ruleset), &text) != nil {
		return nil
	}
	tables := map[string]*nftTable{}
	at := func(name string) *nftTable {
		if tables[name] == nil {
			tables[name] = &nftTable{all: rules{}}
		}
		return tables[name]
	}
	for _, n := range text.Nftables {
		switch {
		case n.Chain != nil && n.Chain.Hook != "":
			t := at(n.Chain.Family + " " + n.Chain.Table)
			t.base = append(t.base, *n.Chain)
		case n.Rule != nil:
			t := at(n.Rule.Family + " " + n.Rule.Table)
			t.all[n.Rule.Chain] = append(t.all[n.Rule.Chain], nftForms(n.Rule.Expr)...)
		}
	}
	return tables
}

// nftForms reads one rule. A verdict map whose elements are listed is a rule for
// each; of a named one nothing is known.
func nftForms(exprs []map[string]json.RawMessage) (out []rule) {
	var m struct {
		Key  json.RawMessage
		Data struct{ Set [][2]json.RawMessage }
	}
	at := slices.IndexFunc(exprs, func(e map[string]json.RawMessage) bool { return e["vmap"] != nil })
	if at < 0 || json.Unmarshal(exprs[at]["vmap"], &m) != nil || len(m.Data.Set) == 0 {
		return []rule{nftRule(exprs)}
	}
	for _, element := range m.Data.Set[:min(len(m.Data.Set), maxRules)] {
		match, err := json.Marshal(map[string]any{"op": "==", "left": m.Key, "right": element[0]})
		var does map[string]json.RawMessage
		if err != nil || json.Unmarshal(element[1], &does) != nil {
			return []rule{nftRule(exprs)}
		}
		one := slices.Concat(exprs[:at], []map[string]json.RawMessage{{"match": match}}, exprs[at+1:], []map[string]json.RawMessage{does})
		out = append(out, nftRule(one))
	}
	return out
}

// transports are the protocols whose fields no packet of another one has.
var transports = []string{"tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmpv6", "igmp", "esp", "ah", "comp"}

// nftRule reads the expressions of one rule.
func nftRule(exprs []map[string]json.RawMessage) rule {
	r := rule{asks: func(knock) answer { return yes }}
	for _, e := range exprs {
		for name, value := range e {
			switch name {
			case "accept", "drop", "return":
				r.does = name
			case "reject":
				r.does = "drop"
			case "jump", "goto":
				var to struct{ Target string }
				_ = json.Unmarshal(value, &to) // no target is no chain
				r.does, r.last = to.Target, name == "goto"
			case "counter", "log", "comment":
			default:
				q := func(knock) answer { return maybe }
				if name == "match" {
					q = nftMatch(value)
				}
				before := r.asks
				r.asks = func(k knock) answer { return both(before(k), q(k)) }
			}
		}
	}
	if _, mapped := lookFor(exprs, "vmap"); mapped {
		r.does = "accept" // or whatever the map says: not known
	}
	return r
}

func lookFor(exprs []map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	for _, e := range exprs {
		if v, ok := e[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// nftMatch reads one comparison.
func nftMatch(text json.RawMessage) func(k knock) answer {
	var m struct {
		Op   string
		Left struct {
			Meta    struct{ Key string }
			Payload struct{ Protocol, Field string }
			CT      struct{ Key string }
		}
		Right json.RawMessage
	}
	unknown := func(knock) answer { return maybe }
	// A named set, a network, an element with a time: what is in it is not known.
	for _, form := range []string{`"@`, `"elem"`, `"prefix"`} {
		if bytes.Contains(text, []byte(form)) {
			return unknown
		}
	}
	if json.Unmarshal(text, &m) != nil || m.Op != "==" && m.Op != "in" && m.Op != "!=" {
		return unknown
	}
	not := func(a answer) answer {
		if m.Op == "!=" && a != maybe {
			return yes - a
		}
		return a
	}
	switch {
	case m.Left.Meta.Key == "iifname" || m.Left.Meta.Key == "iif":
		return func(k knock) answer {
			if k.dev == "" {
				return maybe
			}
			return not(known(nftHas(m.Right, k.dev, -1)))
		}
	case m.Left.Meta.Key == "l4proto":
		return func(k knock) answer { return not(known(nftHas(m.Right, k.proto, -1))) }
	case m.Left.CT.Key == "state":
		return func(knock) answer { return not(known(nftHas(m.Right, "new", -1))) }
	case m.Left.Payload.Field == "dport" && m.Left.Payload.Protocol != "th":
		return func(k knock) answer {
			if m.Left.Payload.Protocol != k.proto {
				return no
			}
			return not(known(nftHas(m.Right, "", int(k.port))))
		}
	case m.Left.Payload.Field == "dport":
		return func(k knock) answer { return not(known(nftHas(m.Right, "", int(k.port)))) }
	case slices.Contains(transports, m.Left.Payload.Protocol):
		return func(k knock) answer { return min(maybe, known(m.Left.Payload.Protocol == k.proto)) }
	case m.Left.Payload.Field == "protocol" || m.Left.Payload.Field == "nexthdr": // of IPv4 alone, of IPv6 alone
		return func(k knock) answer { return min(maybe, not(known(nftHas(m.Right, k.proto, -1)))) }
	}
	return unknown
}

// nftHas reports whether the right side of a comparison is, or has in it, a
// word or a number (-1 is none).
func nftHas(right json.RawMessage, word string, number int) bool {
	var one string
	var n int
	var list []json.RawMessage
	var form struct{ Set, Range []json.RawMessage }
	switch right = bytes.TrimSpace(right); {
	case json.Unmarshal(right, &one) == nil:
		return word != "" && one == word
	case json.Unmarshal(right, &n) == nil:
		return n == number
	case json.Unmarshal(right, &list) == nil:
	case json.Unmarshal(right, &form) == nil && len(form.Range) == 2:
		var lo, hi int
		return json.Unmarshal(form.Range[0], &lo) == nil && json.Unmarshal(form.Range[1], &hi) == nil && number >= lo && number <= hi
	default:
		list = form.Set
	}
	return slices.ContainsFunc(list, func(item json.RawMessage) bool { return nftHas(item, word, number) })
}

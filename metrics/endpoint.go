// SPDX-License-Identifier: Apache-2.0

package metrics

import "lateral/cache"

type endpoint = cache.EndpointStatus

var endpointInfos = []info[endpoint]{
	{name: "endpoint_info", help: "Where an endpoint is; always 1.", labels: []string{"cluster", "group"}, of: func(e *endpoint) []string { return []string{e.Cluster, e.Group} }},
}

// tallies are the keys of all counters that the Status has by name.
var tallies []string

// A tally is one of them.
func tally(name, key, help string) family[endpoint] {
	tallies = append(tallies, key)
	return family[endpoint]{name: name, help: help, kind: Counter, join: sum, of: func(e *endpoint) float64 {
		if n, ok := e.Counters[key]; ok {
			return float64(n)
		}
		return unknown
	}}
}

var endpointFamilies = []family[endpoint]{
	gauge("endpoint_members", "Endpoints that are believed in, this one included.", sum, func(e *endpoint) float64 { return float64(len(e.Members)) }),
	gauge("endpoint_stale_members", "Members that were not heard for several announcement periods.", sum, func(e *endpoint) float64 {
		n := 0
		for _, m := range e.Members {
			if m.Stale {
				n++
			}
		}
		return float64(n)
	}),
	gauge("endpoint_open", "1 if anybody who reaches the endpoint may take part: there is no cluster secret.", most, func(e *endpoint) float64 {
		if e.Security.Open != "" {
			return 1
		}
		return 0
	}),
	gauge("endpoint_strangers", "Neighbours that were refused in the last minutes.", sum, func(e *endpoint) float64 { return float64(len(e.Security.Strangers)) }),
	gauge("endpoint_leases_missing", "Members that strict regions have no lease from, so that they are not served.", sum, func(e *endpoint) float64 {
		n := 0
		for _, l := range e.Leases {
			if l.Why != "" {
				n++
			}
		}
		return float64(n)
	}),
	gauge("java_nodes", "Java nodes heard in the discovery group.", sum, func(e *endpoint) float64 {
		n := 0
		for _, j := range e.JavaNodes {
			if !j.Lateral && !j.Observer {
				n++
			}
		}
		return float64(n)
	}),
	gauge("java_nodes_down", "Java nodes to which there is no connection.", sum, func(e *endpoint) float64 { return float64(len(e.JavaDown)) }),

	gauge("log_bytes", "Bytes of the change log.", sum, func(e *endpoint) float64 { return float64(e.Log.Bytes) }),
	gauge("log_limit_bytes", "Most bytes of the change log; a peer that is farther behind is brought up by syncs.", sum, func(e *endpoint) float64 { return float64(e.Log.Limit) }),
	gauge("log_changes", "Changes that the log still holds.", sum, func(e *endpoint) float64 { return float64(e.Log.Next - e.Log.First) }),
	count("log_appended_changes_total", "Changes of this node, appended to the log.", func(e *endpoint) uint64 { return max(e.Log.Next, 1) - 1 }),
	tally("log_fallen_cursors_total", "fallen_cursors", "How often a peer was so far behind that the log no longer held what it lacks, and had to be synced."),

	gauge("frontier_known", "1 if it is known up to when every member has every change.", least, func(e *endpoint) float64 {
		if e.Stable.Known || e.Stable.Holder == "" {
			return 1
		}
		return 0
	}),
	gauge("frontier_age_seconds", "Every change older than that is on every member; removals since then are remembered.", most, func(e *endpoint) float64 {
		if !e.Stable.Known || e.Stable.Holder == "" {
			return unknown
		}
		return ms(e.Stable.Millis)
	}),

	tally("links_dialled_total", "dialled", "Connections to peers that were begun."),
	tally("links_accepted_total", "accepted", "Connections that were accepted, before it is known by whom."),
	tally("links_refused_total", "refused", "Connections that were refused."),
	tally("links_refused_clock_total", "refused_clock", "Links refused because the peer's clock is ahead by more than MaxClockSkew."),
	tally("links_duplicate_total", "duplicate_links", "Second links between the same two, of which one was kept."),
	tally("links_resumed_total", "resumes", "Links that went on from where the last one had ended."),
	tally("link_gaps_total", "gaps", "Links that began after changes which the log no longer held: what was missed came by a sync, invalidated regions started empty."),
	tally("protocol_errors_total", "protocol_errors", "Links and connections ended because of what the other side sent."),
	tally("frames_received_total", "frames_in", "Frames received from peers."),
	tally("received_bytes_total", "bytes_in", "Bytes received from peers."),
	tally("sent_bytes_total", "bytes_out", "Bytes sent to peers."),
	tally("unapplied_changes_total", "unapplied", "Changes of peers that were not applied: of a region that is not shared, refused by it, or with Receive=false."),
	tally("syncs_total", "syncs", "Comparisons with a peer that this endpoint asked for."),
	tally("sync_received_bytes_total", "sync_bytes_in", "Bytes of frames of syncs received."),
	tally("sync_sent_bytes_total", "sync_bytes_out", "Bytes of frames of syncs sent."),
	tally("touches_received_total", "touches_in", "Accesses to sessions that peers told."),
	tally("touches_sent_total", "touches_out", "Accesses to sessions told to peers."),
	tally("touches_dropped_total", "touches_dropped", "Accesses to sessions that could not be told for want of room."),
	tally("messages_received_total", "messages_in", "Messages of RESP clients (PUBLISH) received from peers."),
	tally("messages_sent_total", "messages_out", "Messages of RESP clients sent to peers."),
	tally("messages_dropped_total", "messages_dropped", "Messages of RESP clients that a slow peer was not sent."),

	tally("discovery_packets_received_total", "packets", "Datagrams that arrived at the discovery group."),
	tally("discovery_packets_sent_total", "packets_sent", "Announcements sent."),
	tally("discovery_packets_failed_total", "packets_failed", "Announcements that could not be sent on some interface."),
	tally("discovery_packets_own_total", "packets_own", "Datagrams received that this endpoint had sent."),
	tally("discovery_packets_foreign_total", "packets_foreign", "Datagrams of another cluster."),
	tally("discovery_packets_alien_total", "packets_alien", "Datagrams without a section of ours: of Java nodes, or of something else altogether."),
	tally("discovery_packets_undecodable_total", "packets_undecodable", "Datagrams that could not be decoded."),
	tally("discovery_packets_unproven_total", "packets_unproven", "Datagrams not believed: sealed with another secret, forged, replayed or too old, or one side has no secret."),
}

// observing reads what an observer has seen.
func observing(of func(o *cache.Observed) int64) func(e *endpoint) float64 {
	return func(e *endpoint) float64 {
		if e.Observed == nil {
			return unknown
		}
		return float64(of(e.Observed))
	}
}

// javaFamilies are those of links with Java nodes.
var javaFamilies = []family[endpoint]{
	tally("jcs_connections_dialled_total", "jcs_dialled", "Connections to Java nodes that were begun."),
	tally("jcs_connections_accepted_total", "jcs_accepted", "Connections of Java nodes that were accepted."),
	tally("jcs_connections_refused_total", "jcs_refused", "Connections of Java nodes that were refused, or ended because of what they sent."),
	tally("jcs_messages_received_total", "jcs_messages_in", "Messages received from Java nodes."),
	tally("jcs_messages_sent_total", "jcs_messages_out", "Messages sent to Java nodes."),
	tally("jcs_received_bytes_total", "jcs_bytes_in", "Bytes received from Java nodes."),
	tally("jcs_sent_bytes_total", "jcs_bytes_out", "Bytes sent to Java nodes."),
	tally("jcs_messages_skipped_total", "jcs_skipped", "Messages of Java nodes that could not be understood and were skipped."),
	tally("jcs_messages_unapplied_total", "jcs_unapplied", "Messages of Java nodes that were not applied: of no region here, or with Receive=false."),
	tally("jcs_messages_filtered_total", "jcs_filtered", "Removals of Java nodes skipped because the value was equal (FilterRemoveByHashCode)."),
	tally("jcs_messages_own_total", "jcs_own", "Messages that this endpoint had sent and that came back."),
	tally("jcs_messages_untold_total", "jcs_untold", "Changes that Java nodes could not be told, or not given when they asked: their protocol has no form for them, or refuses them."),
	tally("jcs_gaps_total", "jcs_gaps", "How often a Java node was so far behind that changes were left out."),
	tally("jcs_questions_total", "jcs_questions", "Gets asked by Java nodes."),
	tally("jcs_question_misses_total", "jcs_misses", "Gets asked by Java nodes that were answered with nothing."),
	tally("jcs_asked_total", "jcs_asked", "Gets that Java nodes were asked."),
	gauge("jcs_observed_keys", "Keys whose last writes by Java nodes an observer (ListenOnly) remembers.", sum, observing(func(o *cache.Observed) int64 { return int64(o.Keys) })),
	gauge("jcs_observed_crossed_keys", "Keys to which Java nodes gave different values at the same time, and which were not written since: they probably hold different ones.", sum,
		observing(func(o *cache.Observed) int64 { return int64(o.Crossed) })),
	gauge("jcs_observed_in_turn_keys", "Keys to which Java nodes gave different values one after the other.", sum, observing(func(o *cache.Observed) int64 { return int64(o.InTurn) })),
	gauge("jcs_observed_nodes", "Java nodes that have said something to an observer.", sum, observing(func(o *cache.Observed) int64 { return int64(len(o.Nodes)) })),
	tally("jcs_observed_crossings_total", "jcs_crossings", "How often a write of one Java node crossed another's of the same key, as an observer heard it."),
	tally("jcs_bridged_total", "jcs_bridged", "Changes relayed between Java nodes of different generations (Bridge=true)."),
	tally("jcs_bridged_foreign_total", "jcs_bridged_foreign", "Relayed changes with a class that does not come with Java: who has it not cannot read them."),
}

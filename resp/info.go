// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// infoSections are what INFO tells, by name.
var infoSections = []struct {
	name string
	tell func(f *Front, line func(name string, value any))
}{
	{"Server", func(f *Front, line func(string, any)) {
		up := int64(time.Since(f.started) / time.Second)
		line("redis_version", redisVersion)
		line("redis_mode", "standalone")
		line("lateral_version", f.c.Version)
		line("lateral_service", f.c.Service)
		line("arch_bits", strconv.IntSize)
		line("os", runtime.GOOS+" "+runtime.GOARCH)
		line("process_id", os.Getpid())
		line("run_id", f.c.Node)
		line("uptime_in_seconds", up)
		line("uptime_in_days", up/86400)
	}},
	{"Clients", func(f *Front, line func(string, any)) {
		st := f.told()
		line("connected_clients", st.Clients)
		line("maxclients", st.MaxClients)
		line("blocked_clients", 0)
		line("tracking_clients", st.Tracking)
	}},
	{"Memory", func(f *Front, line func(string, any)) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		line("used_memory", m.HeapAlloc)
		line("used_memory_rss", m.Sys)
		line("maxmemory", 0)
		line("maxmemory_policy", "noeviction")
	}},
	{"Persistence", func(f *Front, line func(string, any)) {
		line("loading", 0)
		line("rdb_bgsave_in_progress", 0)
		line("aof_enabled", 0)
	}},
	{"Stats", func(f *Front, line func(string, any)) {
		st := f.told()
		line("total_connections_received", st.Connections)
		line("total_commands_processed", total(st.Commands))
		line("total_net_input_bytes", st.In)
		line("total_net_output_bytes", st.Out)
		line("rejected_connections", st.Refused)
		line("keyspace_hits", st.Hits)
		line("keyspace_misses", st.Misses)
		line("pubsub_channels", st.Channels)
		line("pubsub_patterns", st.Patterns)
		line("total_error_replies", total(st.Errors))
		line("client_output_buffer_limit_disconnections", st.Slow)
		line("protocol_errors", st.Protocol)
		line("lateral_requests_over_limits", st.Over)
		line("tracking_total_keys", st.TrackedKeys)
		line("tracking_total_items", st.TrackedPairs)
	}},
	{"Replication", func(f *Front, line func(string, any)) {
		line("role", "master")
		line("connected_slaves", 0)
	}},
	{"Commandstats", func(f *Front, line func(string, any)) {
		tellEach(f.told().Commands, func(name string, n uint64) { line("cmdstat_"+name, fmt.Sprint("calls=", n)) })
	}},
	{"Errorstats", func(f *Front, line func(string, any)) {
		tellEach(f.told().Errors, func(code string, n uint64) { line("errorstat_"+code, fmt.Sprint("count=", n)) })
	}},
	{"Cluster", func(f *Front, line func(string, any)) { line("cluster_enabled", 0) }},
	{"Keyspace", func(f *Front, line func(string, any)) {
		var all []*database
		for _, d := range f.databases {
			all = append(all, d)
		}
		slices.SortFunc(all, func(a, b *database) int { return cmp.Compare(a.index, b.index) })
		for _, d := range all {
			n := 0
			for _, r := range d.regions {
				n += r.Len()
			}
			if n > 0 {
				line(fmt.Sprintf("db%d", d.index), fmt.Sprintf("keys=%d,expires=0,avg_ttl=0,region=%s", n, d.base.Name()))
			}
		}
	}},
}

func total(counts map[string]uint64) (n uint64) {
	for _, v := range counts {
		n += v
	}
	return n
}

// tellEach tells what was counted, by name.
func tellEach(counts map[string]uint64, tell func(name string, n uint64)) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[name]; n > 0 {
			tell(name, n)
		}
	}
}

func (c *client) runInfo(args [][]byte) {
	var b strings.Builder
	for _, s := range infoSections {
		rare := s.name == "Commandstats" // only if asked for, as of Redis
		all := len(args) == 1 && !rare
		for _, a := range args[1:] {
			all = all || isWord(a, "all") || isWord(a, "default") && !rare || isWord(a, "everything") || isWord(a, strings.ToLower(s.name))
		}
		if !all {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		fmt.Fprintf(&b, "# %s\r\n", s.name)
		s.tell(c.f, func(name string, value any) { fmt.Fprintf(&b, "%s:%v\r\n", name, value) })
	}
	c.out.Verbatim(b.String())
}

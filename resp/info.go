// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"cmp"
	"fmt"
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
		f.mu.Lock()
		n := len(f.clients)
		f.mu.Unlock()
		f.tracking.mu.Lock()
		tracks := len(f.tracking.modes)
		f.tracking.mu.Unlock()
		line("connected_clients", n)
		line("maxclients", f.options.clients(f.c.MaxClients))
		line("blocked_clients", 0)
		line("tracking_clients", tracks)
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
		n := &f.count
		f.tracking.mu.Lock()
		keys, pairs := len(f.tracking.keys), f.tracking.pairs
		f.tracking.mu.Unlock()
		line("total_connections_received", n.connections.Load())
		line("total_commands_processed", n.commands.Load())
		line("rejected_connections", n.refused.Load())
		line("keyspace_hits", n.hits.Load())
		line("keyspace_misses", n.misses.Load())
		line("client_output_buffer_limit_disconnections", n.slow.Load())
		line("protocol_errors", n.protocol.Load())
		line("lateral_requests_over_limits", n.over.Load())
		line("tracking_total_keys", keys)
		line("tracking_total_items", pairs)
	}},
	{"Replication", func(f *Front, line func(string, any)) {
		line("role", "master")
		line("connected_slaves", 0)
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

func (c *client) runInfo(args [][]byte) {
	var b strings.Builder
	for _, s := range infoSections {
		all := len(args) == 1
		for _, a := range args[1:] {
			all = all || isWord(a, "all") || isWord(a, "default") || isWord(a, "everything") || isWord(a, strings.ToLower(s.name))
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

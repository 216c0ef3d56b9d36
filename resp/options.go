// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lateral/resp/wire"
)

// options are what CONFIG SET has changed.
type options struct {
	mu      sync.Mutex // guards set
	set     map[string]string
	classes atomic.Pointer[string] // of notifications
}

func (o *options) notify() string {
	if p := o.classes.Load(); p != nil {
		return *p
	}
	return ""
}

// number returns an option that is a number, if it was set.
func (o *options) number(name string, otherwise int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n, err := strconv.Atoi(o.set[name]); err == nil {
		return n
	}
	return otherwise
}

func (o *options) clients(otherwise int) int { return o.number("maxclients", otherwise) }

func (o *options) idle(otherwise time.Duration) time.Duration {
	return time.Duration(o.number("timeout", int(otherwise/time.Second))) * time.Second
}

// settable are the options that CONFIG SET changes, with their largest value;
// 0: it is no number.
var settable = map[string]int{"maxclients": 1 << 20, "timeout": 1 << 30, "notify-keyspace-events": 0}

// config returns what clients ask for. What Redis keeps on disk this front
// does not have; clients that look for it find it off.
func (f *Front) config() map[string]string {
	databases := 0
	for i := range f.databases {
		databases = max(databases, i+1)
	}
	m := map[string]string{
		"maxclients": strconv.Itoa(f.options.clients(f.c.MaxClients)), "timeout": strconv.Itoa(int(f.options.idle(f.c.IdleTimeout) / time.Second)),
		"notify-keyspace-events": showNotify(f.options.notify()), "databases": strconv.Itoa(databases),
		"maxmemory": "0", "maxmemory-policy": "noeviction", "save": "", "appendonly": "no", "appendfsync": "everysec",
		"proto-max-bulk-len": strconv.Itoa(wire.MaxBulk), "tcp-keepalive": "15", "cluster-enabled": "no",
		"tracking-table-max-keys":    strconv.Itoa(f.c.TrackedKeys),
		"client-output-buffer-limit": fmt.Sprintf("normal 0 0 0 slave 0 0 0 pubsub %d 0 0", f.c.PushLimit),
		"lua-time-limit":             "0", "slowlog-log-slower-than": "-1", "latency-monitor-threshold": "0",
	}
	return m
}

func (c *client) runConfig(args [][]byte) {
	switch {
	case isWord(args[1], "get") && len(args) > 2:
		c.configGet(args[2:])
	case isWord(args[1], "set") && len(args) > 3 && len(args)%2 != 0:
		c.out.Error(errSyntax)
	case isWord(args[1], "set") && len(args) > 3:
		if bad := c.configSet(args[2:]); bad != "" {
			c.out.Error(bad)
			return
		}
		c.out.OK()
	case isWord(args[1], "resetstat") && len(args) == 2:
		c.f.reset.Store(c.f.Status())
		c.out.OK()
	default:
		c.out.Error(unknownSub(args, "get set resetstat"))
	}
}

func (c *client) configGet(patterns [][]byte) {
	all := c.f.config()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if slices.ContainsFunc(patterns, func(p []byte) bool { return matches(strings.ToLower(string(p)), name) }) {
			names = append(names, name)
		}
	}
	c.out.Map(len(names))
	for _, name := range names {
		c.out.Bulk(name)
		c.out.Bulk(all[name])
	}
}

// configSet changes all or nothing.
func (c *client) configSet(pairs [][]byte) (bad string) {
	o := &c.f.options
	next := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		name, value := strings.ToLower(string(pairs[i])), string(pairs[i+1])
		most, ok := settable[name]
		if !ok {
			if _, known := c.f.config()[name]; known {
				return fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%.64s') - lateral does not let clients change it", name)
			}
			return fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%.64s'", name)
		}
		n, err := strconv.Atoi(value)
		if most > 0 && err != nil {
			return fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - argument couldn't be parsed into an integer", name)
		}
		if most > 0 && (n < 0 || n > most || name == "maxclients" && n == 0) {
			return fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - argument must be between 0 and %d inclusive", name, most)
		}
		if name == "notify-keyspace-events" {
			if value, ok = parseNotify(value); !ok {
				return "ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use 'Ag$lshzxeKEtmdn'."
			}
			if err := c.f.ears.listen(); err != nil {
				return "ERR " + err.Error()
			}
		}
		next[name] = value
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.set == nil {
		o.set = map[string]string{}
	}
	maps.Copy(o.set, next)
	if classes, ok := next["notify-keyspace-events"]; ok {
		o.classes.Store(&classes)
	}
	return ""
}

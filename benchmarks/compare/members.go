// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"lateral"
)

var background = context.Background()

// A lateralMember is a node of Lateral, embedded as in any Go program.
type lateralMember struct {
	n     *lateral.Node
	r     *lateral.Region[string]
	drops bool
}

func openLateral(e *engine, role, dir string) (*lateralMember, error) {
	n, err := lateral.Open(background, lateral.Config{Service: role, Host: "bench", Files: []string{filepath.Join(dir, "cache.ccf")},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return nil, err
	}
	r, err := lateral.In(n, "Bench", lateral.Text)
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return &lateralMember{n, r, e.drops}, nil
}

func (m *lateralMember) put(key, value string) error {
	if m.drops {
		return m.r.Update(background, key, func(context.Context) error { return nil })
	}
	return m.r.Put(background, key, value)
}

func (m *lateralMember) get(key string) (string, bool, error) { return m.r.Get(background, key) }

func (m *lateralMember) hold(key, value string) error {
	if !m.drops {
		return nil
	}
	_, err := m.r.GetOrLoad(background, key, func(context.Context) (string, error) { return value, nil })
	return err
}

func (m *lateralMember) bulk(keys, values []string) error {
	for i, key := range keys {
		if err := m.r.Put(background, key, values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *lateralMember) acked(key, value string) error { return m.r.PutAcks(background, key, value, 1) }

func (m *lateralMember) heap() (int64, error) {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc), nil
}

func (m *lateralMember) close() { m.n.Close() }

// A redisMember is a client of the one redis-server with a cache of its own.
type redisMember struct{ c valkey.Client }

// cachedFor bounds how long the client keeps what it is told nothing about.
const cachedFor = 10 * time.Minute

func openRedis(role, port string) (*redisMember, error) {
	host := "127.0.0.1"
	if role == "b" {
		host = redisForB
	}
	c, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{host + ":" + port}, CacheSizeEachConn: 256 << 20})
	if err != nil {
		return nil, fmt.Errorf("redis-server at %s:%s: %w", host, port, err)
	}
	return &redisMember{c}, nil
}

func (m *redisMember) put(key, value string) error {
	return m.c.Do(background, m.c.B().Set().Key(key).Value(value).Build()).Error()
}

func (m *redisMember) get(key string) (string, bool, error) {
	v, err := m.c.DoCache(background, m.c.B().Get().Key(key).Cache(), cachedFor).ToString()
	if valkey.IsValkeyNil(err) {
		return "", false, nil
	}
	return v, err == nil, err
}

func (m *redisMember) hold(key, _ string) error {
	_, _, err := m.get(key)
	return err
}

func (m *redisMember) bulk(keys, values []string) error {
	cmds := make(valkey.Commands, 0, len(keys))
	for i, key := range keys {
		cmds = append(cmds, m.c.B().Set().Key(key).Value(values[i]).Build())
	}
	for _, r := range m.c.DoMulti(background, cmds...) {
		if err := r.Error(); err != nil {
			return err
		}
	}
	return nil
}

func (m *redisMember) acked(key, value string) error { return m.put(key, value) }

// heap is what the server uses, which has the data.
func (m *redisMember) heap() (int64, error) {
	text, err := m.c.Do(background, m.c.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			return strconv.ParseInt(v, 10, 64)
		}
	}
	return 0, errors.New("INFO memory has no used_memory")
}

func (m *redisMember) close() { m.c.Close() }

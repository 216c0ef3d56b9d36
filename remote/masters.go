// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/valkey-io/valkey-go"
)

// maxMasters bounds the connections that what a server answers can make us open.
const maxMasters = 1000

// option is what all clients have in common.
func (s *Server) option() valkey.ClientOption {
	o := valkey.ClientOption{InitAddress: slices.Clone(s.c.Addrs), Username: s.c.Username, TLSConfig: s.c.TLS, SelectDB: s.c.Database, ClientName: "lateral", ClientSetInfo: valkey.DisableClientSetInfo,
		DisableCache: true, DisableRetry: true, ConnWriteTimeout: s.c.Silent, RingScaleEachConn: 9, ReadBufferEachConn: 64 << 10, WriteBufferEachConn: 64 << 10}
	o.Dialer.Timeout, o.Dialer.KeepAlive = min(s.c.Silent, 2*time.Second), s.c.Heartbeat
	if s.c.Password != nil {
		o.AuthCredentialsFn = func(c valkey.AuthCredentialsContext) (valkey.AuthCredentials, error) {
			if _, sentinel := s.sentinels.Load(c.Address.String()); sentinel { // valkey-go asks for them, too
				return valkey.AuthCredentials{Password: o.Sentinel.Password}, nil
			}
			p, err := s.c.Password()
			return valkey.AuthCredentials{Username: s.c.Username, Password: p}, err
		}
	}
	o.ClusterOption.ShardsRefreshInterval = s.c.Silent
	if s.c.Master != "" {
		o.Sentinel = valkey.SentinelOption{MasterSet: s.c.Master, TLSConfig: s.c.TLS, Dialer: o.Dialer, TopologyRefreshInterval: s.c.Heartbeat}
		o.Sentinel.Dialer.Control = func(_, address string, _ syscall.RawConn) error {
			s.sentinels.Store(address, true)
			return nil
		}
		if s.c.SentinelPassword != nil {
			p, err := s.c.SentinelPassword()
			if err == nil {
				o.Sentinel.Password = p
			}
		}
	}
	return o
}

// masters returns the addresses of all who take writes, as far as is known: an
// error may come with some.
func (s *Server) masters(ctx context.Context) ([]string, error) {
	cl := *s.client.Load()
	ctx, cancel := context.WithTimeout(ctx, s.c.Silent)
	defer cancel()
	switch cl.Mode() {
	case valkey.ClientModeSentinel:
		return s.sentinelMaster(ctx)
	case valkey.ClientModeCluster:
		return s.clusterMasters(ctx, cl)
	}
	return s.c.Addrs[:1], nil
}

// sentinelMaster asks one Sentinel after the other.
func (s *Server) sentinelMaster(ctx context.Context) ([]string, error) {
	var errs []error
	for _, addr := range s.c.Addrs {
		o := s.option()
		o.InitAddress, o.ForceSingleClient, o.PipelineMultiplex, o.SelectDB = []string{addr}, true, -1, 0
		o.AuthCredentialsFn, o.Username, o.Password = nil, "", o.Sentinel.Password
		o.Sentinel = valkey.SentinelOption{}
		cl, err := valkey.NewClient(o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		at, err := cl.Do(ctx, cl.B().SentinelGetMasterAddrByName().Master(s.c.Master).Build()).AsStrSlice()
		cl.Close()
		if err == nil && len(at) == 2 {
			return []string{net.JoinHostPort(at[0], at[1])}, nil
		}
		errs = append(errs, fmt.Errorf("the Sentinel at %s knows no master %q: %w", addr, s.c.Master, cmp.Or(err, errors.New("it names none"))))
	}
	return nil, errors.Join(errs...)
}

// clusterMasters asks every node. What any takes for a master is one: the two
// sides of a split do not agree.
func (s *Server) clusterMasters(ctx context.Context, cl valkey.Client) (all []string, err error) {
	var mu sync.Mutex // guards all and err
	var asking sync.WaitGroup
	for addr, node := range cl.Nodes() {
		asking.Go(func() {
			slots, nerr := node.Do(ctx, node.B().ClusterSlots().Build()).ToArray()
			mu.Lock()
			defer mu.Unlock()
			if nerr != nil {
				err = nerr
				return
			}
			for i := range slots {
				if m := masterOf(&slots[i], addr); m != "" && !slices.Contains(all, m) && len(all) < maxMasters {
					all = append(all, m)
				}
			}
		})
	}
	asking.Wait()
	if len(all) > 0 {
		slices.Sort(all)
		return all, nil
	}
	if err == nil {
		err = errors.New("no node of the Cluster has slots")
	}
	return nil, err
}

// masterOf reads one row of CLUSTER SLOTS: first and last slot, then [host, port, …] of
// the master. An empty host is that of who answered.
func masterOf(row *valkey.ValkeyMessage, asked string) string {
	parts, err := row.ToArray()
	if err != nil || len(parts) < 3 {
		return ""
	}
	at, err := parts[2].ToArray()
	if err != nil || len(at) < 2 {
		return ""
	}
	host, _ := at[0].ToString()
	port, err := at[1].AsInt64()
	if err != nil || port <= 0 || port > 65535 {
		return ""
	}
	if host == "" || host == "?" {
		host, _, _ = net.SplitHostPort(asked)
	}
	return net.JoinHostPort(host, strconv.FormatInt(port, 10))
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"

	"lateral/cache"
	"lateral/mesh"
	"lateral/metrics"
	"lateral/resp"
)

// metrics answers scrapes, and times what the fronts are asked.
func (v *service) metrics() http.Handler {
	return metrics.Handler(v.log, v.calls, metrics.Resp{Status: v.respStatus}, metrics.New(metrics.Config{Status: v.node.Status,
		Mesh: func(st cache.Status) cache.MeshStatus { return mesh.Verdict(st) }, Reasons: v.reasons}))
}

// respStatus is that of the RESP front, nil as long as there is none.
func (v *service) respStatus() *cache.RespStatus {
	if f := v.resp.Load(); f != nil {
		return f.Status()
	}
	return nil
}

// timed is a region of which a sample of gets and puts is timed.
type timed struct {
	resp.Region
	front *metrics.Front
}

// timed opens a region for the RESP front.
func (v *service) timed(name string) (resp.Region, error) {
	s, err := v.node.Store(name)
	if err != nil {
		return nil, err
	}
	return timed{s, v.calls.Front("resp", name)}, nil
}

// Get looks in memory. What is not there is not timed here: Do may go on.
func (t timed) Get(now int64, key string) (cache.Element, bool) {
	since := t.front.Get.Sample()
	e, ok := t.Region.Get(now, key)
	if ok {
		t.front.Get.End(since)
	}
	return e, ok
}

func (t timed) Put(ctx context.Context, whole string, keyLen int, attr *cache.Attributes, caller uint64, more bool) error {
	since := t.front.Put.Sample()
	err := t.Region.Put(ctx, whole, keyLen, attr, caller, more)
	t.front.Put.End(since)
	return err
}

func (t timed) Do(ctx context.Context, c cache.Command) (cache.Reply, error) {
	return t.front.Sampled(ctx, c, t.Region.Do)
}

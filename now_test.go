// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
)

// Writes are stamped, and elements expire, by the node's own clock.
func TestNow(t *testing.T) {
	cfg, err := ccf.Parse(ccf.Source{Name: "test.ccf", Data: []byte(`jcs.default=
jcs.region.R=
jcs.region.R.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.R.elementattributes.IsEternal=false
jcs.region.R.elementattributes.MaxLifeSeconds=5
`)})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		off := time.Hour
		n, err := lateral.Open(t.Context(), lateral.Config{Host: "h", CCF: cfg, Now: func() time.Time { return time.Now().Add(off) }})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		rep, err := n.Do(context.Background(), cache.Command{Op: cache.Put, Region: "R", Key: "k", Value: cache.Value{Bytes: "v"}})
		if want := time.Now().Add(off).UnixMilli(); err != nil || rep.Stamp.UnixMilli() != want {
			t.Errorf("%v, %v, want %d", rep.Stamp, err, want)
		}
		off += 6 * time.Second // it jumps
		if rep, err := n.Do(context.Background(), cache.Command{Op: cache.Get, Region: "R", Key: "k"}); err != nil || rep.Found {
			t.Errorf("%+v, %v", rep, err)
		}
	})
}

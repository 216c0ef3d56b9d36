// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"lateral/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const t0 = 1_700_000_000_000

func config(t testing.TB) Config {
	return Config{Dir: filepath.Join(t.TempDir(), "r"), Region: "r", MaxElements: -1, MaxQueued: 5000, Retention: 24 * time.Hour,
		Now: func() time.Time { return time.UnixMilli(t0 + 1000) }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// start opens a disk and runs it until stop is called, or the test ends.
func start(t testing.TB, c Config) (d *Disk, stop func()) {
	d = Open(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return d, stop
}

func at(ms int) cache.Stamp { return cache.StampAt(t0+int64(ms), 7) }

func element(key, value string, ms int) cache.Element {
	return cache.Element{Key: key, Value: cache.Value{Bytes: value}, Attr: &cache.DefaultAttributes, Stamp: at(ms), Accessed: t0 + int64(ms)}
}

func putOf(key, value string, ms int) cache.Change {
	return cache.Change{Op: cache.Put, Region: "r", Element: element(key, value, ms)}
}

func removeOf(op cache.Op, key string, ms int) cache.Change {
	return cache.Change{Op: op, Region: "r", Element: cache.Element{Key: key, Stamp: at(ms), State: cache.Tombstone}}
}

func flush(t testing.TB, d *Disk) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// holds checks what a get answers: "" is nothing.
func holds(t rapid.TB, d *Disk, key, value string) {
	t.Helper()
	e, ok, err := d.Fetch(context.Background(), "r", key)
	if err != nil || ok != (value != "") || e.Value.Bytes != value {
		t.Errorf("%q: %q, %v, %v; want %q", key, e.Value.Bytes, ok, err, value)
	}
}

func TestReopened(t *testing.T) {
	t.Parallel()
	c := config(t)
	d, stop := start(t, c)
	for i := range 3000 {
		d.Note(putOf(fmt.Sprint("k", i), fmt.Sprint("v", i), i/10))
	}
	holds(t, d, "k7", "v7") // from the queue or from the file
	d.Note(removeOf(cache.Remove, "k8", 400))
	holds(t, d, "k8", "")
	flush(t, d)
	holds(t, d, "k7", "v7")
	holds(t, d, "k8", "")
	st := d.Status()
	if !st.Works || st.Elements != 2999 || st.Written != 3000 && st.Written != 2999 || st.Queued != 0 {
		t.Errorf("%+v", st)
	}
	stop()
	d, _ = start(t, c)
	holds(t, d, "k2999", "v2999")
	holds(t, d, "k8", "")
	if st := d.Status(); st.Elements != 2999 || st.Bytes == 0 || st.FileBytes == 0 {
		t.Errorf("%+v", st)
	}
}

// TestLongKeys: a key that the store cannot take stays out of it, and nothing
// else goes with it.
func TestLongKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 40_000) // a region takes 64 KiB
	for _, byStamp := range []bool{false, true} {
		c := config(t)
		c.ByStamp, c.unsynced = byStamp, true
		d := Open(c)
		d.Note(putOf("k", "v", 1))
		d.write()
		d.Note(putOf(long, "v", 2))
		d.Note(putOf("", "v", 2))
		d.Note(removeOf(cache.Remove, long+"2", 2))
		d.Note(putOf("k2", "v", 2))
		d.write()
		holds(t, d, "k", "v")
		holds(t, d, "k2", "v")
		holds(t, d, long, "")
		if st := d.Status(); st.Harmed > 0 || st.Lost != 2 || st.Elements != 2 {
			t.Errorf("by stamp %t: %+v", byStamp, st)
		}
		d.Note(removeOf(cache.Remove, long+":", 3)) // of many: by stamp it would have to be remembered
		d.Note(putOf("after", "v", 4))
		d.write()
		holds(t, d, "after", "v")
		if st := d.Status(); st.Harmed > 0 || (st.Wiped == 1) != byStamp || !st.Works {
			t.Errorf("by stamp %t: %+v", byStamp, st)
		}
		d.Close()
	}
}

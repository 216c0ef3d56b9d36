// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"testing"

	"go.etcd.io/bbolt"

	"lateral/cache"
)

// TestSum: a record that is missing, there under another key, or an old one
// that is as it should be by itself, shows when the file is opened.
func TestSum(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(e, o *bbolt.Bucket, old []byte) error{
		"nothing": func(e, o *bbolt.Bucket, old []byte) error { return nil },
		"a removal is missing": func(e, o *bbolt.Bucket, old []byte) error {
			at, _ := o.Cursor().Last()
			if err := o.Delete(at); err != nil {
				return err
			}
			return e.Delete([]byte("k"))
		},
		"the removed value": func(e, o *bbolt.Bucket, old []byte) error { return e.Put([]byte("k"), old) },
		"another's key":     func(e, o *bbolt.Bucket, old []byte) error { return e.Put([]byte("k"), e.Get([]byte("k2"))) },
		"an order without its element": func(e, o *bbolt.Bucket, old []byte) error {
			return o.Put(bytes.Repeat([]byte{1}, 24), []byte("k3"))
		},
	} {
		c := config(t)
		c.ByStamp, c.unsynced = true, true
		d := Open(c)
		d.Note(putOf("k", "removed later", 1))
		d.Note(putOf("k2", "v", 2))
		d.write()
		var old []byte
		inFile(t, d.store.db, func(e, _ *bbolt.Bucket) error { old = bytes.Clone(e.Get([]byte("k"))); return nil })
		d.Note(removeOf(cache.Remove, "k", 3))
		d.Close()
		db, err := bbolt.Open(d.file(""), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		inFile(t, db, func(e, o *bbolt.Bucket) error { return harm(e, o, old) })
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		d = Open(c)
		want := uint64(1)
		if name == "nothing" {
			want = 0
		}
		if st := d.Status(); st.Harmed != want || !st.Works {
			t.Errorf("%s: %+v", name, st)
		}
		holds(t, d, "k", "")
		d.Close()
	}
}

func inFile(t *testing.T, db *bbolt.DB, f func(e, o *bbolt.Bucket) error) {
	t.Helper()
	if err := db.Update(func(tx *bbolt.Tx) error { return f(tx.Bucket(bucketElements), tx.Bucket(bucketOrder)) }); err != nil {
		t.Fatal(err)
	}
}

// TestTagOfTheNewest: the removal of a tag means the newest version, which has
// it, and brings back no older one, which has not.
func TestTagOfTheNewest(t *testing.T) {
	t.Parallel()
	for _, written := range []bool{false, true} {
		c := config(t)
		c.ByStamp, c.unsynced = true, true
		d := Open(c)
		tagged := cache.DefaultAttributes
		tagged.Tags = "t"
		newest := putOf("k", "newest", 2)
		newest.Element.Attr = &tagged
		d.Note(putOf("k", "old", 1))
		d.write()
		d.Note(newest)
		if written {
			d.write()
		}
		d.Note(removeOf(cache.RemoveTag, "t", 3))
		holds(t, d, "k", "")
		d.write()
		holds(t, d, "k", "")
		d.Note(putOf("k", "older", 1))
		d.write()
		holds(t, d, "k", "")
		d.Note(putOf("k", "later", 4))
		d.write()
		holds(t, d, "k", "later")
		d.Close()
	}
}

// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"lateral/cache"
)

// FuzzRecord: whatever lies in a file is read as an element that is written as
// itself again, or refused; without a checksum that is right always.
func FuzzRecord(f *testing.F) {
	extreme := cache.Attributes{MaxLife: math.MaxInt64, MaxIdle: math.MaxInt64, Size: math.MaxInt32, Tags: "a\x00b"}
	for _, e := range []cache.Element{
		element("k", "v", 1),
		{Key: "", Attr: &cache.DefaultAttributes},
		{Key: cache.GroupKey("g", "k"), Value: cache.Value{Bytes: "\xac\xed", Form: cache.FormJava}, Attr: &extreme, Stamp: cache.Stamp{Time: math.MaxUint64, Node: math.MaxUint64}},
		{Key: "gone", State: cache.Tombstone, Attr: &cache.Attributes{Tags: "t"}, Stamp: at(5)},
		{Key: cache.FloorKey(cache.RemoveAll, ""), State: cache.Floor, Stamp: at(6)},
	} {
		f.Add(e.Key, encode(&e)[sumBytes:])
	}
	f.Add("", []byte{})
	f.Add("", []byte("\x17\x05\x00000000000\x0000000000000")) // a removal with a value
	f.Add("k", bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		if len(body) > 0 {
			wrong := append(make([]byte, sumBytes), body...)
			binary.BigEndian.PutUint64(wrong, checksum(key, body)+1)
			if _, _, err := decode(key, wrong, nil); err == nil {
				t.Error("a wrong checksum is believed")
			}
		}
		b := append(make([]byte, sumBytes), body...)
		binary.BigEndian.PutUint64(b, checksum(key, body))
		e, _, err := decode(key, b, nil)
		if err != nil {
			return
		}
		again, _, err := decode(key, encode(&e), nil)
		if err != nil || again.Key != e.Key || again.Value.Bytes != e.Value.Bytes || again.Stamp != e.Stamp || again.State != e.State {
			t.Errorf("%+v\nis written and read as\n%+v, %v", e, again, err)
		}
	})
}

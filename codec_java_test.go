// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// TestJavaCodec: values of Java's types are the same on both nodes, and texts
// where a region is one of texts.
func TestJavaCodec(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		ctx := c.t.Context()
		mine, err1 := lateral.In(c.nodes["1"], "Rep", lateral.Java)
		theirs, err2 := lateral.In(c.nodes["2"], "Rep", lateral.Java)
		texts, err3 := lateral.In(c.nodes["2"], "Rep", lateral.Text)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			put, got any
			text     string
			kind     string
		}{
			{"värde", "värde", "värde", "string"}, {[]byte{0, 255}, []byte{0, 255}, "\x00\xff", "bytes"}, {42, int32(42), "42", "int"}, {int64(7), int64(7), "7", "long"},
			{2.5, 2.5, "2.5", "double"}, {true, true, "true", "boolean"}, {time.Unix(86400, 0), time.Unix(86400, 0).UTC(), "1970-01-02T00:00:00Z", "date"},
			{[]any{"a", int32(1)}, []any{"a", int32(1)}, `["a",1]`, "list"}, {javaser.Set{"a"}, javaser.Set{"a"}, `["a"]`, "set"},
			{map[string]any{"k": 1}, javaser.Map{{Key: "k", Value: int32(1)}}, `{"k":1}`, "map"},
		} {
			if err := errors.Join(mine.Put(ctx, "k", v.put), mine.Barrier(ctx)); err != nil {
				t.Fatal(err)
			}
			for _, r := range []*lateral.Region[any]{mine, theirs} {
				if got, ok, err := r.Get(ctx, "k"); !ok || err != nil || !reflect.DeepEqual(got, v.got) {
					t.Errorf("%v came back as %#v, %v, %v", v.put, got, ok, err)
				}
			}
			if got, ok, err := texts.Get(ctx, "k"); !ok || err != nil || got != v.text {
				t.Errorf("%v reads as %q, %v, %v", v.put, got, ok, err)
			}
			rep, err := c.nodes["2"].Do(ctx, cache.Command{Op: cache.Get, Region: "Rep", Key: "k"})
			if err != nil || jcs.TypeOf(rep.Element.Value) != v.kind {
				t.Errorf("%v is a %s, %v", v.put, jcs.TypeOf(rep.Element.Value), err)
			}
		}
		if err := mine.Put(ctx, "k", struct{}{}); !errors.Is(err, javaser.ErrValue) {
			t.Error(err)
		}
		class := &javaser.Class{Name: "com.example.P", UID: 1, Flags: javaser.Serializable}
		v, err := jcs.ValueOf(&javaser.Object{Class: class, Parts: []javaser.Part{{Class: class}}})
		if err == nil {
			_, err = c.nodes["1"].Do(ctx, cache.Command{Op: cache.Put, Region: "Rep", Key: "p", Value: v})
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := mine.Get(ctx, "p"); !errors.Is(err, lateral.ErrJava) {
			t.Error(err)
		}
	})
}

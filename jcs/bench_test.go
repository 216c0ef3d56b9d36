// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkRead reads puts as each generation writes them.
func BenchmarkRead(b *testing.B) {
	for _, g := range Generations {
		b.Run(g.Name, func(b *testing.B) {
			w := NewWriter(g, Serializer{})
			var wire []byte
			for i := range 1000 {
				m, err := w.Encode(put(g, fmt.Sprint("key", i), "a value of some length, as values are"))
				if err != nil {
					b.Fatal(err)
				}
				wire = append(wire, m...)
			}
			b.ReportAllocs()
			var r *Reader
			for i := range b.N {
				if i%1000 == 0 {
					r = NewReader(bytes.NewReader(wire[4:]), wire[:4], Serializer{})
				}
				m, err := r.Next()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := ValueOf(m.Value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWrite writes them.
func BenchmarkWrite(b *testing.B) {
	for _, g := range Generations {
		b.Run(g.Name, func(b *testing.B) {
			w := NewWriter(g, Serializer{})
			m := put(g, "key", "a value of some length, as values are")
			b.ReportAllocs()
			for range b.N {
				if _, err := w.Encode(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

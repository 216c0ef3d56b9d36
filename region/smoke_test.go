package region

import (
	"fmt"
	"testing"

	"lateral/cache"
)

func BenchmarkGet(b *testing.B) {
	r, _ := New(Settings{Name: "x", MaxObjects: 1 << 21, Policy: "lru", Attr: cache.DefaultAttributes}, &cache.Clock{Node: 1}, nil)
	keys := make([]string, 1<<16)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%08d", i)
		r.Apply(1000, cache.Command{Op: cache.Put, Key: keys[i], Value: cache.Value{Bytes: fmt.Sprintf("%100d", i)}})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if _, ok := r.Get(2000, keys[i&(1<<16-1)]); !ok {
			b.Fatal(i)
		}
	}
}
func BenchmarkPut(b *testing.B) {
	r, _ := New(Settings{Name: "x", MaxObjects: 1 << 16, Policy: "lru", Attr: cache.DefaultAttributes}, &cache.Clock{Node: 1}, nil)
	keys := make([]string, 1<<17)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%08d", i)
	}
	v := fmt.Sprintf("%100d", 1)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		r.Apply(1000+int64(i)/1000, cache.Command{Op: cache.Put, Key: keys[i&(1<<17-1)], Value: cache.Value{Bytes: v}})
	}
}

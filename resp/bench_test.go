// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkPipeline measures requests sixteen at a time, by one client.
func BenchmarkPipeline(b *testing.B) {
	s := newSite(b, 1)
	value := strings.Repeat("v", 100)
	for _, db := range []string{"0", "2"} {
		for _, cmd := range []string{"SET", "GET", "INCR"} {
			b.Run(map[string]string{"0": "local", "2": "replicated"}[db]+"/"+cmd, func(b *testing.B) {
				c := s.client(0, db)
				var batches []string
				for i := range 100000 / 16 {
					var in strings.Builder
					for j := range 16 {
						key := fmt.Sprintf("%.3s:%012d", map[bool]string{true: "num", false: "key"}[cmd == "INCR"], (i*16+j)*7919%100000)
						switch cmd {
						case "SET":
							fmt.Fprintf(&in, "*3\r\n$3\r\nSET\r\n$16\r\n%s\r\n$100\r\n%s\r\n", key, value)
						default:
							fmt.Fprintf(&in, "*2\r\n$%d\r\n%s\r\n$16\r\n%s\r\n", len(cmd), cmd, key)
						}
					}
					batches = append(batches, in.String())
				}
				c.do("DEL", "none")
				size := map[string]int{"SET": len("+OK\r\n"), "GET": len("$100\r\n\r\n") + 100}[cmd]
				b.ReportAllocs()
				b.ResetTimer()
				buf := make([]byte, 4096)
				for i := 0; b.Loop(); i++ {
					io.WriteString(c, batches[i%len(batches)])
					if size == 0 {
						for range 16 {
							c.answer()
						}
						continue
					}
					if _, err := io.ReadFull(c.r, buf[:16*size]); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/16, "ns/request")
			})
		}
	}
}

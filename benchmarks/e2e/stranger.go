// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"

	"lateral/mesh"
)

// link opens a link to a node as its peer would, asks for its log, and then
// reads nothing: what a put costs the writer is measured without the work of
// fifty readers on the same two cores.
func link(addr string, n int) net.Conn {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	id := fmt.Sprintf("%016x", 0xf000+n)
	hello, _ := json.Marshal(map[string]any{"version": mesh.Version, "cluster": *cluster, "id": id, "node": id, "host": "bench",
		"service": fmt.Sprintf("reader%02d", n), "endpoint": "LTCP", "pid": 1, "receive": true, "dial": 1, "regions": []any{}})
	frame := func(t byte, p []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{t}, uint32(len(p))), p...)
	}
	b := append([]byte(mesh.Magic), frame(1, hello)...)
	c.Write(append(b, frame(2, make([]byte, 9))...)) // resume: never met, nothing read
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		log.Fatalf("no hello from the node: %v", err)
	}
	return c
}

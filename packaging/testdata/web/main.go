// SPDX-License-Identifier: Apache-2.0

// Command web stands for the application of compose.yaml, and for what holds a pod's network: it waits, or
// sends one line to where REDIS_URL says and prints what is answered.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) == 1 {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		return
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(os.Getenv("REDIS_URL"), "redis://"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(c, "%s\r\nQUIT\r\n", os.Args[1])
	io.Copy(os.Stdout, c)
}

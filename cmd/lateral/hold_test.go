// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// hold takes a port that nobody is to share.
func hold(network, addr string) (io.Closer, error) {
	if strings.HasPrefix(network, "tcp") {
		return net.Listen(network, addr)
	}
	return net.ListenPacket(network, addr)
}

// holdPort is a program that has a port for itself: hold tcp4 :57462.
func holdPort() {
	fd, err := hold(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer fd.Close()
	fmt.Println("held")
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	<-c
}

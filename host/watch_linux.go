// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// watched are the rtnetlink groups whose news may change where a group's
// packets go: links, addresses and routes (linux/rtnetlink.h, RTNLGRP_…).
const watched = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
	unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE

// Watch calls fire whenever an interface, an address or a route has changed,
// until ctx ends; then it returns nil. News that arrive together are one call,
// and so are news lost because they came too fast: fire looks for itself what
// is different. It is called on Watch's own goroutine.
func Watch(ctx context.Context, fire func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("host: watch: %w", err)
	}
	f := os.NewFile(uintptr(fd), "rtnetlink")
	defer f.Close()
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: watched}); err != nil {
		return fmt.Errorf("host: watch: %w", err)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("host: watch: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { f.Close() })
	defer stop()
	for {
		if err := drain(raw.Read); ctx.Err() != nil {
			return nil
		} else if err != nil {
			return fmt.Errorf("host: watch: %w", err)
		}
		fire()
	}
}

// drain blocks until there is news and takes all there is. Its content does
// not matter, so a datagram cut off at the end of buf is as good.
func drain(read func(func(fd uintptr) bool) error) error {
	var failed error
	buf := make([]byte, 512)
	err := read(func(fd uintptr) bool {
		for some := false; ; some = true {
			_, err := unix.Read(int(fd), buf)
			switch {
			case errors.Is(err, unix.EAGAIN):
				return some
			case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOBUFS): // ENOBUFS: news were lost, which is news
			case err != nil:
				failed = err
				return true
			}
		}
	})
	return errors.Join(err, failed)
}

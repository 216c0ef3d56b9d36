// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"lateral"
	"lateral/internal/lab"
	"lateral/web"
)

// clockOff makes the test binary a service whose wall clock is off by that
// much: the kernel gives no process a wall clock of its own, and lateral run
// has no setting for it. SIGUSR1 turns the sign.
const clockOff = "LATERAL_ACCEPTANCE_CLOCK"

// startShifted starts such a service on a host.
func (f *faults) startShifted(h *lab.Host, off time.Duration) (*lab.Proc, error) {
	cmd := exec.Command(os.Args[0], faultService, f.runtimeDir(h), f.config(h))
	cmd.Env = append(os.Environ(), clockOff+"="+off.String())
	return h.StartCmd(cmd)
}

// shifted is main of that service; it ends when it is killed.
func shifted() int {
	if err := serveShifted(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1
}

func serveShifted(service, dir, file string) error {
	d, err := time.ParseDuration(os.Getenv(clockOff))
	if err != nil {
		return err
	}
	var off atomic.Int64
	off.Store(int64(d))
	turn := make(chan os.Signal, 1)
	signal.Notify(turn, syscall.SIGUSR1)
	go func() {
		for range turn {
			off.Store(-off.Load())
		}
	}()
	ln, err := web.Listen(dir, service)
	if err != nil {
		return err
	}
	n, err := lateral.Open(context.Background(), lateral.Config{Service: service, Files: []string{file},
		Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) }})
	if err != nil {
		return err
	}
	return (&web.Front{Do: n.Do, Status: n.Status, Attributes: n.Attributes, Verify: n.Verify, Explain: n.Explain}).Serve(context.Background(), ln, slog.Default())
}

// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestEngine has Docker's engine build the image and docker-compose run
// compose.yaml, in namespaces of their own.
func TestEngine(t *testing.T) {
	if os.Getenv("LATERAL_ENGINE") != "1" || os.Getuid() != 0 {
		lab.Missing(t, "engine", "needs LATERAL_ENGINE=1 and root, and starts a dockerd")
	}
	for _, tool := range []string{"dockerd", "containerd", "runc", "docker", "docker-compose", "iptables"} {
		if _, err := exec.LookPath(tool); err != nil {
			lab.Missing(t, "engine", "needs "+tool+", of Debian's docker.io and docker-compose, which may be unpacked and in the PATH")
		}
	}
	dist, _ := versions(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	group := cgroup(t)
	c := exec.CommandContext(ctx, "unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
		"sh", "testdata/engine.sh", t.TempDir(), dist)
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	c.WaitDelay = 10 * time.Second
	out, err := c.CombinedOutput()
	for _, want := range []string{
		"mesh complete: 1 of 1 links, 2 nodes", "the other has anna", "healthy", "killed by the kernel, and back with anna", "killed by hand, and up with anna",
		"a new image of web, and there is anna and anna", "a new image of Lateral, and there is anna and anna", "stopped 0",
		"the engine again: mesh complete: 1 of 1 links, 2 nodes", "end"} {
		if !strings.Contains(string(out), "## "+want+"\n") {
			t.Errorf("not seen: %s", want)
		}
	}
	if err != nil || t.Failed() {
		t.Fatalf("%v\n%s", err, out)
	}
}

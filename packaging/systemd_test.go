// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lateral/internal/lab"
)

// cgroup is a new control group of version 2, in which a systemd may make its
// own, and which is removed with all that is in it.
func cgroup(t *testing.T) *os.File {
	t.Helper()
	dir := ""
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(root + "/cgroup.procs"); err != nil {
			continue
		}
		var err error
		if dir, err = os.MkdirTemp(root, "lateral-test-"); err != nil {
			lab.Missing(t, "systemd", "needs a control group of its own: "+err.Error())
		}
	}
	if dir == "" {
		lab.Missing(t, "systemd", "needs control groups of version 2 below /sys/fs/cgroup")
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		_ = os.WriteFile(dir+"/cgroup.kill", []byte("1"), 0)
		lab.Eventually(t, 20*time.Second, func() error { return unplant(dir) })
	})
	return f
}

// unplant removes a tree of control groups, in which directories alone can be
// removed.
func unplant(dir string) error {
	inner, err := os.ReadDir(dir)
	for _, d := range inner {
		if d.IsDir() {
			err = errors.Join(err, unplant(filepath.Join(dir, d.Name())))
		}
	}
	return errors.Join(err, unix.Rmdir(dir))
}

// TestSystemd boots a systemd as process 1, above this machine's files, and
// does with the package and its unit what operators do. It is the one test in
// which the unit's own words are obeyed by whom they are for.
func TestSystemd(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		lab.Missing(t, "root", "needs root")
	}
	for _, file := range []string{"/lib/systemd/systemd", "/usr/bin/networkctl", "/usr/bin/dbus-daemon", "/usr/bin/dpkg", "/usr/bin/nsenter"} {
		if _, err := os.Stat(file); err != nil {
			lab.Missing(t, "systemd", "needs "+file+", of Debian's systemd, dbus and util-linux")
		}
	}
	old, next := versions(t)
	out := boot(t, "systemd.sh", filepath.Join(old, "lateral_1.0.0_amd64.deb"), filepath.Join(next, "lateral_1.1.0_amd64.deb"))
	for _, want := range []string{
		"boots systemd ", "user lateral:/:/usr/sbin/nologin", "knows lateral@.service disabled enabled", "without files: inactive, no",
		"fails: 2, do chown ", "is active running, enabled enabled", "kept by networkd: 224.0.0.0/8 dev eth0 proto static scope link  for ip route add 224.0.0.0/8 dev eth0",
		`linked "complete":true`, "down, do networkctl up eth0", `up, and "check":"multicast-route","severity":"ok"`,
		"doctor sees 0 failures, keygen 1", "runs as lateral CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2", "its state can be written to, lateral 700", "the other host has v",
		"warnings: some, 0 that are none, 0 with a number", "killed, and back with v", "watched, and left alone", "stuck, and started again",
		"upgraded 1.1.0, runs 1.0.0", "restarted 1.1.0", "stopped success 0 and the other one active, sockets a.sock a.view", "goodbye",
		"broken: 1", "removed, and inactive, cache.ccf is kept", "end",
	} {
		if !strings.Contains(out, "## "+want) {
			t.Errorf("not seen: %s", want)
		}
	}
	for _, not := range []string{"r can be written to", "c can be written to", "b can be written to", "networkd did not configure it", "started with a broken file"} {
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "## ") && strings.Contains(line, not) {
				t.Errorf("seen: %s", line)
			}
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// boot runs a script of testdata under a systemd of its own, and returns what it printed.
func boot(t *testing.T, script string, packages ...string) string {
	t.Helper()
	group := cgroup(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	c := exec.CommandContext(ctx, "unshare", append([]string{"--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "--propagation", "private",
		"sh", "testdata/boot.sh", dir, "testdata/" + script}, packages...)...)
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	c.WaitDelay = 10 * time.Second
	said, err := c.CombinedOutput()
	if bytes.Contains(said, []byte("mount:")) || errors.Is(err, unix.EPERM) {
		lab.Missing(t, "systemd", "needs mounts and namespaces that are not to be had here: "+string(said))
	}
	text, e := os.ReadFile(dir + "/out/log")
	if err != nil || e != nil {
		t.Fatalf("%v, %v\n%s\n%s", err, e, said, text)
	}
	return string(text)
}

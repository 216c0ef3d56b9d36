// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/internal/lab"
)

// packed builds packages of a version into a directory of their own.
func packed(t *testing.T, version, formats string, when time.Time) string {
	t.Helper()
	return packedIn(t, t.TempDir(), version, formats, when)
}

func packedIn(t *testing.T, dir, version, formats string, when time.Time) string {
	t.Helper()
	j := job{version: version, commit: "0123abc", when: when, out: dir}
	if err := j.build(t.Context(), "amd64", strings.Split(formats, ",")); err != nil {
		t.Fatal(err)
	}
	return j.out
}

// TestSameBytes: what is built again, from files with other times, is the same.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("short: builds the program twice")
	}
	when := time.Unix(1_795_000_000, 0)
	one, _ := versions(t)
	now := time.Now()
	if err := os.Chtimes("postinst", now, now); err != nil {
		t.Fatal(err)
	}
	two := packed(t, "1.0.0", "deb,rpm", when)
	for _, name := range []string{"lateral-linux-amd64", "lateral_1.0.0_amd64.deb", "lateral-1.0.0-1.x86_64.rpm"} {
		a, err := os.ReadFile(filepath.Join(one, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(two, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs: %d and %d bytes", name, len(a), len(b))
		}
		if wd, err := os.Getwd(); err == nil && bytes.Contains(a, []byte(filepath.Dir(wd))) {
			t.Errorf("%s names the directory it was built in", name)
		}
	}
	out, err := exec.Command(filepath.Join(one, "lateral-linux-amd64"), "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "lateral 1.0.0 (commit 0123abc, go1.") {
		t.Errorf("version: %q, %v", out, err)
	}
}

func TestVersions(t *testing.T) {
	for version, good := range map[string]bool{"1.2.3": true, "0.1.0~dev20261127": true, "": false, "v1": false, "1 2": false, "1'; x": false} {
		if versionForm.MatchString(version) != good {
			t.Errorf("%q: %v", version, !good)
		}
	}
}

// TestInstall installs, starts, upgrades and removes the .deb with the real
// dpkg, above the machine's own files, which stay as they are.
func TestInstall(t *testing.T) {
	t.Parallel()
	old, new := versions(t)
	inOverlay(t, "deb.sh", []string{"dpkg", "setpriv"}, []string{filepath.Join(old, "lateral_1.0.0_amd64.deb"), filepath.Join(new, "lateral_1.1.0_amd64.deb")}, []string{
		"## installed lateral 1.0.0 (commit 0123abc,", "## user lateral:/:/usr/sbin/nologin", "## etc 750 root lateral",
		"## runs as lateral with capabilities 0000000000000000", "## got v", "## upgraded lateral 1.1.0 (", "## still v", "## old one ended 0",
		"## restarted 1.1.0", "## new one ended 0", "## reloaded", "## removed 0 files left", "## kept cache.ccf", "## purged, and kept cache.ccf",
	})
}

// TestInstallRPM does the same with the .rpm, as far as there is a machine for it.
func TestInstallRPM(t *testing.T) {
	t.Parallel()
	old, new := versions(t)
	inOverlay(t, "rpm.sh", []string{"rpm"}, []string{filepath.Join(old, "lateral-1.0.0-1.x86_64.rpm"), filepath.Join(new, "lateral-1.1.0-1.x86_64.rpm")}, []string{
		"## installed lateral 1.0.0 (commit 0123abc,", "## user lateral:/:/usr/sbin/nologin", "## etc 750 root lateral", "## unit 644 root", "## page 2026-11-18",
		"## verified 0 differences", "## upgraded lateral 1.1.0 (", "## removed 0 files left", "## kept cache.ccf",
	})
}

// versions are the packages of two versions, which are made once.
func versions(t *testing.T) (old, new string) {
	t.Helper()
	made.Do(func() {
		when := time.Unix(1_795_000_000, 0)
		made.old, made.new = packedIn(t, made.dir+"/old", "1.0.0", "deb,rpm", when), packedIn(t, made.dir+"/new", "1.1.0", "deb,rpm", when)
	})
	if made.new == "" {
		t.Fatal("the packages could not be made")
	}
	return made.old, made.new
}

var made struct {
	sync.Once
	dir, old, new string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lateral-packages-")
	if err != nil {
		panic(err)
	}
	made.dir = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// inOverlay runs a script of testdata on packages, and wants it to say things.
func inOverlay(t *testing.T, script string, tools, packages, wants []string) {
	t.Helper()
	if os.Getuid() != 0 {
		lab.Missing(t, "root", "needs root")
	}
	for _, tool := range append(tools, "unshare", "ip") {
		if _, err := exec.LookPath(tool); err != nil {
			lab.Missing(t, "root", "needs "+tool)
		}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append([]string{"--mount", "--net", "--pid", "--uts", "--fork", "--kill-child", "--propagation", "private",
		"sh", "testdata/overlay.sh", t.TempDir(), "testdata/" + script}, packages...)...)
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("mount:")) {
		lab.Missing(t, "root", "needs an overlay of files, which cannot be mounted here: "+string(out))
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range wants {
		if !strings.Contains(string(out), want) {
			t.Errorf("not seen: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// worst is what `systemd-analyze security` may say of the unit: 0 is closed,
// 10 open. What is left is that it uses the network.
const worst = 1.6

// TestUnit has systemd judge the unit.
func TestUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		lab.Missing(t, "systemd", "needs systemd-analyze")
	}
	text, err := os.ReadFile("lateral@.service")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unit := filepath.Join(dir, "lateral@groupware.service")
	// verify wants the program to be there.
	text = bytes.ReplaceAll(text, []byte("/usr/bin/lateral"), []byte("/bin/true"))
	if err := os.WriteFile(unit, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, _ := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unit).CombinedOutput()
	m := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		lab.Missing(t, "systemd", "needs systemd-analyze security --offline, which said: "+string(out))
	}
	if score, err := strconv.ParseFloat(string(m[1]), 64); err != nil || score > worst {
		t.Errorf("exposure %s, want %v at most\n%s", m[1], worst, out)
	}
	for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(fmt.Sprint(regexp.MustCompile(`(?m)^ExecStart=.*`).FindString(string(text))), -1) {
		if !strings.Contains(runHelp(t), flag) {
			t.Errorf("lateral run has no %s", flag)
		}
	}
}

var help string

// runHelp is what lateral run --help prints.
func runHelp(t *testing.T) string {
	if help == "" {
		out, err := exec.Command("go", "run", "lateral/cmd/lateral", "run", "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		help = string(out)
	}
	return help
}

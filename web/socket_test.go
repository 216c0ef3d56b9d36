// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func listen(t *testing.T, dir, service string) net.Listener {
	t.Helper()
	ln, err := Listen(dir, service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// dead leaves the socket of a process that died.
func dead(t *testing.T, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
}

func TestListenPrivate(t *testing.T) {
	dir := runtimeDir(t)
	ln := listen(t, dir, "groupware")
	path := filepath.Join(dir, "groupware.sock")
	if ln.Addr().String() != path {
		t.Errorf("the socket says that it is at %s", ln.Addr())
	}
	for p, want := range map[string]os.FileMode{dir: 0o700, path: 0o600} {
		st, err := os.Stat(p)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", p, st.Mode().Perm(), err, want)
		}
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 1 {
		t.Errorf("beside the socket there are %v", left)
	}
	ln.Close()
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket outlives its listener")
	}
}

func TestListenRefusesSecond(t *testing.T) {
	dir := runtimeDir(t)
	listen(t, dir, "groupware")
	_, err := Listen(dir, "groupware")
	var f *Failure
	if !errors.Is(err, ErrRunning) || !errors.As(err, &f) || !strings.Contains(f.Saw, fmt.Sprint(os.Getpid())) || f.Do == "" {
		t.Fatalf("a second service of the name: %v", err)
	}
	listen(t, dir, "admindaemon")
}

func TestListenReplacesDead(t *testing.T) {
	dir := runtimeDir(t)
	if err := makeDir(dir); err != nil {
		t.Fatal(err)
	}
	dead(t, filepath.Join(dir, "groupware.sock"))
	listen(t, dir, "groupware")
	if cs, err := Discover(dir); err != nil || len(cs) != 1 {
		t.Errorf("%v, %v", cs, err)
	}
}

// TestListenRace starts one service many times at once: one runs.
func TestListenRace(t *testing.T) {
	dir := runtimeDir(t)
	if err := makeDir(dir); err != nil {
		t.Fatal(err)
	}
	dead(t, filepath.Join(dir, "groupware.sock"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []net.Listener
	for range 20 {
		wg.Go(func() {
			ln, err := Listen(dir, "groupware")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, ln)
			} else if !errors.Is(err, ErrRunning) {
				t.Error(err)
			}
		})
		wg.Go(func() { Discover(dir) }) // which buries the dead one, and only that
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d services of one name", len(won))
	}
	if cs, err := Discover(dir); err != nil || len(cs) != 1 {
		t.Errorf("found %v, %v", cs, err)
	}
	for _, ln := range won {
		ln.Close()
	}
}

// TestLockedDirectory has whoever waits for the directory look again: what was
// dead before may be alive.
func TestLockedDirectory(t *testing.T) {
	dir := runtimeDir(t)
	if err := makeDir(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "groupware.sock")
	for range 50 {
		dead(t, path)
		unlock, err := lockDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		second, buried := make(chan error, 1), make(chan struct{})
		go func() {
			ln, err := Listen(dir, "groupware")
			if err == nil {
				ln.Close()
			}
			second <- err
		}()
		go func() { bury(dir, path); close(buried) }()
		for range 1000 {
			runtime.Gosched() // let them come as far as they can
		}
		ln, err := bind(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		if err := <-second; !errors.Is(err, ErrRunning) {
			t.Fatalf("a second service: %v", err)
		}
		<-buried
		if _, err := knock(path); err != nil {
			t.Fatalf("a live socket was removed: %v", err)
		}
		ln.Close()
	}
}

func TestListenRefusesNames(t *testing.T) {
	dir := runtimeDir(t)
	for _, name := range []string{"", ".", "..", ".hidden", "a/b", "a b", "ä", "a\x00", "-x", strings.Repeat("a", 65)} {
		if _, err := Listen(dir, name); err == nil || !strings.Contains(err.Error(), "service name") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := Listen(filepath.Join(dir, strings.Repeat("d", 80)), "groupware"); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a long path: %v", err)
	}
}

func TestUntrustedDirectory(t *testing.T) {
	dir := runtimeDir(t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, "groupware"); err == nil || !strings.Contains(err.Error(), "written by others") {
		t.Errorf("Listen: %v", err)
	}
	if _, err := Discover(dir); err == nil || !strings.Contains(err.Error(), "written by others") {
		t.Errorf("Discover: %v", err)
	}
	file := filepath.Join(filepath.Dir(dir), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, "groupware"); err == nil {
		t.Error("a file as directory")
	}
}

func TestDiscover(t *testing.T) {
	dir := runtimeDir(t) + "[x]*"
	if cs, err := Discover(dir); err != nil || len(cs) != 0 {
		t.Errorf("no directory: %v, %v", cs, err)
	}
	listen(t, dir, "groupware")
	listen(t, dir, "admindaemon")
	dead(t, filepath.Join(dir, "gone.sock"))
	if err := os.WriteFile(filepath.Join(dir, "note.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cs, err := Discover(dir)
	if err != nil || len(cs) != 2 || cs[0].Service != "admindaemon" || cs[1].Service != "groupware" {
		t.Fatalf("%v, %v", cs, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "gone.sock")); err == nil {
		t.Error("the dead socket is still there")
	}
}

func TestRuntimeDir(t *testing.T) {
	t.Setenv("LATERAL_RUNTIME_DIR", "/l")
	t.Setenv("XDG_RUNTIME_DIR", "/x")
	mine := "/x/lateral"
	if os.Getuid() == 0 { // who logs in by ssh has one, too, and units have none
		mine = SystemDir
	}
	for _, c := range []struct{ asked, env, xdg, want string }{
		{"/asked", "/l", "/x", "/asked"}, {"", "/l", "/x", "/l"}, {"", "", "/x", mine},
	} {
		t.Setenv("LATERAL_RUNTIME_DIR", c.env)
		t.Setenv("XDG_RUNTIME_DIR", c.xdg)
		if got := RuntimeDir(c.asked); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	if got, want := RuntimeDir(""), SystemDir; os.Getuid() == 0 && got != want {
		t.Errorf("root: %s", got)
	}
}

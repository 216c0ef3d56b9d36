// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A space is a thread with namespaces of its own: network, mounts, hostname.
// They last as long as the thread and the processes it forked.
type space struct {
	tid  int
	work chan func()
	done chan struct{}
}

// newSpace starts the thread; close ends it.
func newSpace() (*space, error) {
	s := &space{work: make(chan func()), done: make(chan struct{})}
	ready := make(chan error)
	go s.run(ready)
	if err := <-ready; err != nil {
		<-s.done
		return nil, err
	}
	return s, nil
}

func (s *space) run(ready chan<- error) {
	// Never unlocked: the runtime ends the thread with the goroutine, and
	// starts no other thread from it.
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The first thread stands for the process in /proc/self: it must stay
		// where it is. While this one holds it, another goroutine gets another.
		held := make(chan struct{})
		go func() {
			defer close(held)
			s.run(ready)
		}()
		<-held
		runtime.UnlockOSThread()
		return
	}
	defer close(s.done)
	s.tid = unix.Gettid()
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		ready <- fmt.Errorf("unshare network, mounts and hostname: %w", err)
		return
	}
	// Else mounts made here would show on the machine too.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		ready <- fmt.Errorf("make mounts private: %w", err)
		return
	}
	ready <- nil
	for f := range s.work {
		f()
	}
}

// do runs f on the thread.
func (s *space) do(f func()) {
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

func (s *space) doErr(f func() error) (err error) {
	s.do(func() { err = f() })
	return err
}

// path names one of the namespaces, e.g. "net".
func (s *space) path(ns string) string {
	return fmt.Sprintf("/proc/%d/task/%d/ns/%s", os.Getpid(), s.tid, ns)
}

// killRest kills every process in the namespace: those that were started here
// and what they started in turn. Nobody else can be in it.
func (s *space) killRest() {
	own, err := os.Readlink(s.path("net"))
	if err != nil {
		return
	}
	links, _ := filepath.Glob("/proc/[0-9]*/ns/net") // the pattern is right
	for _, l := range links {
		// Of this process it is the network of its first thread: another.
		if ns, err := os.Readlink(l); err != nil || ns != own {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(l, "/")[2]); err == nil {
			_ = unix.Kill(pid, unix.SIGKILL) // it may just have ended
		}
	}
}

func (s *space) close() {
	close(s.work)
	<-s.done
}

// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loops serve connections of the kernel by a few goroutines, as Redis does by
// one thread. A goroutine for each connection costs twice the CPU where clients
// send one request and wait for its answer: it is parked and woken, and reads
// once in vain, for every request (decision 102).
//
// What takes its time (a peer's answer, a client that does not read, a large
// scan) would keep the others of a loop waiting. So the goroutine that comes to it
// stays with that client, for the rest of the connection, and another carries on
// with the loop: leader and followers (Schmidt et al. 2000), without return.
type loops struct {
	f    *Front
	once sync.Once
	all  []*loop
	wg   sync.WaitGroup // of the goroutines of loops and of those who stayed with a client

	mu    sync.Mutex // guards what follows, and clients of every loop
	next  int
	ended bool
}

// A loop is an epoll instance and who is watched by it. One goroutine at a
// time has it.
type loop struct {
	of      *loops
	file    *os.File // the instance, watched by Go's own poller: who waits for it holds no thread
	raw     syscall.RawConn
	ep      int
	clients map[int]*client // by descriptor

	events [maxBatch]unix.EpollEvent
	at, n  int // those to come: events[at:n]
	busy   int // polls so far

	gathered gathered
}

func (ls *loops) init(f *Front) { ls.f = f }

// open makes the loops when the first connection comes. Where there can be
// none, every connection has its goroutine.
func (ls *loops) open() {
	for range (runtime.GOMAXPROCS(0) + 1) / 2 {
		l, err := newLoop(ls)
		if err != nil {
			ls.f.c.Logger.Warn("RESP clients are served by a goroutine each", "error", err)
			break
		}
		ls.all = append(ls.all, l)
		ls.wg.Go(l.run)
	}
}

func newLoop(of *loops) (*loop, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(ep, true); err != nil {
		unix.Close(ep)
		return nil, os.NewSyscallError("fcntl", err)
	}
	l := &loop{of: of, file: os.NewFile(uintptr(ep), "epoll"), ep: ep, clients: map[int]*client{}}
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.file.Close()
		return nil, err
	}
	return l, nil
}

// add gives a client to a loop. It returns false if it is to have a goroutine.
func (ls *loops) add(c *client) bool {
	if c.sock == nil {
		return false
	}
	ls.once.Do(ls.open)
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.ended || len(ls.all) == 0 {
		return false
	}
	l := ls.all[ls.next%len(ls.all)]
	ls.next++
	l.clients[c.sock.fd] = c
	err := unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, c.sock.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.sock.fd)})
	if err != nil {
		delete(l.clients, c.sock.fd)
	}
	return err == nil
}

// close ends the loops, whose clients have been closed or are now, and waits
// for all who serve them.
func (ls *loops) close() {
	ls.mu.Lock()
	ls.ended = true
	ls.mu.Unlock()
	ls.once.Do(func() {}) // none is opened any more
	for _, l := range ls.all {
		l.file.Close()
	}
	ls.wg.Wait()
}

// busyPolls is how often in turn somebody may have something to read before
// others get the processor: those who send to peers what was written.
const busyPolls = 16

// run serves whoever has something to read.
func (l *loop) run() {
	for {
		for l.at < l.n {
			fd := int(l.events[l.at].Fd)
			l.at++
			if c := l.client(fd); c != nil && !l.turn(c) {
				return
			}
		}
		l.tellInTime()
		if l.busy++; l.busy%busyPolls == 0 {
			runtime.Gosched()
		}
		l.at, l.n = 0, 0
		switch err := l.raw.Read(l.poll); {
		case errors.Is(err, os.ErrDeadlineExceeded): // of gathering
		case err != nil:
			l.end()
			return
		}
	}
}

// poll asks who can be read; false: nobody yet.
func (l *loop) poll(uintptr) bool {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.ep), uintptr(unsafe.Pointer(&l.events)), maxBatch, 0, 0, 0)
	if err != 0 {
		return err != unix.EINTR
	}
	l.n = int(n)
	return n > 0
}

func (l *loop) client(fd int) *client {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	return l.clients[fd]
}

// turn reads what a client has sent and answers it. It returns false if
// another has the loop by then.
func (l *loop) turn(c *client) bool {
	switch err := c.in.Fill((*quick)(c.sock)); err {
	case nil:
	case errNotYet:
		return true
	default:
		l.leave(c)
		return true
	}
	if c.mu.TryLock() {
		c.loop = l
	} else { // what was pushed waits for its reader
		l.pass(c)
		c.mu.Lock()
	}
	ok := c.turn()
	leads := c.loop == l
	c.loop = nil
	c.mu.Unlock()
	switch {
	case leads && !ok:
		l.leave(c)
	case !leads && ok:
		c.converse()
		fallthrough
	case !leads:
		c.end()
		l.of.f.leave(c)
	}
	return leads
}

// pass has another goroutine carry on with the loop. The caller's stays with
// the client.
func (l *loop) pass(c *client) {
	l.tell()
	l.drop(c)
	l.of.wg.Go(l.run)
}

// drop watches a client no longer.
func (l *loop) drop(c *client) {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	delete(l.clients, c.sock.fd)
	unix.EpollCtl(l.ep, unix.EPOLL_CTL_DEL, c.sock.fd, nil) // fails if the instance is closed
}

func (l *loop) leave(c *client) {
	l.drop(c)
	c.end()
	l.of.f.leave(c)
}

// end takes leave of all clients.
func (l *loop) end() {
	l.tell()
	l.of.mu.Lock()
	l.of.ended = true // no others come
	all := make([]*client, 0, len(l.clients))
	for _, c := range l.clients {
		all = append(all, c)
	}
	l.of.mu.Unlock()
	for _, c := range all {
		l.leave(c)
	}
}

func (ls *loops) watched() (clients, all int) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.all {
		clients += len(l.clients)
	}
	return clients, len(ls.all)
}

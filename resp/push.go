// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"sync"

	"lateral/resp/wire"
)

// pushes are what a client is sent without having asked: messages and
// invalidations. Whoever adds one does not wait; a client that does not read
// them is cut off when PushLimit bytes wait for it.
type pushes struct {
	c    *client
	wake chan struct{}
	done chan struct{} // closed when the writer has ended; nil: it was never started

	mu    sync.Mutex // guards what follows; nothing else is locked under it
	queue wire.Writer
	ended bool
}

func (p *pushes) init(c *client) { p.c, p.wake = c, make(chan struct{}, 1) }

// protocol has what is added from now on written in the client's protocol.
func (p *pushes) protocol(three bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.Three = three
}

func (p *pushes) three() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.Three
}

// add queues what f writes.
func (p *pushes) add(f func(w *wire.Writer)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if f(&p.queue); len(p.queue.B) > p.c.f.c.PushLimit {
		p.ended, p.queue.B = true, nil
		p.c.f.count.slow.Add(1)
		p.c.f.c.Logger.Info("a RESP client reads its messages too slowly", "client", p.c.addr(), "waiting", p.c.f.c.PushLimit)
		p.c.conn.Close()
	}
	if p.done == nil {
		p.done = make(chan struct{})
		go p.write(p.done)
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// write sends what is queued while no request is being answered.
func (p *pushes) write(done chan struct{}) {
	defer close(done)
	for range p.wake {
		p.c.mu.Lock()
		ok := p.send()
		p.c.mu.Unlock()
		if !ok {
			return
		}
	}
}

func (p *pushes) send() bool {
	p.mu.Lock()
	b, ended := p.queue.B, p.ended
	p.queue.B = nil
	p.mu.Unlock()
	if len(b) > 0 && p.c.write(b) != nil {
		p.c.conn.Close() // wakes the reader
		return false
	}
	return !ended
}

// close ends the writer and waits for it. The connection is closed by then.
func (p *pushes) close() {
	p.mu.Lock()
	p.ended = true
	done := p.done
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	if done != nil {
		<-done
	}
}

// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Ring holds the secrets that are valid, the first one to send with, and
// what is made of them. Its methods may be called by many goroutines.
type Ring struct {
	user User
	path string // "" if it came from no file
	now  func() time.Time
	keys atomic.Pointer[keys]

	heard heard

	mu    sync.Mutex         // guards what follows
	stamp stamp              // of the file when it was read
	links map[*conn]struct{} // to be closed when their secret is gone
}

// keys are the secrets of a ring and what is made of each, in their order.
type keys struct {
	secrets     []Secret
	seals       []seal
	authorities []*authority
}

// A stamp tells one state of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

func stampOf(path string) (s stamp) {
	if st, err := os.Stat(path); err == nil {
		s = stamp{st.ModTime(), st.Size()}
	}
	return s
}

// NewRing returns a ring of secrets that need no file; there is at least one.
// now is the wall clock, nil time.Now.
func NewRing(now func() time.Time, list ...Secret) *Ring {
	if now == nil {
		now = time.Now
	}
	r := &Ring{now: now, links: map[*conn]struct{}{}}
	r.set(list)
	return r
}

// OpenRing reads a file of secrets.
func OpenRing(path string, now func() time.Time) (*Ring, error) { return Me().OpenRing(path, now) }

// OpenRing is OpenRing in the user's place.
func (u User) OpenRing(path string, now func() time.Time) (*Ring, error) {
	at := stampOf(path)
	list, err := u.Read(path)
	if err != nil {
		return nil, err
	}
	r := NewRing(now, list...)
	r.user, r.path, r.stamp = u, path, at
	return r, nil
}

func (r *Ring) set(list []Secret) {
	k := &keys{secrets: list}
	old := r.keys.Load()
	for _, s := range list {
		k.seals = append(k.seals, newSeal(s))
		a := newAuthority(s)
		if old != nil { // certificates in use stay
			if i := slices.Index(old.secrets, s); i >= 0 {
				a = old.authorities[i]
			}
		}
		k.authorities = append(k.authorities, a)
	}
	r.keys.Store(k)
}

// Fingerprints of the secrets, the one that sends first.
func (r *Ring) Fingerprints() (out []string) {
	for _, s := range r.keys.Load().secrets {
		out = append(out, s.Fingerprint())
	}
	return out
}

// Reload reads the file again. After an error everything stays as it was.
// Links that were proven by a secret that is gone are closed: both ends dial
// anew.
func (r *Ring) Reload() (changed bool, err error) {
	if r.path == "" {
		return false, nil
	}
	at := stampOf(r.path)
	list, err := r.user.Read(r.path)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stamp = at
	if err != nil || slices.Equal(list, r.keys.Load().secrets) {
		return false, err
	}
	r.set(list)
	r.closeForeignLocked()
	return true, nil
}

// lookEvery is how often files are looked at for a change.
const lookEvery = 2 * time.Second

// Run reads the file again whenever it changes, until ctx ends.
func (r *Ring) Run(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		r.mu.Lock()
		same := stampOf(r.path) == r.stamp
		r.mu.Unlock()
		if same || r.path == "" {
			continue
		}
		changed, err := r.Reload()
		switch {
		case err != nil:
			log.Error("the cluster secret is not changed: its file cannot be used; this node goes on with what it has", "error", err)
		case changed:
			log.Info("the cluster secrets have changed; the first one sends", "fingerprints", r.Fingerprints())
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"lateral"
	"lateral/cache"
)

// Defaults and limits.
const (
	DefaultIdle = 30 * time.Minute
	DefaultLife = 12 * time.Hour

	idBytes   = 32   // of randomness
	maxCookie = 1024 // bytes of a cookie that is looked at: id and token have about 100
	maxTries  = 100  // writes that others came before, of one request
)

// Errors of sessions.
var (
	// ErrLate: the header of the answer has gone out, so nothing can be changed.
	ErrLate = errors.New("the answer has begun")
	// ErrBusy: others wrote the session all the time.
	ErrBusy = errors.New("the session is being written by others all the time")
)

// Config says how sessions are kept.
type Config struct {
	Region string        // name of the region; one with Acks for sessions that outlive a node
	Idle   time.Duration // a session ends after so long without a request; 0 is DefaultIdle
	Life   time.Duration // and so long after it began or was renewed; 0 is DefaultLife

	Name     string        // of the cookie; "" is __Host-session, or session where Insecure
	SameSite http.SameSite // 0 is Lax
	// Insecure lets the cookie go over connections without TLS: for development.
	Insecure bool
	// Persistent keeps the cookie when the browser closes, for Life.
	Persistent bool

	// Fail answers a request whose session could not be read or written. Errors
	// wrap those of package cache: ErrNotReplicated, ErrNotCurrent, ErrStopping.
	// nil answers 503 with Retry-After.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Sessions keeps those of one program. It may be used by many goroutines.
type Sessions struct {
	node  *lateral.Node
	store *lateral.Store
	c     Config
}

// New returns sessions in a region of a node. It writes nothing.
func New(n *lateral.Node, c Config) (*Sessions, error) {
	if c.Region == "" {
		return nil, errors.New("httpsession: Config.Region names no region: say where sessions are to be kept, as in Region: \"SessionCache\"")
	}
	st, err := n.Store(c.Region)
	if err != nil {
		return nil, err
	}
	c.Idle, c.Life, c.SameSite = cmp.Or(c.Idle, DefaultIdle), cmp.Or(c.Life, DefaultLife), cmp.Or(c.SameSite, http.SameSiteLaxMode)
	if c.Idle < 0 || c.Life < 0 {
		return nil, errors.New("httpsession: Idle or Life is negative: sessions that never end are not kept")
	}
	if c.Fail == nil {
		c.Fail = unavailable
	}
	if c.Name == "" {
		if c.Name = "__Host-session"; c.Insecure {
			c.Name = "session"
		}
	}
	return &Sessions{node: n, store: st, c: c}, nil
}

func unavailable(w http.ResponseWriter, _ *http.Request, _ error) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "the session cannot be read or kept at the moment; try again", http.StatusServiceUnavailable)
}

// newID never fails: crypto/rand ends the program where there is no randomness.
func newID() string {
	var b [idBytes]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// keyOf is what the region knows of an id.
func keyOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// cookieOf returns the id and the token that a request carries, "" if none that
// could be ours.
func (s *Sessions) cookieOf(r *http.Request) (id, token string) {
	c, err := r.Cookie(s.c.Name)
	if err != nil || len(c.Value) > maxCookie {
		return "", ""
	}
	id, token, _ = strings.Cut(c.Value, ".")
	if len(id) != base64.RawURLEncoding.EncodedLen(idBytes) {
		return "", ""
	}
	if t, err := cache.ParseToken(token); err != nil || t.UnixMilli() > s.store.Now()+time.Minute.Milliseconds() {
		token = "" // it is the browser's to write: it may ask for nothing that cannot be
	}
	return id, token
}

// setCookie hands the browser id and token; an empty id takes the cookie away.
func (s *Sessions) setCookie(w http.ResponseWriter, id, token string) {
	c := &http.Cookie{Name: s.c.Name, Value: id + "." + token, Path: "/", Secure: !s.c.Insecure, HttpOnly: true, SameSite: s.c.SameSite}
	switch {
	case id == "":
		c.Value, c.MaxAge = "", -1
	case s.c.Persistent:
		c.MaxAge = int(s.c.Life / time.Second)
	}
	http.SetCookie(w, c)
	w.Header().Add("Vary", "Cookie")
	w.Header().Add("Cache-Control", `no-cache="Set-Cookie"`)
}

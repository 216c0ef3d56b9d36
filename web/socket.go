// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// suffix of a service's socket.
const suffix = ".sock"

// viewSuffix of the one by which its dashboard may be looked at, and nothing
// changed. It is no longer than the other.
const viewSuffix = ".view"

// maxSocket bytes of a path fit into sockaddr_un (sun_path has 108 on Linux,
// 104 elsewhere, with a NUL).
const maxSocket = 103

// inTmp is as long as the name under which bind makes a socket.
const inTmp = "/.1234567890/s"

var serviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ErrRunning is wrapped by the refusal of a second service of one name.
var ErrRunning = errors.New("a service of this name is running")

// Listen opens the socket of a service in the runtime directory, which is made
// if need be. The socket can be opened by this user alone. If a service of that
// name runs already the error is a *Failure that wraps ErrRunning and names the
// pid.
func Listen(dir, service string) (net.Listener, error) {
	if !serviceName.MatchString(service) {
		return nil, fmt.Errorf("service name %.80q: it names a socket, so it has 1 to 64 letters, digits, dots, dashes and underscores, and starts with a letter or digit", service)
	}
	path := filepath.Join(dir, service+suffix)
	if n := max(len(path), len(dir)+len(inTmp)); n > maxSocket {
		return nil, fmt.Errorf("socket %s: its path is %d bytes too long for a socket; choose a shorter --runtime-dir", path, n-maxSocket)
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("runtime directory %s: %w", dir, err)
	}
	defer unlock()
	switch pid, err := knock(path); {
	case err == nil:
		return nil, failureOf(fmt.Errorf("%w: %s, pid %d, answers at %s", ErrRunning, service, pid, path))
	case !isDead(err):
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return bind(dir, path)
}

// ListenView opens the socket by which a service's dashboard may be looked at,
// beside that of Listen, which has to be held. It can be opened by this user
// alone, too.
func ListenView(dir, service string) (net.Listener, error) {
	return bind(dir, filepath.Join(dir, service+viewSuffix))
}

// bind makes the socket where nobody else looks, and moves it to its place
// when it listens: who sees it may use it.
func bind(dir, path string) (net.Listener, error) {
	tmp, err := os.MkdirTemp(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	defer os.RemoveAll(tmp)
	inside := filepath.Join(tmp, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: inside, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	ln.SetUnlinkOnClose(false)
	if err = os.Chmod(inside, 0o600); err == nil {
		err = os.Rename(inside, path)
	}
	if err != nil {
		ln.Close()
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return &socket{ln, path}, nil
}

// A socket takes its file along when it is closed.
type socket struct {
	*net.UnixListener
	path string
}

// Addr is where the socket is found.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close is that of net.Listener.
func (s *socket) Close() error {
	// The file first: until the listener is closed, a successor finds us alive.
	if err := os.Remove(s.path); errors.Is(err, fs.ErrNotExist) {
		s.UnixListener.Close()
		return nil
	}
	return s.UnixListener.Close()
}

// knock connects to a socket and returns the pid behind it, 0 if the system
// does not say.
func knock(path string) (pid int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return peerPID(conn.(*net.UnixConn)), nil
}

// Discover returns a client for each service that listens in the runtime
// directory, by name. Sockets of dead processes are removed as far as that is
// allowed. A directory that does not exist has no services.
func Discover(dir string) ([]*Client, error) {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("runtime directory %s: %w", dir, err)
	}
	if err := trusted(dir); err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var cs []*Client
	for _, p := range paths {
		name := strings.TrimSuffix(filepath.Base(p), suffix)
		if !serviceName.MatchString(name) {
			continue
		}
		switch _, err := knock(p); {
		case err == nil:
			cs = append(cs, NewClient(name, p))
		case isDead(err):
			bury(dir, p)
		case errors.Is(err, fs.ErrPermission):
			return cs, fmt.Errorf("socket %s: %w: the service belongs to another user; ask as that user, or as root", p, err)
		}
	}
	return cs, nil
}

// bury removes a dead socket, unless somebody has just taken its place.
func bury(dir, path string) {
	unlock, err := lockDir(dir)
	if err != nil {
		return
	}
	defer unlock()
	if _, err := knock(path); isDead(err) {
		os.Remove(path)
	}
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

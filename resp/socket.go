// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// listenUnix opens a unix socket that this user alone can open, from its first
// moment. A file that is left of a process that has ended is replaced.
func listenUnix(path string) (net.Listener, error) {
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("RESP socket %s: somebody listens there; stop that process or choose another path with --resp", path)
	}
	if st, err := os.Lstat(path); err == nil && st.Mode()&fs.ModeSocket == 0 {
		return nil, fmt.Errorf("RESP socket %s: there is something that is no socket; choose another path with --resp", path)
	}
	ln, err := bindUnix(path)
	if err != nil {
		return nil, fmt.Errorf("RESP socket %s: %w", path, err)
	}
	return ln, nil
}

// bindUnix makes the socket where nobody else looks, and moves it to its place
// when its mode is right: who connects before that would stay.
func bindUnix(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	inside := filepath.Join(dir, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: inside, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	if err = os.Chmod(inside, 0o600); err == nil {
		err = os.Rename(inside, path)
	}
	if err != nil {
		ln.Close()
		return nil, err
	}
	return &unixSocket{ln, path}, nil
}

// A unixSocket takes its file along when it is closed.
type unixSocket struct {
	*net.UnixListener
	path string
}

func (u *unixSocket) Addr() net.Addr { return &net.UnixAddr{Name: u.path, Net: "unix"} }

func (u *unixSocket) Accept() (net.Conn, error) {
	c, err := u.UnixListener.Accept()
	if err != nil {
		return nil, err
	}
	return &unixConn{c, u.Addr()}, nil
}

// A unixConn is known by where its socket is, not by where that was made.
type unixConn struct {
	net.Conn
	at net.Addr
}

func (c *unixConn) LocalAddr() net.Addr { return c.at }

func (u *unixSocket) Close() error {
	if err := os.Remove(u.path); err != nil && !os.IsNotExist(err) {
		u.UnixListener.Close()
		return err
	}
	return u.UnixListener.Close()
}

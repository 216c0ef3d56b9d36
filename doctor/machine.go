// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"lateral/host"
)

// maxSmall bounds what is read of a file of the system: one number, or a
// few lines.
const maxSmall = 4 << 10

// smallFile returns what a small file of the system says.
func smallFile(path string) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmall))
	return strings.TrimRight(string(b), "\n"), err == nil
}

// says returns what a file of the system says; "" if nothing is known.
func (s *scene) says(path string) string {
	if s.text == nil {
		return ""
	}
	text, _ := s.text(path)
	return text
}

// there reports whether a file of the system is there and can be read.
func (s *scene) there(path string) bool {
	if s.text == nil {
		return false
	}
	_, ok := s.text(path)
	return ok
}

// pointsTo returns the last word of where a symbolic link of the system points.
func (s *scene) pointsTo(path string) string {
	if s.text == nil {
		return ""
	}
	to, err := os.Readlink(path)
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// kernel returns a setting of an interface, such as
// net.ipv4.conf.eth0.rp_filter, in the words of sysctl: a name with dots in it
// is written with slashes throughout.
func (s *scene) kernel(family, dev, key string) (name, value string) {
	path := "net/" + family + "/conf/" + dev + "/" + key
	name = path
	if !strings.Contains(dev, ".") {
		name = strings.ReplaceAll(path, "/", ".")
	}
	return name, s.says("/proc/sys/" + path)
}

// A disk is the file system that a path is on.
type disk struct {
	free, size   uint64 // bytes
	files        uint64 // that can still be made
	countsFiles  bool
	readOnly     bool
	inMemory     bool   // tmpfs
	mount, whose string // where it is mounted; the path that was asked about, or its nearest ancestor
}

var errNoDisk = errors.New("it is not known on this system how full a disk is")

// dialTCP connects and hangs up; it returns how many bytes a packet towards
// that address may have, 0 if that is not known.
func dialTCP(ctx context.Context, addr string) (packet int, err error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	packet, _ = host.PacketOf(c.(*net.TCPConn))
	return packet, nil
}

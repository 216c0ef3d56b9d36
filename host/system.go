// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A procfs is where the kernel's text is mounted; tests have their own.
type procfs string

// path returns the path of a file within it.
func (p procfs) path(elem ...string) string {
	return filepath.Join(append([]string{string(p)}, elem...)...)
}

// parseFile parses the file at path. A file that is not there is an empty
// table: a kernel without IPv6 has no tcp6.
func parseFile[T any](path string, parse func(io.Reader) ([]T, error)) ([]T, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parse(f)
}

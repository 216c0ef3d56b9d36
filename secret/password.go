// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxPassword bytes: a line that a person or a program wrote; more is another file.
const maxPassword = 4 << 10

// ReadPassword returns the first line of a file, which is what a front's
// clients prove themselves with. Like Read it refuses a file that others may
// read, or that somebody else could change. Errors never quote the contents.
func ReadPassword(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", Me().unreadable(path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s: %w: it is a %s", path, ErrFile, st.Mode().Type())
	}
	if err := Me().private(path, st); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("%s: its first line is empty, and nobody could be told from anybody else; write a password there", path)
	}
	if len(line) > maxPassword {
		return "", fmt.Errorf("%s: its first line has more than %d bytes, so it is some other file", path, maxPassword)
	}
	return line, nil
}

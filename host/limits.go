// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"fmt"
	"io"
)

// Limits of what is read from the system. /proc is the kernel's own text, but
// the parsers are handed any reader, so they hold for any text.
const (
	maxLine    = 64 << 10 // bytes; a row of /proc/net is under 300, a line of /etc/hosts may be long
	maxRows    = 1 << 20  // rows of one table; a machine has at most 64 Ki ports per address
	maxCmdline = 4 << 10  // bytes of a command line; a Java one fills it
)

// eachLine calls row with every line and its number, from 1, until row fails.
func eachLine(r io.Reader, row func(n int, line string) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 512), maxLine)
	n := 0
	for sc.Scan() {
		if n++; n > maxRows {
			return fmt.Errorf("more than %d rows", maxRows)
		}
		if err := row(n, sc.Text()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// rawKeys has a terminal hand over each key at once and show none. Without one
// there are no keys. The goroutine that waits for a key ends with the program:
// nothing can call a terminal's reader back.
func rawKeys(in io.Reader) (keys <-chan byte, restore func()) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	was, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, func() {}
	}
	pressed := make(chan byte)
	go func() {
		defer close(pressed)
		for b := make([]byte, 1); ; {
			if _, err := f.Read(b); err != nil {
				return
			}
			pressed <- b[0]
		}
	}()
	return pressed, func() { term.Restore(int(f.Fd()), was) }
}

// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The errors that every other of this package wraps.
var (
	ErrFormat    = errors.New("not a Java object stream")        // damaged, or of another format
	ErrLimit     = errors.New("too large a Java object stream")  // over one of the Limits
	ErrValue     = errors.New("not a value of Java's")           // of what is to be encoded
	ErrForgotten = errors.New("it refers to what was forgotten") // by Limits.Retained
	ErrDenied    = errors.New("a class that is refused")         // by Limits.Deny
)

// Limits bound what a stream can cost. Each is checked before anything is
// allocated on the word of the stream; a zero takes the default.
type Limits struct {
	// Depth is how deep values may nest. Java itself fails at some thousands.
	Depth int
	// Memory is what one value may take, in bytes as Go holds it: a few
	// times its length on the wire.
	Memory int
	// Retained is what earlier values may take that a later one may still
	// refer to. A writer that never resets its stream (JCS 2) makes us keep
	// them; when they are more, the oldest that was never referred to is
	// forgotten, texts last, and a value that refers to it later is lost.
	Retained int
	// Deny are beginnings of names of classes that no stream may have: an
	// object of such a class ends it with ErrDenied. It means nothing to us,
	// but may be passed on to whom it does.
	Deny []string
}

// A DeniedError names the class that Limits.Deny refuses. It wraps ErrDenied.
type DeniedError struct{ Class string }

func (e *DeniedError) Error() string { return fmt.Sprintf("%v: %.100q", ErrDenied, e.Class) }

// Unwrap returns ErrDenied.
func (e *DeniedError) Unwrap() error { return ErrDenied }

// denies reports whether a class, or the elements of an array class, are refused.
func (l *Limits) denies(class string) bool {
	class = strings.TrimLeft(class, "[")
	return slices.ContainsFunc(l.Deny, func(p string) bool { return strings.HasPrefix(class, p) || strings.HasPrefix(class, "L"+p) })
}

// The defaults of Limits, and limits that are not for the caller to change.
const (
	DefaultDepth    = 256
	DefaultMemory   = 256 << 20 // a value of 64 MiB, as bytes and once more as a tree
	DefaultRetained = 64 << 20  // a million small values

	maxSupers = 64       // superclasses of a class; Swing has nine
	maxFields = 4096     // of one class; the class file format allows 65,535
	firstTake = 64 << 10 // bytes allocated on the word of a length alone
	maxDepth  = 1 << 10  // of what is encoded: by references a stream can make graphs that are deeper than anything in it
)

// What Go holds for a node, about: charged to Memory beside its bytes.
const (
	costNode  = 64 // an object, a string, an array, a class
	costPart  = 112
	costField = 48
	costSlot  = 16 // a reference
	costGrown = 32 // one in a list that grows, and is then there twice
)

func (l Limits) orDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	if l.Memory == 0 {
		l.Memory = DefaultMemory
	}
	if l.Retained == 0 {
		l.Retained = DefaultRetained
	}
	return l
}

// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Create writes a fresh secret to a file that must not be there yet, readable
// by its owner only.
func Create(path string, now time.Time) (Secret, error) {
	s := New()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return s, fmt.Errorf("%s is there already and is not overwritten: nodes that use it would be cut off from the cluster: %w", path, err)
	}
	if err != nil {
		return s, err
	}
	if err := fill(f, Text([]Secret{s}, now)); err != nil {
		os.Remove(path)
		return s, err
	}
	return s, nil
}

// Replace writes secrets in place of those of a file, at once or not at all;
// owner and group stay if that is permitted.
func Replace(path string, list []Secret, now time.Time) error {
	old, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	if err = fill(f, Text(list, now)); err == nil {
		keepOwner(f.Name(), old)
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func fill(f *os.File, text string) error {
	_, err := io.WriteString(f, text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Text is the contents of a file of secrets.
func Text(list []Secret, now time.Time) string {
	var b strings.Builder
	for i, s := range list {
		role := "Cluster secret of Lateral"
		if i > 0 {
			role = "Also valid"
		}
		fmt.Fprintf(&b, "# %s, written %s, fingerprint %s.\n%s\n", role, now.UTC().Format(time.DateOnly), s.Fingerprint(), s.Text())
	}
	return b.String()
}

// A User is the one, by number, in whose place files are judged. A process
// judges in its own, Me; programs that root runs to look at the files of
// services do in that of the service.
type User int

// Owner is whoever a file belongs to: whose it has to be is not known.
const Owner User = -1

// Read reads a file of secrets, the one to send with first. It refuses a file
// that others may read, or that somebody else could change.
func Read(path string) ([]Secret, error) { return Me().Read(path) }

// Read is Read in the user's place.
func (u User) Read(path string) ([]Secret, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: copy that of the other nodes there, or make the first one: lateral keygen %s", err, path)
	}
	if err != nil {
		return nil, u.unreadable(path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: it is a %s", path, ErrFile, st.Mode().Type())
	}
	if err := u.private(path, st); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	list, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

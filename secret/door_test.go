// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func wordFile(t *testing.T, word string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "word")
	if err := os.WriteFile(path, []byte(word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDoor: who knows which word may do what, and how often may one guess.
func TestDoor(t *testing.T) {
	now := day
	d, err := OpenDoor(wordFile(t, "all"), wordFile(t, "reads"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	enter := func(addr, word string, want Rights, why error) {
		t.Helper()
		if got, err := d.Enter(addr, word); got != want || !errors.Is(err, why) {
			t.Errorf("%s from %s: %v, %v; want %v, %v", word, addr, got, err, want, why)
		}
	}
	enter("10.0.0.1:1", "all", All, nil)
	enter("10.0.0.1:1", "reads", Reads, nil)
	for i := range maxWrong {
		enter(fmt.Sprint("10.0.0.1:", i+1), []string{"", "al", "all ", "x"}[i%4], Nothing, ErrWord)
		enter(fmt.Sprintf("[2001:db8::%x]:1", i), "x", Nothing, ErrWord)
	}
	enter("10.0.0.1:77", "all", Nothing, ErrGuesses)
	enter("[2001:db8::ffff]:1", "all", Nothing, ErrGuesses) // the same host, by another address of its
	enter("[2001:db8:0:1::]:1", "all", All, nil)
	enter("10.0.0.2:1", "all", All, nil)
	now = now.Add(wrongWindow)
	enter("10.0.0.1:77", "all", All, nil)
	for i := range 2 * maxGuessers {
		d.Enter(fmt.Sprintf("10.1.%d.%d:1", i/256, i%256), "x")
	}
	if n := len(d.guesses.wrong); n != maxGuessers {
		t.Errorf("%d hosts are remembered, at most %d may be", n, maxGuessers)
	}
	enter("10.1.0.7:1", "all", All, nil)            // it is remembered
	enter("10.9.9.9:1", "all", Nothing, ErrGuesses) // a flood from many
	now = now.Add(-time.Hour)                       // the clock is set back
	enter("10.9.9.9:1", "all", All, nil)
}

// TestOneWord: a door without a word for readers has none that is empty.
func TestOneWord(t *testing.T) {
	d, err := OpenDoor("", wordFile(t, "reads"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Enter("10.0.0.1:1", ""); got != Nothing || err == nil {
		t.Errorf("no word: %v, %v", got, err)
	}
	f := wordFile(t, "same")
	if _, err := OpenDoor(f, f, nil); err == nil {
		t.Error("one word for both")
	}
}

// TestReloadedDoor: words change while the service runs; a file that can't be
// used changes nothing.
func TestReloadedDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := wordFile(t, "first")
		d, err := OpenDoor(f, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- d.Run(ctx, slog.New(slog.DiscardHandler)) }()
		for _, step := range []struct {
			text, opens string
			mode        os.FileMode
		}{{"other", "first", 0o644}, {"second", "second", 0o600}, {"", "second", 0o600}} {
			os.WriteFile(f, []byte(step.text), 0o600)
			os.Chmod(f, step.mode)
			time.Sleep(2 * lookEvery)
			if got, _ := d.Enter("", step.opens); got != All {
				t.Errorf("after %q (%o): %q does not open", step.text, step.mode, step.opens)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestCertificate: a front's certificate is read again, its key is private.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	ca := newCA(t)
	ca.write(t, dir, ca, x509.ExtKeyUsageServerAuth)
	c, err := OpenCertificate(filepath.Join(dir, "cert"), filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.Config("http/1.1")
	first, _ := cfg.GetCertificate(&tls.ClientHelloInfo{})
	ca.write(t, dir, ca, x509.ExtKeyUsageServerAuth)
	if err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	if second, _ := cfg.GetCertificate(&tls.ClientHelloInfo{}); second == first {
		t.Error("not read again")
	}
	os.Chmod(c.key, 0o640)
	if err := c.Reload(); !errors.Is(err, ErrLoose) {
		t.Errorf("a loose key: %v", err)
	}
}

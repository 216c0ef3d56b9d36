// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var day = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestCreate: a fresh file is private, reads back, and is never overwritten.
func TestCreate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.secret")
	s, err := Create(file, day)
	if err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(file); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	list, err := Read(file)
	if err != nil || len(list) != 1 || list[0] != s {
		t.Fatalf("%v, %v", list, err)
	}
	before, _ := os.ReadFile(file)
	if !strings.HasPrefix(string(before), "# Cluster secret of Lateral, written 2026-11-22, fingerprint "+s.Fingerprint()+".\n") {
		t.Errorf("%q", before)
	}
	if _, err := Create(file, day); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("it was overwritten")
	}
	next := New()
	if err := Replace(file, []Secret{next, s}, day); err != nil {
		t.Fatal(err)
	}
	if list, err = Read(file); err != nil || len(list) != 2 || list[0] != next || list[1] != s {
		t.Errorf("after Replace: %v, %v", list, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestLoose: a file that others may read is refused with the remedy.
func TestLoose(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	if _, err := Create(file, day); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o666} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); !errors.Is(err, ErrLoose) || !strings.Contains(err.Error(), "chmod 600 "+file) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); err != nil {
		t.Error(err)
	}
	if _, err := Read(filepath.Dir(file)); !errors.Is(err, ErrFile) {
		t.Errorf("a directory: %v", err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(file, 4711, 4711); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); !errors.Is(err, ErrLoose) || !strings.Contains(err.Error(), "belongs to user 4711") {
			t.Errorf("another's: %v", err)
		}
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil || !strings.HasSuffix(err.Error(), "run: chown 0 "+file+" && chmod 600 "+file) {
			t.Errorf("another's, and open to its group: %v", err)
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		for user, want := range map[User]string{4711: "", Owner: "", 4712: "run: chown 4712 " + file} { // root looks in their place
			if _, err := user.Read(file); (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
				t.Errorf("as %d: %v", user, err)
			}
		}
		if err := os.Chown(file, 0, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := User(4711).Read(file); !errors.Is(err, fs.ErrPermission) || !strings.HasSuffix(err.Error(), "run: chown 4711 "+file) {
			t.Errorf("root's, in another's place: %v", err)
		}
	}
}

// TestParse has what people put into such files.
func TestParse(t *testing.T) {
	a, b := New(), New()
	hexOf := func(s Secret) string { return hex.EncodeToString(s.key[:]) }
	long := strings.Repeat("# x\n", maxFile/4+1)
	var many strings.Builder
	for range maxSecrets + 1 {
		fmt.Fprintln(&many, New().Text())
	}
	steps := make([]byte, Size)
	for i := range steps {
		steps[i] = byte(3 * i)
	}
	for _, c := range []struct {
		name, text string
		want       []Secret
		err        error
	}{
		{"base32", a.Text(), []Secret{a}, nil},
		{"upper case, CRLF", "\r\n" + strings.ToUpper(a.Text()) + "\r\n", []Secret{a}, nil},
		{"two, one in hex", "# one\n" + a.Text() + "\n\n  " + hexOf(b) + "  \n", []Secret{a, b}, nil},
		{"empty", "", nil, ErrFile},
		{"comments", "# nothing\n", nil, ErrFile},
		{"twice", a.Text() + "\n" + hexOf(a), nil, ErrFile},
		{"too many", many.String(), nil, ErrFile},
		{"too long", long + a.Text(), nil, ErrFile},
		{"passphrase", "correct horse battery staple", nil, ErrWeak},
		{"cut", a.Text()[1:], nil, ErrWeak},
		{"52 that are no base32", strings.Repeat("1", 52), nil, ErrWeak},
		{"bits left over", strings.Repeat("abcdefgh", 6) + "abcb", nil, ErrWeak},
		{"128 bits in hex", hexOf(a)[:32], nil, ErrWeak},
		{"zeros", strings.Repeat("0", 64), nil, ErrWeak},
		{"repeated", strings.Repeat("0123456789abcdef", 4), nil, ErrWeak},
		{"counted", hex.EncodeToString(steps), nil, ErrWeak},
		{"text in hex", hex.EncodeToString([]byte("correct horse battery staple, ok")), nil, ErrWeak},
	} {
		got, err := Parse([]byte(c.text))
		if !errors.Is(err, c.err) || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		if err != nil && c.err == ErrWeak && (!strings.Contains(err.Error(), "lateral keygen") || strings.Contains(err.Error(), strings.TrimSpace(c.text))) {
			t.Errorf("%s: no remedy, or it tells the text: %v", c.name, err)
		}
	}
}

// TestSilent: no format gives a secret away.
func TestSilent(t *testing.T) {
	s := New()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "list", []Secret{s}, "ring", NewRing(nil, s).Fingerprints())
	j, _ := json.Marshal(struct{ S Secret }{s})
	out := log.String() + string(j)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out += fmt.Sprintf(verb+" "+verb, s, struct{ S *Secret }{&s})
		out += fmt.Sprintf(verb, []Secret{s})
	}
	raw := fmt.Sprintf("%d", s.key[:4])
	for _, bad := range []string{s.Text(), hex.EncodeToString(s.key[:]), raw[1 : len(raw)-1], string(s.key[:8])} {
		if strings.Contains(out, bad) {
			t.Errorf("%q is in %s", bad, out)
		}
	}
	if !strings.Contains(out, s.Fingerprint()) {
		t.Errorf("no fingerprint in %s", out)
	}
}

// TestDerived: the values that all versions must agree on.
func TestDerived(t *testing.T) {
	var s Secret
	for i := range s.key {
		s.key[i] = byte(i * i)
	}
	if f := s.Fingerprint(); f != fingerprintOfSquares {
		t.Errorf("fingerprint %s", f)
	}
	a, b := newAuthority(s), newAuthority(s)
	if !bytes.Equal(a.cert.Raw, b.cert.Raw) {
		t.Error("two nodes have different authorities")
	}
	seen := map[string]string{}
	for _, purpose := range []string{forFingerprint, forMAC, forNames, forAuthority} {
		k := string(s.derive(purpose, 4))
		if other, twice := seen[k]; twice {
			t.Errorf("%s and %s have one key", purpose, other)
		}
		seen[k] = purpose
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(New().Text()))
	f.Add([]byte(strings.Repeat("f", 64)))
	f.Add([]byte("#\n\x00\n"))
	f.Add(bytes.Repeat([]byte("\n"), maxFile))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := Parse(b)
		if (err == nil) != (len(list) > 0) || len(list) > maxSecrets {
			t.Fatalf("%v, %v", list, err)
		}
		if err == nil {
			again, err := Parse([]byte(Text(list, day)))
			if err != nil || fmt.Sprint(again) != fmt.Sprint(list) {
				t.Fatalf("written and read: %v, %v", again, err)
			}
		}
	})
}

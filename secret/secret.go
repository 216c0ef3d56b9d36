// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
)

// Size of a secret in bytes: beyond any search, so nothing has to be slow.
const Size = 32

// The purposes of derived keys. A purpose is never reused for something else.
const (
	forFingerprint = "lateral fingerprint v1"
	forMAC         = "lateral announce mac v1"
	forNames       = "lateral announce names v1"
	forAuthority   = "lateral authority v1"
)

// A Secret is one shared secret. It prints as its fingerprint, in whatever
// format: no log line can give it away.
type Secret struct{ key [Size]byte }

// New returns a fresh secret.
func New() Secret {
	var s Secret
	rand.Read(s.key[:]) // never fails: the program ends if the system has no randomness
	return s
}

// letters are base32 as people write it.
var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is the secret itself, for its file alone.
func (s Secret) Text() string { return strings.ToLower(letters.EncodeToString(s.key[:])) }

// derive returns n bytes for a purpose.
func (s Secret) derive(purpose string, n int) []byte {
	b, err := hkdf.Key(sha256.New, s.key[:], nil, purpose, n)
	if err != nil { // only for lengths beyond 255 hashes
		panic(err)
	}
	return b
}

// fingerprintSize is enough to tell the few secrets of one network apart.
const fingerprintSize = 4

// Fingerprint names the secret and gives nothing of it away: 8 hexadecimal
// digits.
func (s Secret) Fingerprint() string {
	return hex.EncodeToString(s.derive(forFingerprint, fingerprintSize))
}

// Format prints the fingerprint, whatever verb asks.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "secret ", s.Fingerprint()) }

// LogValue is what slog prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue("secret " + s.Fingerprint()) }

// MarshalText is what JSON gets.
func (s Secret) MarshalText() ([]byte, error) { return []byte("secret " + s.Fingerprint()), nil }

// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// The limits of a file.
const (
	maxFile    = 16 << 10 // comments included
	maxSecrets = 8        // a rotation needs two; each costs a check per packet and link
)

// What is wrong with a file; errors of Parse and Read wrap one of them.
var (
	ErrWeak  = errors.New("not a secret of 256 random bits")
	ErrLoose = errors.New("others than its owner may read the file")
	ErrFile  = errors.New("not a file of secrets")

	ErrWritable = errors.New("others than its owner may change the file")
)

// remedy is the same for all that is no secret.
const remedy = "make one with: lateral keygen FILE"

// Parse reads the text of a file. It never says what stood there.
func Parse(text []byte) ([]Secret, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%w: it has more than %d bytes; %s", ErrFile, maxFile, remedy)
	}
	var out []Secret
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		s, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		for _, o := range out {
			if o == s {
				return nil, fmt.Errorf("line %d: %w: the secret %s is there twice; remove one of the two lines", n, ErrFile, s.Fingerprint())
			}
		}
		if len(out) == maxSecrets {
			return nil, fmt.Errorf("line %d: %w: there are more than %d secrets; remove those that no node sends any more", n, ErrFile, maxSecrets)
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: there is no secret in it; %s", ErrFile, remedy)
	}
	return out, nil
}

func parseLine(line string) (s Secret, err error) {
	var b []byte
	switch len(line) {
	case letters.EncodedLen(Size):
		b, err = letters.DecodeString(strings.ToUpper(line))
		if err == nil && !strings.EqualFold(letters.EncodeToString(b), line) {
			err = errors.New("bits are left over") // of the last letter: a typing error
		}
	case hex.EncodedLen(Size):
		b, err = hex.DecodeString(line)
	default:
		err = errors.New("its length is another")
	}
	if err != nil {
		return s, fmt.Errorf("%w: it is neither 52 characters of base32 nor 64 of hexadecimal. Passphrases are refused: who records one announcement can try them by the billion, at home; %s", ErrWeak, remedy)
	}
	if why := pattern(b); why != "" {
		return s, fmt.Errorf("%w: %s, so it can be guessed; %s", ErrWeak, why, remedy)
	}
	copy(s.key[:], b)
	return s, nil
}

// pattern says what is not random about 32 bytes; "" if nothing shows. Random
// ones have about 30 different values, and so have their differences: below 16
// is once in 10^20.
func pattern(b []byte) string {
	var values, steps [256]bool
	nv, ns, text := 0, 0, true
	for i, c := range b {
		if !values[c] {
			values[c] = true
			nv++
		}
		if step := c - b[(i+len(b)-1)%len(b)]; !steps[step] {
			steps[step] = true
			ns++
		}
		text = text && c >= ' ' && c <= '~'
	}
	switch {
	case text:
		return "it is text that somebody wrote, encoded"
	case nv < Size/2, ns < Size/2:
		return "it is a pattern"
	}
	return ""
}

// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// A Token names one write of a key, for whoever is to see that write or a newer
// one wherever he asks next: in a cookie, a header or a URL. It holds the stamp
// of the write and is no secret, nor a proof of anything: who makes one up can
// have a node ask its peers in vain.
type Token struct {
	Stamp
	Removed bool // the write was a removal
}

// ErrToken is wrapped by every error of ParseToken.
var ErrToken = errors.New("bad token")

// tokenLength is that of every token's text: a letter, and 16 bytes in base64.
const tokenLength = 1 + 22

// stampText is the alphabet of URLs, and knows one text for each value.
var stampText = base64.RawURLEncoding.Strict()

// String returns the token as 23 letters, digits, "-" and "_"; the zero token
// is "".
func (t Token) String() string {
	if t.IsZero() {
		return ""
	}
	b := make([]byte, 1, tokenLength)
	if b[0] = 'p'; t.Removed {
		b[0] = 'r'
	}
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 16), t.Time)
	return string(stampText.AppendEncode(b, binary.BigEndian.AppendUint64(raw, uint64(t.Node))))
}

// ParseToken reads what String returns, and nothing else; "" is the zero token.
func ParseToken(text string) (t Token, err error) {
	if text == "" {
		return t, nil
	}
	if len(text) != tokenLength || text[0] != 'p' && text[0] != 'r' {
		return t, fmt.Errorf("%w: %.30q: a token has %d characters and begins with p or r", ErrToken, text, tokenLength)
	}
	raw, err := stampText.AppendDecode(make([]byte, 0, 16), []byte(text[1:]))
	if err != nil || len(raw) != 16 {
		return t, fmt.Errorf("%w: %q: %w", ErrToken, text, err)
	}
	t = Token{Stamp{binary.BigEndian.Uint64(raw), NodeID(binary.BigEndian.Uint64(raw[8:]))}, text[0] == 'r'}
	if t.IsZero() {
		return Token{}, fmt.Errorf("%w: %q: no write has the zero stamp", ErrToken, text)
	}
	return t, nil
}

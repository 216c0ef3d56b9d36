// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestToken(t *testing.T) {
	for _, x := range []Token{{}, {Stamp: Stamp{1, 0}}, {Stamp: Stamp{0, 1}, Removed: true}, {Stamp: Stamp{math.MaxUint64, math.MaxUint64}},
		{Stamp: StampAt(1_700_000_000_000, 0xfbff_3e3f_7f00_ff01)}} {
		text := x.String()
		if back, err := ParseToken(text); err != nil || back != x {
			t.Errorf("%+v is %q and comes back as %+v, %v", x, text, back, err)
		}
		if url.QueryEscape(text) != text || url.PathEscape(text) != text {
			t.Errorf("%q is not safe in URLs", text)
		}
		if c := (&http.Cookie{Name: "t", Value: text}); c.Valid() != nil || c.String() != "t="+text {
			t.Errorf("%q is not safe in cookies: %s", text, c)
		}
	}
	good := Token{Stamp: Stamp{1 << 40, 7}}.String()
	for _, bad := range []string{"p", good[1:], good + "A", " " + good[1:], "q" + good[1:], good[:22] + "=", good[:22] + "B", good[:10] + "\n" + good[11:], good[:10] + "+" + good[11:],
		"p" + strings.Repeat("A", 22), strings.Repeat("p", 1<<20)} {
		if got, err := ParseToken(bad); !errors.Is(err, ErrToken) || got != (Token{}) || len(err.Error()) > 300 {
			t.Errorf("%.40q is read as %+v, %v", bad, got, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "p", "r" + strings.Repeat("_", 22), "pAAAAAAAAAAAAAAAAAAAAAA", "pAAAAAAAAAAAAAAAAAAAAAB", Token{Stamp: Stamp{math.MaxUint64, 1}, Removed: true}.String(), strings.Repeat("\x00", 23), "p\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if x, err := ParseToken(s); err == nil && x.String() != s {
			t.Errorf("%q is read, and written as %q", s, x)
		}
	})
}

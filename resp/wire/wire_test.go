// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// read takes all requests off a stream, as "[a b] [c]" with an error at the end.
func read(p *Reader, in io.Reader) string {
	var out []string
	for {
		args, ok, err := p.Next()
		if err != nil {
			return strings.Join(append(out, err.Error()), " ")
		}
		if ok {
			out = append(out, fmt.Sprintf("%q", args))
			continue
		}
		if err := p.Fill(in); err != nil {
			if p.Buffered() > 0 {
				out = append(out, "cut off")
			}
			return strings.Join(out, " ")
		}
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("x", MaxInline+2)
	for _, c := range []struct{ in, want string }{
		{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n", `["GET" "k"] ["PING"]`},
		{"*1\r\n$0\r\n\r\n", `[""]`},
		{"*0\r\n*-1\r\nPING\r\n", `[] [] ["PING"]`},
		{"*1\r\n$4\r\nPI", "cut off"},
		{"PING\r\n  SET  k \"a b\\x41\\n\\\"\" 'it\\'s' \"\"\n\r\n", "[\"PING\"] [\"SET\" \"k\" \"a bA\\n\\\"\" \"it's\" \"\"] []"},
		{"a \"b", "cut off"},
		{"a \"b\n", "protocol error: unbalanced quotes in request"},
		{"a \"b\"c\n", "protocol error: unbalanced quotes in request"},
		{"*1048577\r\n", "protocol error: invalid multibulk length"},
		{"*x\r\n", "protocol error: invalid multibulk length"},
		{"*99999999999999999999999\r\n", "protocol error: invalid multibulk length"},
		{"*1\r\n$-1\r\n", "protocol error: invalid bulk length"},
		{"*1\r\n$67108865\r\n", "protocol error: invalid bulk length"},
		{"*1\r\n$9223372036854775807\r\n", "protocol error: invalid bulk length"},
		{"*2\r\n$67108864\r\n", "cut off"},
		{"*1\r\n:1\r\n", "protocol error: expected '$', got ':'"},
		{"*1\r\n\x00", `protocol error: expected '$', got '\x00'`},
		{"*1\r\n$" + long, "protocol error: too big bulk count string"},
		{"*" + long, "protocol error: too big mbulk count string"},
		{long, "protocol error: too big inline request"},
		{long + "\n", "protocol error: too big inline request"},
	} {
		for what, in := range map[string]io.Reader{"whole": strings.NewReader(c.in), "bytes": iotest.OneByteReader(strings.NewReader(c.in))} {
			if got := read(new(Reader), in); got != c.want {
				t.Errorf("%.40q, %s:\n got %s\nwant %s", c.in, what, got, c.want)
			}
		}
	}
	part := "$16000\r\n" + strings.Repeat("x", 16000) + "\r\n"
	for _, in := range []string{"*11\r\n", "*1\r\n$16385\r\n", "*3\r\n" + part + part + "$1000\r\n"} {
		if got := read(&Reader{Stranger: true}, strings.NewReader(in)); !strings.Contains(got, "unauthenticated") {
			t.Errorf("%.40q of a stranger: %s", in, got)
		}
		if got := read(new(Reader), strings.NewReader(in)); got != "cut off" {
			t.Errorf("%.40q of a user: %s", in, got)
		}
	}
	if got := read(&Reader{Stranger: true}, strings.NewReader(long[:StrangerBulk+2])); !strings.Contains(got, "too big inline") {
		t.Errorf("a long line of a stranger: %s", got)
	}
}

// Requests that came together stay valid until more is read.
func TestReaderAhead(t *testing.T) {
	p := new(Reader)
	var in strings.Builder
	for i := range 50 {
		fmt.Fprintf(&in, "*2\r\n$3\r\nGET\r\n$2\r\n%02d\r\n", i)
	}
	if err := p.Fill(strings.NewReader(in.String())); err != nil {
		t.Fatal(err)
	}
	var all [][][]byte
	for {
		args, ok, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		all = append(all, args)
	}
	for i, args := range all {
		if got, want := fmt.Sprintf("%s", args), fmt.Sprintf("[GET %02d]", i); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if len(all) != 50 {
		t.Errorf("%d requests", len(all))
	}
}

// A client that declares much and sends little costs what it sends.
func TestDeclaredLengthCostsNothing(t *testing.T) {
	for _, in := range []string{"*1\r\n$67108864\r\nx", "*1048576\r\n$1\r\nx\r\n", "*1048576\r\n"} {
		p := new(Reader)
		if got := read(p, strings.NewReader(in)); got != "cut off" && got != "" {
			t.Fatal(got)
		}
		if n := cap(p.buf) + 8*cap(p.ends) + 24*cap(p.args); n > 64<<10 {
			t.Errorf("%.20q: %d bytes are held for %d that came", in, n, len(in))
		}
	}
}

// What was large goes back when it has been read.
func TestReaderGivesRoomBack(t *testing.T) {
	p := new(Reader)
	in := "*1\r\n$1000000\r\n" + strings.Repeat("x", 1000000) + "\r\n"
	read(p, strings.NewReader(in))
	if cap(p.buf) > keptRoom {
		t.Errorf("%d bytes are kept", cap(p.buf))
	}
}

// Whatever pieces a stream comes in, the requests are the same.
func TestReaderPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in bytes.Buffer
		var want []string
		for range rapid.IntRange(1, 5).Draw(t, "requests") {
			args := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 9000), 1, 5).Draw(t, "args")
			fmt.Fprintf(&in, "*%d\r\n", len(args))
			for _, a := range args {
				fmt.Fprintf(&in, "$%d\r\n%s\r\n", len(a), a)
			}
			want = append(want, fmt.Sprintf("%q", args))
		}
		sizes := rapid.SliceOfN(rapid.IntRange(1, 5000), 1, 5).Draw(t, "pieces")
		i := 0
		r := readFunc(func(p []byte) (int, error) {
			i++
			return in.Read(p[:min(len(p), sizes[i%len(sizes)])])
		})
		if got := read(new(Reader), r); got != strings.Join(want, " ") {
			t.Fatalf("got %.200s\nwant %.200s", got, want)
		}
	})
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestParseInt(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "-1": -1, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64} {
		if n, ok := ParseInt([]byte(s)); !ok || n != want {
			t.Errorf("%s: %d, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", "-", "+1", "01", "-0", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999", "0x1"} {
		if n, ok := ParseInt([]byte(s)); ok {
			t.Errorf("%q: %d", s, n)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		if got, ok := ParseInt(strconv.AppendInt(nil, n, 10)); !ok || got != n {
			t.Fatalf("%d, %v", got, ok)
		}
	})
}

func TestWriter(t *testing.T) {
	for _, c := range []struct {
		write      func(w *Writer)
		two, three string
	}{
		{func(w *Writer) { w.OK(); w.Simple("x") }, "+OK\r\n+x\r\n", "+OK\r\n+x\r\n"},
		{func(w *Writer) { w.Error("ERR a\r\nb") }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
		{func(w *Writer) { w.Int(-12); w.IntOf(true) }, ":-12\r\n:1\r\n", ":-12\r\n:1\r\n"},
		{func(w *Writer) { w.Bulk("héy"); w.Bytes(nil) }, "$4\r\nhéy\r\n$0\r\n\r\n", "$4\r\nhéy\r\n$0\r\n\r\n"},
		{func(w *Writer) { w.Null(); w.NullArray() }, "$-1\r\n*-1\r\n", "_\r\n_\r\n"},
		{func(w *Writer) { w.Array(10); w.Map(2); w.Set(1); w.Push(2) }, "*10\r\n*4\r\n*1\r\n*2\r\n", "*10\r\n%2\r\n~1\r\n>2\r\n"},
		{func(w *Writer) { w.Double(1.5); w.Double(math.Inf(-1)) }, "$3\r\n1.5\r\n$4\r\n-inf\r\n", ",1.5\r\n,-inf\r\n"},
		{func(w *Writer) { w.Bool(true); w.Bool(false) }, ":1\r\n:0\r\n", "#t\r\n#f\r\n"},
		{func(w *Writer) { w.Verbatim("hi") }, "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"},
	} {
		two, three := Writer{}, Writer{Three: true}
		c.write(&two)
		c.write(&three)
		if string(two.B) != c.two || string(three.B) != c.three {
			t.Errorf("%q and %q, want %q and %q", two.B, three.B, c.two, c.three)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "*1048576\r\n", "*-9223372036854775808\r\n", "*1\r\n$67108864\r\n", "*1\r\n$-9223372036854775808\r\n",
		"*3\r\n$3\r\nSET\r\n*1\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n", "\"\\x", "\"\\xZZ\"\n", "'\\'\n", strings.Repeat("*1\r\n", 1000), "*\r\n", "$\r\n",
		"*1\r\n$1\r\n", "\x00\xff\n", strings.Repeat("\"", MaxInline+1), "*1\r\n$1\r\nx\n\n*1\r\n",
	} {
		f.Add([]byte(s), 1)
		f.Add([]byte(s), 7)
	}
	f.Fuzz(func(t *testing.T, in []byte, piece int) {
		piece = max(piece&0xff, 1)
		p, rest := new(Reader), in
		arrived := readFunc(func(b []byte) (int, error) {
			if len(rest) == 0 {
				return 0, io.EOF
			}
			n := copy(b, rest[:min(piece, len(rest))])
			rest = rest[n:]
			return n, nil
		})
		for {
			args, ok, err := p.Next()
			if err != nil {
				if !errors.Is(err, ErrProtocol) {
					t.Fatal(err)
				}
				return
			}
			total := 0
			for _, a := range args {
				total += len(a)
			}
			if total > len(in) {
				t.Fatalf("%d bytes of arguments from %d", total, len(in))
			}
			if n := cap(p.buf); n > 4*len(in)+2*firstRoom {
				t.Fatalf("%d bytes of room for %d", n, len(in))
			}
			if !ok && p.Fill(arrived) != nil {
				return
			}
		}
	})
}

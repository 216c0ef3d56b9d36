// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// entriesOf lexes a text; bad says whether a line was refused.
func entriesOf(text string) (list []entry, bad bool) {
	l := lexer{data: []byte(text), line: 1, bad: func(int, string, string, string) { bad = true }}
	for {
		e, ok := l.next()
		if !ok {
			return list, bad
		}
		list = append(list, e)
	}
}

var lexCases = []struct {
	name, text string
	want       string // key=value@line, one to a line, quoted
}{
	{"separators", "a=1\nb:2\nc 3\nd\t=\t4\ne = :5\nf==6", `"a"="1"@1 "b"="2"@2 "c"="3"@3 "d"="4"@4 "e"=":5"@5 "f"="=6"@6`},
	{"no value", "a\nb=\nc", `"a"=""@1 "b"=""@2 "c"=""@3`},
	{"no key", "=1\n:2", `""="1"@1 ""="2"@2`},
	{"comments", "# a=1\n! b=2\n  # c=3\nd=4 # kept\n#x\\\ne=5", `"d"="4 # kept"@4 "e"="5"@6`},
	{"trailing blanks stay, leading go", "  a  =  1 \t", `"a"="1 \t"@1`},
	{"line ends", "a=1\rb=2\r\nc=3\n\r\nd=4", `"a"="1"@1 "b"="2"@2 "c"="3"@3 "d"="4"@5`},
	{"continuation", "a=1,\\\n   2,\\\r\n\t3\nb=4", `"a"="1,2,3"@1 "b"="4"@4`},
	{"continuation of a key", "a\\\n  b=1", `"ab"="1"@1`},
	{"blank line ends a continuation", "a=1\\\n\nb=2", `"a"="1"@1 "b"="2"@3`},
	{"comment in a continuation is value", "a=1\\\n# 2\nb=3", `"a"="1# 2"@1 "b"="3"@3`},
	{"even backslashes do not continue", "a=1\\\\\nb=2", `"a"="1\\"@1 "b"="2"@2`},
	{"backslash at the end of the file", "a=1\\", `"a"="1"@1`},
	{"escapes", `a\=b\:c\ d=\t\n\r\f\\\q\"`, `"a=b:c d"="\t\n\r\f\\q\""@1`},
	{"unicode", `k\u00fc=\u20AC\ud83d\ude00`, `"kü"="€😀"@1`},
	{"half a pair", `a=\ud83d-\ude00`, `"a"="�-�"@1`},
	{"latin-1", "\xfc=\xe4", `"ü"="ä"@1`},
	{"form feed is a blank", "\fa\f1", `"a"="1"@1`},
	{"escaped comment sign", `\#a=1`, `"#a"="1"@1`},
	{"only backslash lines", "\\\n\\\na=1", `"a"="1"@3`},
	{"bad unicode loses its line", "a=\\u12\nb=2", `"b"="2"@2`},
}

func TestLexer(t *testing.T) {
	for _, c := range lexCases {
		list, _ := entriesOf(c.text)
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprintf("%q=%q@%d", e.key, e.value, e.pos.Line))
		}
		if s := strings.Join(got, " "); strings.ReplaceAll(s, `\ufffd`, "�") != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, s, c.want)
		}
	}
}

func TestLexerLongLine(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	list, bad := entriesOf("a=" + long + "\nb=" + long[:maxLine-2] + "\n" + strings.Repeat("c\\\n", maxLine+9) + "\nd=1")
	if !bad || len(list) != 2 || list[0].key != "b" || list[1].key != "d" {
		t.Errorf("bad %t, %d entries", bad, len(list))
	}
}

func TestSubstitute(t *testing.T) {
	look := func(name string) string { return map[string]string{"a": "1", "b": "${a}", "": "empty"}[name] }
	for _, c := range []struct {
		in, want string
		err      error
	}{
		{"x", "x", nil}, {"${a}", "1", nil}, {"<${a}${a}>", "<11>", nil}, {"${b}", "${a}", nil}, {"${none}", "", nil},
		{"${}", "empty", nil}, {"${a", "${a", errUnclosed}, {"${a}${", "${a}${", errUnclosed}, {"$a {}", "$a {}", nil}, {"${x${a}", "", nil},
	} {
		if got, err := substitute(c.in, look); got != c.want || err != c.err {
			t.Errorf("%q: %q, %v; want %q, %v", c.in, got, err, c.want, c.err)
		}
	}
	blow := strings.Repeat("${a}", 100)
	if _, err := substitute(blow, func(string) string { return strings.Repeat("x", maxLine) }); err != errTooLong {
		t.Error("a blown-up value passed:", err)
	}
}

// program prints what java.util.Properties makes of each base64 line.
const program = `
import java.io.*; import java.util.*; import java.nio.charset.StandardCharsets;
public class Dump {
  static String b64(String s) { return Base64.getEncoder().encodeToString(s.getBytes(StandardCharsets.UTF_8)); }
  public static void main(String[] a) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      Properties p = new Properties();
      try { p.load(new ByteArrayInputStream(Base64.getDecoder().decode(line))); }
      catch (IllegalArgumentException e) { System.out.println("ERR"); continue; }
      StringBuilder s = new StringBuilder();
      for (String k : new TreeSet<>(p.stringPropertyNames())) s.append(b64(k)).append('=').append(b64(p.getProperty(k))).append(' ');
      System.out.println("OK " + s);
    }
  }
}`

// TestLexerAgainstJava feeds thousands of small nasty files to the lexer and
// to java.util.Properties.
func TestLexerAgainstJava(t *testing.T) {
	java, err := exec.LookPath("java")
	if err != nil || testing.Short() {
		t.Skip("skipped: no java in PATH, or -short: the lexer is not compared with java.util.Properties")
	}
	texts := javaTexts()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dump.java"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	for _, s := range texts {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(s)) + "\n")
	}
	cmd := exec.Command(java, filepath.Join(dir, "Dump.java"))
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Skip("skipped: this java cannot run a source file:", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan() && n < len(texts); n++ {
		if got, want := javaDump(texts[n]), strings.TrimRight(lines.Text(), " "); got != want {
			t.Errorf("%q:\n got %s\njava %s", texts[n], got, want)
		}
	}
	if n != len(texts) {
		t.Errorf("java answered %d of %d", n, len(texts))
	}
}

func javaTexts() []string {
	var texts []string
	for _, c := range lexCases {
		if !strings.Contains(c.name, "pair") { // Java keeps halves, UTF-8 cannot
			texts = append(texts, c.text)
		}
	}
	pieces := []string{"a", "b", "=", ":", " ", "\t", "\f", "\\", "\n", "\r", "\r\n", "#", "!", "\\u0041", "\\u00", "\\\n", "\\\r\n", "\xe4", "\x00", "k=v", "\n\n", "\\\\"}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		var s strings.Builder
		for range 1 + rnd.IntN(14) {
			s.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		texts = append(texts, s.String())
	}
	return texts
}

func javaDump(text string) string {
	list, bad := entriesOf(text)
	if bad {
		return "ERR"
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	m := map[string]string{}
	for _, e := range list {
		m[e.key] = e.value
	}
	s := []string{"OK"}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		s = append(s, b64(k)+"="+b64(m[k]))
	}
	return strings.Join(s, " ")
}

// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lateral/javaser"
	"lateral/jcs"
)

var remake = flag.Bool("remake", false, "write the golden files of jcs and javaser anew, from what real Java nodes send")

// TestGoldens has java/Capture.java write down what real nodes send and answer,
// and wants what is in jcs/testdata/golden, but for what differs each time.
func TestGoldens(t *testing.T) {
	if !inside(t) {
		return
	}
	each(t, func(t *testing.T, g generation) {
		golden := filepath.Join("../jcs/testdata/golden", "jcs-"+g.name)
		fresh := capture(t, g)
		if *remake {
			put := exec.Command("sh", "-c", `rm -rf "$2" && mkdir -p "$2" && cp "$1"/* "$2"`, "", fresh, golden)
			if out, err := put.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		same(t, golden, fresh, func(name string, b []byte) []byte { return neutral(t, g, name, b) })
	})
}

// capture runs Capture and returns the directory with what it wrote.
func capture(t *testing.T, g generation) string {
	out, work := t.TempDir(), t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(work, "hosts") // JCS 1.3 announces what the host's name stands for
	if err := os.WriteFile(hosts, []byte("10.77.0.1 "+host+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(work, "a"), 0o755); err != nil { // the JVM wants it to be there from the start
		t.Fatal(err)
	}
	classes := filepath.Join(tools.dir, "classes") + ":" + filepath.Join(tools.dir, g.profile, "*")
	cmd := exec.Command("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Djdk.net.hosts.file="+hosts, "-cp", filepath.Join(work, "a")+":"+classes,
		"Capture", g.root, out, work, classes)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("JCS %s: %v\n%.3000s", g.name, err, said)
	}
	return out
}

// same compares the files of two directories.
func same(t *testing.T, golden, fresh string, neutral func(name string, b []byte) []byte) {
	want, have := names(t, golden), names(t, fresh)
	if fmt.Sprint(want) != fmt.Sprint(have) || len(want) == 0 {
		t.Errorf("in %s are %v, and not %v: -remake writes them anew", golden, want, have)
		return
	}
	for _, name := range want {
		w, h := read(t, filepath.Join(golden, name)), read(t, filepath.Join(fresh, name))
		if w, h = neutral(name, w), neutral(name, h); !bytes.Equal(w, h) {
			at := 0
			for at < min(len(w), len(h)) && w[at] == h[at] {
				at++
			}
			t.Errorf("%s/%s: a new capture differs at byte %d of %d:\n%.100q\nwas\n%.100q", golden, name, at, len(w), h[max(0, at-20):], w[max(0, at-20):])
		}
	}
}

func names(t *testing.T, dir string) (out []string) {
	list, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func read(t *testing.T, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".hex") {
		if b, err = hex.DecodeString(strings.ReplaceAll(string(b), "\n", "")); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return b
}

// neutral is a capture without what differs each time: who sent it, when, from
// which port, and what serializers add.
func neutral(t *testing.T, g generation, name string, b []byte) (out []byte) {
	if !strings.HasSuffix(name, ".hex") {
		return b
	}
	t.Helper()
	add := func(v javaser.Value, err error) {
		if err == nil {
			blank(v, map[javaser.Value]bool{})
			var s []byte
			if s, err = javaser.Encode(v); err == nil {
				out = append(out, s...)
				return
			}
		}
		if _, reset := v.(javaser.Reset); !reset {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, "reset"...)
	}
	ser := jcs.Serializer{Compress: strings.Contains(name, "compressing"), GCM: strings.Contains(name, "gcm")}
	if strings.Contains(name, "encrypting") {
		ser.Key = "my_super_secret"
	}
	switch {
	case strings.HasPrefix(name, "udp_"):
		add(javaser.NewBytesDecoder(b, javaser.Limits{}).Next())
		out = append(out, fmt.Sprint(" of ", len(b))...)
	case g.profile == "jcs3":
		for len(b) > 0 {
			n := 4 + int(binary.BigEndian.Uint32(b))
			s, err := ser.Open(b[4:n])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			add(javaser.Decode(s, javaser.Limits{}))
			b = b[n:]
		}
	case strings.Contains(name, "s2c"):
		for len(b) > 0 {
			d := javaser.NewBytesDecoder(b, javaser.Limits{})
			add(d.Next())
			b = b[d.Offset():]
		}
	default:
		for d := javaser.NewBytesDecoder(b, javaser.Limits{}); ; {
			v, err := d.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			add(v, err)
		}
	}
	return out
}

// blank takes ids, times and ports out of the objects of a tree.
func blank(v javaser.Value, met map[javaser.Value]bool) {
	switch v := v.(type) {
	case *javaser.Object:
		if met[v] {
			return
		}
		met[v] = true
		for i := range v.Parts {
			p := &v.Parts[i]
			at := 0
			for _, f := range p.Class.Fields {
				n := map[byte]int{'B': 1, 'Z': 1, 'C': 2, 'S': 2, 'I': 4, 'F': 4, 'J': 8, 'D': 8}[f.Type]
				switch f.Name {
				case "requesterId", "createTime", "lastAccessTime", "port":
					clear(p.Prim[at : at+n])
				}
				at += n
			}
			for _, inner := range append(p.Refs[:len(p.Refs):len(p.Refs)], p.Custom...) {
				blank(inner, met)
			}
		}
	case *javaser.Array:
		if !met[v] {
			met[v] = true
			for _, inner := range v.Refs {
				blank(inner, met)
			}
		}
	}
}

// TestJavaGoldens does the same with what javaser/testdata/Golden.java writes,
// which is all determined.
func TestJavaGoldens(t *testing.T) {
	needJava(t)
	const golden = "../javaser/testdata/java"
	fresh := t.TempDir()
	if *remake {
		fresh = golden
	}
	if out, err := exec.Command("java", "../javaser/testdata/Golden.java", fresh).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	same(t, golden, fresh, func(_ string, b []byte) []byte { return b })
}

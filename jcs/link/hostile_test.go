// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"lateral/cache"
	"lateral/internal/hostile"
	"lateral/javaser"
	"lateral/jcs"
)

var costs = flag.String("costs", "", "write what each attack costs to this file (benchmarks/results/hostile.txt)")

// A cost is what an attack took of this process, all told.
type cost struct {
	name            string
	sent, allocated uint64
	cpu             time.Duration
	end             string
}

func spent() (cpu time.Duration, allocated uint64) {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), m.TotalAlloc
}

// An attack is what somebody sends who is taken for a Java node.
type attack struct {
	name   string
	bytes  []byte
	whole  bool // a message, which is applied
	denied bool
}

// attacks are the hostile streams, as frames and as streams, instead of a
// message and as the value of one.
func attacks(t *testing.T) (out []attack) {
	frame := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	for _, c := range hostile.Cases() {
		out = append(out, attack{"frame: " + c.Name, frame(c.Stream), false, c.Denied})
		if strings.HasPrefix(string(c.Stream), "\xac\xed") {
			out = append(out, attack{"stream: " + c.Name, c.Stream, false, c.Denied})
		}
		if !c.Whole {
			continue
		}
		v, err := javaser.Decode(c.Stream, javaser.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range []*jcs.Generation{jcs.JCS133, jcs.JCS3} {
			m := update("k", "", 0)
			m.Gen, m.Region, m.Value, m.Requester = g, "alpha", v, 99
			b, err := jcs.NewWriter(g, jcs.Serializer{}).Encode(&m)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, attack{"value, JCS " + g.Name + ": " + c.Name, append([]byte(nil), b...), !c.Denied, c.Denied})
		}
	}
	huge := append(binary.BigEndian.AppendUint32(nil, jcs.MaxFrame), "\xac\xed\x00\x05"...)
	return append(out, attack{"frame: 97 MiB declared, none there", huge, false, false},
		attack{"frame: 2^31-1 bytes declared", []byte("\x7f\xff\xff\xff\xac\xed\x00\x05"), false, false})
}

// TestHostile sends each attack on a connection of its own, closes it, and
// wants it refused, counted and logged, or held as the value that it is, at a
// cost in proportion to what was sent; and the node then answers as before.
func TestHostile(t *testing.T) {
	var lines lockedText
	r := newRig(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&lines, nil)); c.Log = nil })
	r.often.SetLimit(1e9)
	var all []cost
	for _, a := range attacks(t) {
		before := r.Counters()
		said := len(lines.String())
		cpu, allocated := spent()
		c, err := net.Dial("tcp", r.ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Write(a.bytes) // which ends early if it is refused early
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c) // until it was read
		c.Close()
		ended := func() int64 {
			n := r.Counters()
			return n["jcs_refused"] + n["jcs_skipped"] + n["jcs_messages_in"]
		}
		await(t, a.name+": an end", func() bool { return ended() > before["jcs_refused"]+before["jcs_skipped"]+before["jcs_messages_in"] })
		if !a.whole { // the connection's goroutine counts, and then logs, also that it has ended
			await(t, a.name+": a line in the log", func() bool {
				log := lines.String()[said:]
				return log != "" && (!a.denied || strings.Contains(log, "a class that is refused"))
			})
		}
		cpu2, allocated2 := spent()
		k := cost{a.name, uint64(len(a.bytes)), allocated2 - allocated, cpu2 - cpu, "refused"}
		now := r.Counters()
		switch refused := now["jcs_refused"] + now["jcs_skipped"] - before["jcs_refused"] - before["jcs_skipped"]; {
		case a.whole:
			k.end = "held"
			if refused != 0 || r.value("k") == "" {
				t.Errorf("%s: it is a value like others; refused %d times", a.name, refused)
			}
		case refused != 1:
			t.Errorf("%s: refused %d times", a.name, refused)
		}
		// All that was allocated one after the other, lists anew each time that they grew: several times what is there at once.
		if k.allocated > uint64(2<<20+96*len(a.bytes)) && k.allocated > javaser.DefaultMemory || k.allocated > 4*javaser.DefaultMemory {
			t.Errorf("%s: %d bytes were allocated for %d", a.name, k.allocated, k.sent)
		}
		all = append(all, k)
	}
	d := r.dialler(jcs.JCS3)
	d.send(update("after", "v", 0))
	d.fence()
	if r.value("after") != "v" {
		t.Error("afterwards nothing is taken any more")
	}
	all = append(all, flooded(t))
	if *costs != "" {
		write(t, all)
	}
}

// A stuck region does nothing until it is let go.
type stuck struct {
	Region
	free chan struct{}
}

func (s stuck) Apply(now int64, c cache.Command) (cache.Reply, error) {
	<-s.free
	return s.Region.Apply(now, c)
}

// flooded has more connections write more than is read ahead of them, while
// nothing that they say is carried out.
func flooded(t *testing.T) cost {
	const connections, each = 20, 8 << 20
	free := make(chan struct{})
	r := newRig(t, func(c *Config) {
		region := c.Region
		c.Region = func(name string) (Region, bool) { r, ok := region(name); return stuck{r, free}, ok }
	})
	m := update("k", strings.Repeat("x", 1000), 0)
	m.Gen, m.Region, m.Requester = jcs.JCS3, "alpha", 99
	b, err := jcs.NewWriter(jcs.JCS3, jcs.Serializer{}).Encode(&m)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Repeat(b, each/len(b))
	k := cost{name: fmt.Sprintf("%d connections write %d MiB each, and nothing is applied: read ahead", connections, each>>20), end: "held"}
	cpu, allocated := spent()
	for range connections {
		c, err := net.Dial("tcp", r.ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go c.Write(b) // which may have to wait
	}
	settled := func() bool {
		n := r.Counters()["jcs_bytes_in"]
		if r.ahead.Load() < aheadAll || n == 0 {
			return false
		}
		time.Sleep(200 * time.Millisecond)
		return r.Counters()["jcs_bytes_in"] == n
	}
	await(t, "no more is read", settled)
	cpu2, allocated2 := spent()
	k.cpu, k.allocated, k.sent = cpu2-cpu, allocated2-allocated, uint64(r.Counters()["jcs_bytes_in"])
	if n := r.ahead.Load(); n > aheadAll+connections*(aheadLeast+2*pieceMost) || k.allocated > 2*uint64(n) {
		t.Errorf("%d bytes are read ahead, %d were allocated", n, k.allocated)
	}
	close(free)
	return k
}

func write(t *testing.T, all []cost) {
	f, err := os.Create(*costs)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintf(f, "go test ./jcs/link -run Hostile -costs FILE: one connection each; what sender and receiver, in one process, used\nmachine: %d cores, %s/%s, %s, %s\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2006-01-02"))
	tw := tabwriter.NewWriter(f, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "bytes in\tbytes allocated\tCPU\tend\t attack")
	for _, k := range all {
		fmt.Fprintf(tw, "%d\t%d\t%v\t%s\t %s\n", k.sent, k.allocated, k.cpu.Round(100*time.Microsecond), k.end, k.name)
	}
	tw.Flush()
}

// TestHostileHash asks again and again for the hash of a value that has 2^60
// elements when spelled out: each question costs what the value's stream does.
func TestHostileHash(t *testing.T) {
	r := newRig(t, nil)
	d := r.dialler(jcs.JCS3)
	for _, s := range []*hostile.Stream{hostile.SetBomb(60), hostile.Shared(2000, 1<<20)} {
		v, err := javaser.Decode(s.Bytes(), javaser.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m := update("k", "", 0)
		m.Value = v
		d.send(m)
		for range 20 {
			m := remove(text("k"))
			m.Hash = 7
			d.send(m)
			m2 := update("k", "", 0)
			m2.Value = v
			d.send(m2)
		}
		d.fence() // which would not come in years
	}
}

// TestDrip: whoever sends a message a byte at a time has two minutes for it;
// whoever sends none may be silent for ever.
func TestDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{Requester: ourID, Gen: jcs.JCS3, Receive: true, Regions: func() []Region { return nil }, Region: func(string) (Region, bool) { return nil, false }})
		for _, g := range []*jcs.Generation{jcs.JCS133, jcs.JCS3} {
			m := update("k", strings.Repeat("v", 1000), 0)
			m.Gen, m.Region, m.Requester = g, "alpha", 99
			b, err := jcs.NewWriter(g, jcs.Serializer{}).Encode(&m)
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := net.Pipe()
			done := make(chan bool)
			go func() { l.Serve(t.Context(), ours, nil); close(done) }()
			time.Sleep(24 * time.Hour)
			if !g.Framed {
				theirs.Write(b[:4]) // the header alone is no message
				b = b[4:]
				time.Sleep(24 * time.Hour)
			}
			if n := l.Counters()["jcs_refused"]; n != 0 {
				t.Errorf("JCS %s: silence is refused", g.Name)
			}
			began := time.Now()
			sent := 0
			for _, c := range b {
				if _, err := theirs.Write([]byte{c}); err != nil {
					break
				}
				sent++
				time.Sleep(time.Second)
			}
			<-done
			theirs.Close()
			if took := time.Since(began); took < messageTime || took > messageTime+5*time.Second || sent == len(b) {
				t.Errorf("JCS %s: %d of %d bytes within %v", g.Name, sent, len(b), took)
			}
			if n := l.Counters()["jcs_refused"]; n != 1 {
				t.Errorf("JCS %s: refused %d times", g.Name, n)
			}
			l.counters.refused.Store(0)
		}
	})
}

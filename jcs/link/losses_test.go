// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// losses shows the ledger in lines.
func (r *rig) losses() (lines []string) {
	list, relayed := r.Losses()
	for _, l := range list {
		lines = append(lines, fmt.Sprintf("%s|%s|%s|%s|%.40s|%d|%s", l.Kind, l.Way(), l.Region, l.Class, l.Why, l.Count, l.Key))
	}
	for _, x := range relayed {
		lines = append(lines, fmt.Sprintf("relayed|%s → %s|%d", x.From, x.To, x.Changes))
	}
	return lines
}

func (r *rig) loses(want ...string) {
	r.t.Helper()
	var got []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got = r.losses(); slices.Equal(got, want) {
			return
		}
	}
	r.t.Errorf("the ledger has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
}

func object(name string) *javaser.Object {
	class := &javaser.Class{Name: name, UID: 1, Flags: javaser.Serializable}
	return &javaser.Object{Class: class, Parts: []javaser.Part{{Class: class}}}
}

const gadget = "org.apache.commons.collections.functors.InvokerTransformer"

// TestUntoldIsNamed: what is held here and can't be sent is counted by cause,
// and so is what a Java node asks for and can't be given.
func TestUntoldIsNamed(t *testing.T) {
	r, l := newRig(t, nil), newListener(t)
	r.Announced(l.addr(), &jcs.Packet{Gen: jcs.JCS3, Requester: 5, Regions: []string{"alpha"}})
	c, in := l.accept()
	bad, err := jcs.ValueOf(object(gadget))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"gadget1", "gadget2"} {
		r.do(cache.Command{Op: cache.Put, Key: key, Value: bad})
	}
	r.do(cache.Command{Op: cache.Put, Key: "hash", Value: cache.Value{Bytes: "x", Form: cache.FormHash}})
	r.do(cache.Command{Op: cache.Put, Key: "bad \xff", Value: cache.Value{Bytes: "v"}})
	r.do(cache.Command{Op: cache.RemoveTag, Key: "tag"})
	r.put("good", "v")
	if m := read(t, c, &in); m.Key.(*javaser.String).S != "good" {
		t.Errorf("%+v", m)
	}
	d := r.dialler(jcs.JCS133)
	d.send(jcs.Message{Op: jcs.Get, Hash: jcs.NoHash, Element: jcs.Element{Key: text("gadget1")}})
	if v := d.reply(); v != nil {
		t.Error(tree(v))
	}
	r.loses("untold|lateral → jcs-3|alpha|"+gadget+"|JCS refuses the class|2|gadget2",
		"untold|lateral → jcs-1.3|alpha|"+gadget+"|JCS refuses the class|1|gadget1",
		"untold|lateral → jcs-3|alpha||a hash of Redis's fields, which Java has|1|hash",
		"untold|lateral → jcs-3|alpha||a key that is not UTF-8|1|"+cache.KeyText("bad \xff"),
		"untold|lateral → jcs-3|alpha||a tag was removed, and JCS has none: Jav|1|tag")
	if n := r.Counters()["jcs_untold"]; n != 6 {
		t.Errorf("%d", n)
	}
}

// TestRefusedIsNamed: what a Java node says and is not taken has its class
// named.
func TestRefusedIsNamed(t *testing.T) {
	r := newRig(t, nil)
	d := r.dialler(jcs.JCS3)
	d.send(update("good", "v", 0))
	m := update("k", "", 0)
	m.Value = object(gadget)
	d.send(m)
	d.fence()
	r.loses("refused|jcs-3 → lateral||" + gadget + "|JCS refuses the class|1|")
}

// TestBridgeNamesClasses: a bridge says which way values with classes of the
// application's own went, and what it passed on.
func TestBridgeNamesClasses(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Bridge = true })
	old, young := newListener(t), newListener(t)
	r.Announced(old.addr(), &jcs.Packet{Gen: jcs.JCS133, Requester: 5, Regions: []string{"alpha"}})
	r.Announced(young.addr(), &jcs.Packet{Gen: jcs.JCS2, Requester: 6, Regions: []string{"alpha"}})
	oc, oin := old.accept()
	yc, yin := young.accept()
	await(t, "both connections", func() bool { links, _ := r.Status(); return len(links) == 2 })
	from := r.dialler(jcs.JCS3)
	m := update("k", "", 0)
	m.Value = javaser.List([]javaser.Value{object("com.example.Person"), object("com.example.Mail")})
	from.send(m)
	m = update("", "v", 0)
	m.Key = object("com.example.Key")
	from.send(m)
	from.send(update("plain", "v", 0))
	for range 3 {
		read(t, oc, &oin)
		read(t, yc, &yin)
	}
	key, _, err := jcs.KeyOf(m.Key)
	if err != nil {
		t.Fatal(err)
	}
	const why = "only who has this class can read it"
	r.loses("class|jcs-3 → jcs-1.3|alpha|com.example.Key|"+why+"|1|"+cache.KeyText(key), "class|jcs-3 → jcs-1.3|alpha|com.example.Mail|"+why+"|1|k", "class|jcs-3 → jcs-1.3|alpha|com.example.Person|"+why+"|1|k",
		"class|jcs-3 → jcs-2|alpha|com.example.Key|"+why+"|1|"+cache.KeyText(key), "class|jcs-3 → jcs-2|alpha|com.example.Mail|"+why+"|1|k", "class|jcs-3 → jcs-2|alpha|com.example.Person|"+why+"|1|k",
		"relayed|jcs-3 → jcs-1.3|3", "relayed|jcs-3 → jcs-2|3")
}

// TestLedgerIsBounded: strangers can make up classes without end, and long ones.
func TestLedgerIsBounded(t *testing.T) {
	var l Links
	for i := range 10_000 {
		for _, kind := range []string{cache.LossUntold, cache.LossRefused, cache.LossClass} {
			l.ledger.note(cause{kind: kind, class: fmt.Sprint(i, strings.Repeat("x", 1000))}, 1, strings.Repeat("k", 1000), time.Now())
		}
	}
	list, _ := l.Losses()
	sum := int64(0)
	for _, x := range list {
		sum += x.Count
		if len(x.Class) > maxLossText || len(x.Key) > maxLossText {
			t.Errorf("%d, %d bytes", len(x.Class), len(x.Key))
		}
	}
	if len(list) > cache.MaxJavaLosses || sum != 30_000 {
		t.Errorf("%d losses, %d in all", len(list), sum)
	}
}

// TestBridgeFromTheStart: what is said while a node's settling time lasts is
// passed on to it afterwards.
func TestBridgeFromTheStart(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Bridge, c.Settle = true, 200*time.Millisecond })
	l := newListener(t)
	r.Announced(l.addr(), &jcs.Packet{Gen: jcs.JCS133, Requester: 5, Regions: []string{"alpha"}})
	c, in := l.accept()
	from := r.dialler(jcs.JCS3)
	from.send(update("early", "v", 0))
	from.fence()
	if m := read(t, c, &in); m.Key.(*javaser.String).S != "early" {
		t.Errorf("%+v", m)
	}
}

// SPDX-License-Identifier: Apache-2.0

package link

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// answer looks up what a Java node asks for, in memory only, and says so at
// once, also that there is nothing.
func (in *inbound) answer(m *jcs.Message, framed bool) error {
	l := in.l
	l.counters.questions.Add(1)
	v := l.find(m)
	if v == nil {
		l.counters.misses.Add(1)
	}
	b, err := jcs.AppendReply(nil, framed, &in.ser, v)
	if err != nil { // what is held has no form in Java: the caller is not to wait for it
		l.warn("an answer can't be written", "region", m.Region, "cause", err)
		if b, err = jcs.AppendReply(nil, framed, &in.ser, nil); err != nil {
			return err
		}
	}
	in.conn.SetWriteDeadline(time.Now().Add(l.c.AnswerTime)) // whoever asks and does not read is gone
	_, err = in.conn.Write(b)
	l.counters.bytesOut.Add(int64(len(b)))
	return err
}

// find returns what is to be answered, nil for a miss. A question makes no
// region. Who only listens has nothing: an answer would be kept by the caller.
func (l *Links) find(m *jcs.Message) javaser.Value {
	var all []Region
	if !l.c.ListenOnly {
		all = l.c.Regions()
	}
	i := slices.IndexFunc(all, func(r Region) bool { return r.Name() == m.Region })
	var r Region
	if i >= 0 {
		r = all[i]
	}
	now := l.c.Now().UnixMilli()
	switch m.Op {
	case jcs.GetMatching:
		pattern, ok := m.Key.(*javaser.String)
		if r == nil || !ok {
			return javaser.HashMap(nil)
		}
		rep, err := r.Apply(now, cache.Command{Op: cache.GetMatching, Pattern: pattern.S})
		if err != nil {
			return javaser.HashMap(nil)
		}
		return l.matches(m.Gen, m.Region, rep.Elements)
	case jcs.GetKeySet:
		if r == nil {
			return javaser.HashSet(nil)
		}
		rep, _ := r.Apply(now, cache.Command{Op: cache.Keys})
		return keySet(m.Gen, m.Region, rep.Keys)
	}
	key, whole, err := jcs.KeyOf(m.Key)
	if r == nil || err != nil || whole {
		return nil
	}
	if e, ok := r.Get(now, key); ok {
		o, err := element(m.Gen, m.Region, &e)
		if err == nil {
			return o
		}
		l.untold("", m.Gen, m.Region, key, err)
	}
	return nil
}

// errNull: to JCS an element without a value is none.
var errNull = errors.New("its value is null")

// element is a held element as a generation writes it.
func element(g *jcs.Generation, region string, e *cache.Element) (*javaser.Object, error) {
	key, err := g.JavaKey(region, e.Key)
	if err != nil {
		return nil, err
	}
	value, err := jcs.Java(e.Value)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, errNull
	}
	out := jcs.Element{Region: region, Key: key, Value: value, Attr: jcs.AttributesOf(e)}
	return out.Object(g), nil
}

// matches answers with what a Java node can understand of the elements.
func (l *Links) matches(g *jcs.Generation, region string, list []cache.Element) javaser.Value {
	var flat []javaser.Value
	for i := range list {
		o, err := element(g, region, &list[i])
		key, kerr := g.JavaKey(region, list[i].Key)
		if err = cmp.Or(err, kerr); err != nil {
			l.untold("", g, region, list[i].Key, err)
			continue
		}
		flat = append(flat, key, o)
	}
	return javaser.HashMap(flat)
}

func keySet(g *jcs.Generation, region string, keys []string) javaser.Value {
	var list []javaser.Value
	for _, k := range keys {
		if v, err := g.JavaKey(region, k); err == nil {
			list = append(list, v)
		}
	}
	return javaser.HashSet(list)
}

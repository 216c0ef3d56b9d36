// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"lateral/javaser"
)

// ErrProtocol is wrapped by every error about what a peer sent that is a Java
// object stream, but not what JCS sends.
var ErrProtocol = errors.New("not a message of JCS")

// ParseMessage reads a message from a decoded object. The names that any
// generation gives a field are understood in all, unknown fields are skipped
// and missing ones have their default, as in Java.
func ParseMessage(v javaser.Value) (*Message, error) {
	o, err := object(v, "auxiliary.lateral.LateralElementDescriptor")
	if err != nil {
		return nil, err
	}
	m := &Message{Gen: GenerationOf(o.Class.Name), Hash: NoHash}
	f := fields{o}
	m.Requester = f.int64("requesterId")
	if h, ok := o.Field("valHashCode"); ok {
		m.Hash, _ = h.(int32)
	}
	if m.Op, err = f.op(); err != nil {
		return nil, err
	}
	e, err := ParseElement(f.value("ce", "payload"))
	switch {
	case err == nil:
		m.Element = *e
	case m.Op != Dispose: // which may come without
		return nil, fmt.Errorf("%s: %w", m.Op, err)
	}
	if m.Gen == JCS13 && m.Attr != nil && !e.Attr.old {
		m.Gen = JCS133
	}
	if m.Op == Update && (m.Value == nil || m.Attr == nil) {
		return nil, fmt.Errorf("%w: %s without a value or attributes", ErrProtocol, m.Op)
	}
	return m, nil
}

func (f fields) op() (Op, error) {
	switch c := f.value("command").(type) {
	case int32:
		if c > 0 && c <= int32(GetMatching) {
			return Op(c), nil
		}
		return 0, fmt.Errorf("%w: command %d", ErrProtocol, c)
	case *javaser.Enum:
		if i := slices.Index(opNames[:], c.Const.S); i > 0 {
			return Op(i), nil
		}
		return 0, fmt.Errorf("%w: command %.40q", ErrProtocol, c.Const.S)
	}
	return 0, fmt.Errorf("%w: no command", ErrProtocol)
}

// ParseElement reads a CacheElement.
func ParseElement(v javaser.Value) (*Element, error) {
	o, err := object(v, "engine.CacheElement")
	if err != nil {
		return nil, err
	}
	f := fields{o}
	e := &Element{Key: f.value("key"), Value: f.value("val", "value")}
	name, ok := f.value("cacheName").(*javaser.String)
	if !ok || name.S == "" || len(name.S) > maxRegionName {
		return nil, fmt.Errorf("%w: an element without the name of a region, or one of more than %d bytes", ErrProtocol, maxRegionName)
	}
	e.Region, e.name = name.S, name
	if a := f.value("attr", "elementAttributes"); a != nil {
		e.Attr, err = parseAttributes(a)
	}
	return e, err
}

func parseAttributes(v javaser.Value) (*Attributes, error) {
	o, err := object(v, "engine.ElementAttributes")
	if err != nil {
		return nil, err
	}
	f := fields{o}
	a := &Attributes{Eternal: f.bool("IS_ETERNAL", "IsEternal"), Lateral: f.bool("IS_LATERAL", "IsLateral"), Remote: f.bool("IS_REMOTE", "IsRemote"),
		Spool: f.bool("IS_SPOOL", "IsSpool"), Size: int(f.int64("size")), unit: time.Second}
	_, a.old = o.Field("version")
	if n, ok := f.value("timeFactor").(int64); ok && n > 0 && n <= 1000*3600*24 {
		a.unit = time.Duration(n) * time.Millisecond
	}
	a.Created = f.time("createTime")
	a.MaxLife = f.lifetime(a.unit, "maxLifeSeconds", "maxLife", "MaxLife")
	a.MaxIdle = f.lifetime(a.unit, "maxIdleTimeSeconds", "maxIdleTime", "MaxIdleTime")
	if h, ok := f.value("mutableLastAccessTime").(*javaser.Object); ok {
		a.Accessed = fields{h}.time("lastAccessTime")
	} else {
		a.Accessed = f.time("lastAccessTime")
	}
	return a, nil
}

// object checks that v is an instance of a class of any generation.
func object(v javaser.Value, below string) (*javaser.Object, error) {
	o, ok := v.(*javaser.Object)
	if !ok {
		return nil, fmt.Errorf("%w: %s where %s should be", ErrProtocol, brief(v), below)
	}
	if g := GenerationOf(o.Class.Name); g == nil || o.Class.Name != g.Root+"."+below {
		return nil, fmt.Errorf("%w: class %.100q where %s should be", ErrProtocol, o.Class.Name, below)
	}
	return o, nil
}

// brief names a value in an error. A tree would be built as a whole to show its
// beginning.
func brief(v javaser.Value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case *javaser.String:
		return fmt.Sprintf("the string %.60q", v.S)
	case *javaser.Object:
		return fmt.Sprintf("class %.100q", v.Class.Name)
	case *javaser.Array:
		return fmt.Sprintf("array %.100q", v.Class.Name)
	case *javaser.Exception:
		return "exception of " + brief(v.Thrown)
	}
	return fmt.Sprintf("a %T", v)
}

// fields reads fields by any of several names.
type fields struct{ *javaser.Object }

func (f fields) value(names ...string) javaser.Value {
	for _, n := range names {
		if v, ok := f.Field(n); ok {
			return v
		}
	}
	return nil
}

func (f fields) bool(names ...string) bool {
	b, _ := f.value(names...).(bool)
	return b
}

func (f fields) int64(names ...string) int64 {
	switch n := f.value(names...).(type) {
	case int32:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// time reads milliseconds or an Instant. What lies outside the years 1970 to
// 9999 is taken for 1970.
func (f fields) time(name string) time.Time {
	t := time.UnixMilli(0)
	switch v := f.value(name).(type) {
	case int64:
		t = time.UnixMilli(v)
	case *javaser.Object:
		if p, ok := javaser.Scalar(v); ok {
			if at, ok := p.(time.Time); ok {
				t = at
			}
		}
	}
	if t.Unix() < 0 || t.Year() > 9999 {
		t = time.UnixMilli(0)
	}
	return t.UTC()
}

// lifetime reads a time in units, or a Duration. -1 of the unit, or a
// Duration below zero, is unlimited.
func (f fields) lifetime(unit time.Duration, names ...string) time.Duration {
	switch v := f.value(names...).(type) {
	case int64:
		switch {
		case v == -1:
			return -1
		case v <= 0:
			return time.Nanosecond // over at once, as in JCS
		case v > math.MaxInt64/int64(unit):
			return math.MaxInt64 / unit * unit
		}
		return time.Duration(v) * unit
	case *javaser.Object:
		if p, ok := javaser.Scalar(v); ok {
			if d, ok := p.(time.Duration); ok && d >= 0 {
				return max(d, time.Nanosecond)
			}
		}
	}
	return -1
}

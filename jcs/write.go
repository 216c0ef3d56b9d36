// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"encoding/binary"
	"fmt"
	"time"

	"lateral/javaser"
)

// make builds an object of the class, asking for the value of each field.
func (s *shape) make(get func(role) any) *javaser.Object {
	p := javaser.Part{Class: s.class}
	for i, r := range s.roles {
		switch v := get(r); s.class.Fields[i].Type {
		case 'Z':
			b := byte(0)
			if v.(bool) {
				b = 1
			}
			p.Prim = append(p.Prim, b)
		case 'I':
			p.Prim = binary.BigEndian.AppendUint32(p.Prim, uint32(v.(int32)))
		case 'J':
			p.Prim = binary.BigEndian.AppendUint64(p.Prim, uint64(v.(int64)))
		default:
			p.Refs = append(p.Refs, v)
		}
	}
	return &javaser.Object{Class: s.class, Parts: []javaser.Part{p}}
}

// Object builds the message as its generation writes it. The error says that
// the generation has no such operation.
func (m *Message) Object() (*javaser.Object, error) {
	g := m.Gen
	if !g.enums && m.Op > GetMatching || g == JCS13 && m.Op > Get || m.Op == 0 || int(m.Op) >= len(opNames) {
		return nil, fmt.Errorf("%s does not exist in JCS %s", m.Op, g.Name)
	}
	e := &m.Element
	if g == JCS4 && e.Attr == nil { // it is never null there
		now := time.Now()
		withAttr := *e
		withAttr.Attr = &Attributes{Eternal: true, Lateral: true, Remote: true, Spool: true, MaxLife: -1, MaxIdle: -1, Created: now, Accessed: now}
		e = &withAttr
	}
	return g.descriptor.make(func(r role) any {
		switch r {
		case "requester":
			return m.Requester
		case "hash":
			return m.Hash
		case "element":
			return e.Object(g)
		}
		if g.enums {
			return g.commands[int(m.Op)]
		}
		return int32(m.Op)
	}), nil
}

// Object builds the element as a generation writes it.
func (e *Element) Object(g *Generation) *javaser.Object {
	return g.element.make(func(r role) any {
		switch r {
		case "attributes":
			if e.Attr == nil {
				return nil
			}
			return e.Attr.object(g)
		case "region":
			if e.name == nil {
				e.name = &javaser.String{S: e.Region}
			}
			return e.name
		case "key":
			return e.Key
		}
		return e.Value
	})
}

func (a *Attributes) object(g *Generation) *javaser.Object {
	unit := a.writeUnit(g)
	var times map[role]javaser.Value
	if g == JCS4 {
		times = a.newTimes(g)
	}
	return g.attributes.make(func(r role) any {
		switch r {
		case "eternal":
			return a.Eternal
		case "lateral":
			return a.Lateral
		case "remote":
			return a.Remote
		case "spool":
			return a.Spool
		case "size":
			return int32(a.Size)
		case "version":
			return int64(0)
		case "factor":
			return int64(unit / time.Millisecond)
		}
		if times != nil {
			return times[r]
		}
		switch r {
		case "created":
			return a.Created.UnixMilli()
		case "accessed":
			return a.Accessed.UnixMilli()
		case "life":
			return units(a.MaxLife, unit)
		}
		return units(a.MaxIdle, unit)
	})
}

// writeUnit is the unit of lifetimes: seconds unless that would lose something
// and the generation can say so.
func (a *Attributes) writeUnit(g *Generation) time.Duration {
	if g.Root == JCS13.Root {
		return time.Second
	}
	if a.unit > 0 {
		return a.unit
	}
	if a.MaxLife > 0 && a.MaxLife%time.Second != 0 || a.MaxIdle > 0 && a.MaxIdle%time.Second != 0 {
		return time.Millisecond
	}
	return time.Second
}

// units rounds up, so that nothing expires too early; 0 would be at once.
func units(d, unit time.Duration) int64 {
	if d <= 0 {
		return -1
	}
	return int64((d-1)/unit + 1)
}

// newTimes are the times as JCS 4 writes them. The time of the last access is
// that of creation, the very object, until there is one.
func (a *Attributes) newTimes(g *Generation) map[role]javaser.Value {
	created := javaser.Instant(a.Created)
	accessed := created
	if !a.Accessed.Equal(a.Created) {
		accessed = javaser.Instant(a.Accessed)
	}
	return map[role]javaser.Value{"created": created, "accessed": g.accessed.make(func(role) any { return accessed }),
		"life": duration(a.MaxLife), "idle": duration(a.MaxIdle), "handlers": javaser.List(nil)}
}

func duration(d time.Duration) javaser.Value {
	if d <= 0 {
		d = -time.Millisecond // off
	}
	return javaser.Duration(d)
}

// GroupKey builds the key of an element of a group (GroupAttrName). A nil name
// stands for the whole group.
func (g *Generation) GroupKey(region *javaser.String, group string, name javaser.Value) *javaser.Object {
	return g.attr.make(func(r role) any {
		switch r {
		case "name":
			return name
		case "group":
			return g.GroupID(region, group)
		}
		return nil // a text that Java fills in when it needs it
	})
}

// GroupID builds a GroupId, which as a key is a group in JCS 1.3.
func (g *Generation) GroupID(region *javaser.String, group string) *javaser.Object {
	return g.group.make(func(r role) any {
		switch r {
		case "region":
			return region
		case "group":
			return &javaser.String{S: group}
		}
		return nil
	})
}

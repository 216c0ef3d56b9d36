// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	maxTree   = 1 << 20         // bytes that Tree prints
	treeBytes = 32              // of an array of bytes, a block or a list of primitives
	treeText  = 4 << 10         // of one string
	maxTime   = 253402300800000 // ms of the year 10000, beyond which dates are numbers
)

// Tree prints a value for people: one line for each node, children indented,
// the JDK's numbers, dates and collections as what they mean. An object that
// is met twice is printed once and has a number. What would be longer than
// 1 MiB is cut, and says so.
func Tree(v Value) string {
	p := printer{met: map[Value]int{}, number: map[Value]int{}}
	p.count(v, 0)
	p.value(v, 0)
	if p.full() {
		return p.b.String()[:maxTree] + "\n… cut here\n"
	}
	return p.b.String()
}

type printer struct {
	b      strings.Builder
	met    map[Value]int // how often
	number map[Value]int // of what is met more than once, from 1
}

func (p *printer) full() bool { return p.b.Len() > maxTree }

// count finds what is met more than once.
func (p *printer) count(v Value, depth int) {
	switch v := v.(type) {
	case *Object:
		if p.met[v]++; p.met[v] > 1 || depth > DefaultDepth {
			return
		}
		for i := range v.Parts {
			p.countAll(v.Parts[i].Refs, depth)
			p.countAll(v.Parts[i].Custom, depth)
		}
	case *Array:
		if p.met[v]++; p.met[v] == 1 && depth <= DefaultDepth {
			p.countAll(v.Refs, depth)
		}
	case *Exception:
		p.count(v.Thrown, depth)
	}
}

func (p *printer) countAll(list []Value, depth int) {
	for _, v := range list {
		p.count(v, depth+1)
	}
}

// value prints a node from where the line stands, to the end of its last line.
func (p *printer) value(v Value, depth int) {
	if p.full() {
		return
	}
	switch v := v.(type) {
	case *Object:
		if t, ok := scalar(v); ok {
			p.b.WriteString(scalarText(t, v) + "\n")
		} else if !p.again(v) {
			p.object(v, depth)
		}
	case *Array:
		if !p.again(v) {
			p.array(v, depth)
		}
	case *Exception:
		p.b.WriteString("exception while writing: ")
		p.value(v.Thrown, depth)
	default:
		p.b.WriteString(leaf(v))
		p.b.WriteByte('\n')
	}
}

// again prints the number of what is printed already, and gives one to what
// will be met again.
func (p *printer) again(v Value) bool {
	if n := p.number[v]; n > 0 {
		fmt.Fprintf(&p.b, "#%d\n", n)
		return true
	}
	if p.met[v] > 1 {
		p.number[v] = len(p.number) + 1
	}
	return false
}

// leaf prints what has no children.
func leaf(v Value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case *String:
		if len(v.S) > treeText {
			return fmt.Sprintf("%s… (%d bytes)", strconv.Quote(v.S[:treeText]), len(v.S))
		}
		return strconv.Quote(v.S)
	case *Enum:
		return printable(v.Class.Name) + "." + printable(v.Const.S)
	case *Class:
		return "class description " + className(v)
	case *ClassRef:
		return "class " + className(v.Class)
	case Block:
		return "block " + hexBytes(v)
	case Char:
		return strconv.QuoteRune(rune(v)) + " (char)"
	case Reset:
		return "reset"
	}
	return fmt.Sprintf("%v (%s)", v, primitiveName(v))
}

func primitiveName(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case int8:
		return "byte"
	case int16:
		return "short"
	case int32:
		return "int"
	case int64:
		return "long"
	case float32:
		return "float"
	case Char:
		return "char"
	}
	return "double"
}

func className(c *Class) string {
	if c.Proxy != nil {
		return "proxy of " + printable(strings.Join(c.Proxy, ", "))
	}
	return printable(c.Name)
}

// printable keeps a name from doing harm on a terminal.
func printable(s string) string {
	q := strconv.Quote(s)
	if len(q) == len(s)+2 {
		return s
	}
	return q
}

func hexBytes(b []byte) string {
	if len(b) > treeBytes {
		return fmt.Sprintf("[%d] % x …", len(b), b[:treeBytes])
	}
	return fmt.Sprintf("[%d] % x", len(b), b)
}

// mark is the number of an object that is met again.
func (p *printer) mark(v Value) string {
	if n := p.number[v]; n > 0 {
		return " #" + strconv.Itoa(n)
	}
	return ""
}

func (p *printer) object(o *Object, depth int) {
	name := className(o.Class)
	short := name[strings.LastIndexByte(name, '.')+1:]
	if kind, list, ok := items(o); ok {
		p.items(o, short, kind, list, depth)
		return
	}
	p.b.WriteString(name + p.mark(o) + "\n")
	for i := range o.Parts {
		part := &o.Parts[i]
		for j := range part.Class.Fields {
			f := &part.Class.Fields[j]
			v, _ := part.Field(f.Name)
			p.child(depth+1, printable(f.Name)+" = ", v)
		}
		for _, v := range part.Custom {
			p.child(depth+1, "+ ", v)
		}
	}
}

func scalarText(s any, o *Object) string {
	short := o.Class.Name[strings.LastIndexByte(o.Class.Name, '.')+1:]
	switch s := s.(type) {
	case Char:
		return strconv.QuoteRune(rune(s)) + " (" + short + ")"
	case time.Duration:
		return s.String() + " (Duration)"
	case time.Time:
		if short == "Ser" {
			short = "Instant"
		}
		if ms := s.UnixMilli(); ms > -maxTime && ms < maxTime {
			return s.Format(time.RFC3339Nano) + " (" + short + ")"
		}
		return fmt.Sprintf("%d ms since 1970 (%s)", s.UnixMilli(), short)
	}
	return fmt.Sprintf("%v (%s)", s, short)
}

func (p *printer) items(o *Object, short, kind string, list []Value, depth int) {
	if kind != "map" {
		fmt.Fprintf(&p.b, "%s [%d]%s\n", short, len(list), p.mark(o))
		for i, v := range list {
			p.child(depth+1, strconv.Itoa(i)+": ", v)
		}
		return
	}
	fmt.Fprintf(&p.b, "%s {%d}%s\n", short, len(list)/2, p.mark(o))
	for i := 0; i+1 < len(list); i += 2 {
		if _, ok := list[i].(*String); ok {
			p.child(depth+1, leaf(list[i])+": ", list[i+1])
			continue
		}
		p.child(depth+1, "key ", list[i])
		p.child(depth+1, "  → ", list[i+1])
	}
}

func (p *printer) child(depth int, label string, v Value) {
	if p.full() {
		return
	}
	p.b.WriteString(strings.Repeat("  ", depth) + label)
	p.value(v, depth)
}

func (p *printer) array(a *Array, depth int) {
	t := a.Class.elem()
	switch w := width(t); {
	case t == 'B':
		fmt.Fprintf(&p.b, "byte%s%s\n", hexBytes(a.Prim), p.mark(a))
	case w > 0:
		var list []string
		for i := range min(a.Len(), treeBytes) {
			list = append(list, fmt.Sprint(a.Elem(i)))
		}
		if a.Len() > treeBytes {
			list = append(list, "…")
		}
		fmt.Fprintf(&p.b, "%s[%d]%s %s\n", arrayName(a.Class), a.Len(), p.mark(a), strings.Join(list, " "))
	default:
		fmt.Fprintf(&p.b, "%s [%d]%s\n", arrayName(a.Class), a.Len(), p.mark(a))
		for i, v := range a.Refs {
			p.child(depth+1, strconv.Itoa(i)+": ", v)
		}
	}
}

// arrayName spells "[[Ljava.lang.String;" as Java's source does, without the
// innermost brackets, which get the length.
func arrayName(c *Class) string {
	name := strings.TrimLeft(c.Name, "[")
	if t, ok := strings.CutPrefix(name, "L"); ok {
		name = strings.TrimSuffix(t, ";")
	} else if name != "" && width(name[0]) > 0 {
		name = primitiveName(primitive(name[0], make([]byte, 8)))
	}
	return printable(name) + strings.Repeat("[]", strings.Count(c.Name[:len(c.Name)-len(strings.TrimLeft(c.Name, "["))], "[")-1)
}

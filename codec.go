// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"encoding"
	"encoding/json"
	"fmt"
)

// A Codec makes bytes of values and values of bytes. It must be safe for
// concurrent use.
//
// What a codec made bytes of is kept beside them, and is what Get returns on
// the node that put it, with no decoding and no copy: values that contain
// pointers, slices or maps are shared by all who get them, and must not be
// changed after they were put or got. Values that a peer put are decoded by
// each Get.
type Codec[V any] interface {
	Append(b []byte, v V) ([]byte, error)
	Decode(s string) (V, error)
}

// Text is the codec of strings: their bytes. Nothing is ever decoded, and what
// Java nodes and clients of the Redis protocol write is read, too: of Java's
// other types their texts (jcs.Text).
var Text Codec[string] = text{}

type text struct{}

func (text) Append(b []byte, v string) ([]byte, error) { return append(b, v...), nil }
func (text) Decode(s string) (string, error)           { return s, nil }

// Bytes is the codec of byte slices: what they hold. nil comes back as nil or
// as an empty slice.
var Bytes Codec[[]byte] = raw{}

type raw struct{}

func (raw) Append(b []byte, v []byte) ([]byte, error) { return append(b, v...), nil }
func (raw) Decode(s string) ([]byte, error)           { return []byte(s), nil }

// JSON returns the codec of values as encoding/json writes and reads them:
// what other programs of the cluster can read, and versions of this one that
// have fields more or less.
func JSON[V any]() Codec[V] { return jsonOf[V]{} }

type jsonOf[V any] struct{}

func (jsonOf[V]) Append(b []byte, v V) ([]byte, error) {
	j, err := json.Marshal(v)
	return append(b, j...), err
}

func (jsonOf[V]) Decode(s string) (v V, err error) {
	err = json.Unmarshal([]byte(s), &v)
	return v, err
}

// Binary returns the codec of a type that writes and reads itself in binary, as
// time.Time and what protocol compilers make do: codec := Binary[time.Time]().
// If it is an encoding.BinaryAppender, too, no buffer is made for it. Bytes
// come from the network: UnmarshalBinary must be ready for any.
func Binary[V any, P interface {
	*V
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}]() Codec[V] {
	return binaryOf[V, P]{}
}

type binaryOf[V any, P interface {
	*V
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}] struct{}

func (binaryOf[V, P]) Append(b []byte, v V) ([]byte, error) {
	if a, ok := any(P(&v)).(encoding.BinaryAppender); ok {
		return a.AppendBinary(b)
	}
	own, err := P(&v).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("%T: %w", v, err)
	}
	return append(b, own...), nil
}

func (binaryOf[V, P]) Decode(s string) (v V, err error) {
	err = P(&v).UnmarshalBinary([]byte(s))
	return v, err
}

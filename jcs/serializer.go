// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Serializer is what JCS 3 and 4 wrap around each stream, in frames and in
// datagrams. Both sides must have the same; nothing tells which.
type Serializer struct {
	Compress bool // CompressingSerializer: a zlib stream

	// EncryptingSerializer: initialization vector (12 bytes), salt (16), text
	// under AES-256. ECB, its default, shows which blocks are equal and does
	// not notice what was altered; GCM does neither.
	Key string // PreSharedKey; "" is no encryption
	GCM bool   // AesCipherTransformation=AES/GCM/NoPadding

	sealed func([]byte) ([]byte, error) // a key already derived, for writing
}

const (
	ivSize     = 12
	saltSize   = 16
	keyRounds  = 1000 // JCS: EncryptingSerializer
	keySize    = 32
	transECB   = "AES/ECB/PKCS5Padding"
	transGCM   = "AES/GCM/NoPadding"
	serializer = "utils.serialization."
)

// NewSerializer makes the serializer that a ccf names; class "" is the
// standard one.
func NewSerializer(class, preSharedKey, transformation string) (Serializer, error) {
	below := class
	if g := GenerationOf(class); g != nil {
		below = strings.TrimPrefix(class, g.Root+".")
	}
	switch below {
	case "", serializer + "StandardSerializer":
		return Serializer{}, nil
	case serializer + "CompressingSerializer":
		return Serializer{Compress: true}, nil
	case serializer + "EncryptingSerializer":
		if preSharedKey == "" {
			return Serializer{}, errors.New("an EncryptingSerializer without PreSharedKey: JCS can't make it either; add the key that the Java nodes have")
		}
		if transformation != "" && transformation != transECB && transformation != transGCM {
			return Serializer{}, fmt.Errorf("AesCipherTransformation %q: %s and %s are spoken", transformation, transECB, transGCM)
		}
		return Serializer{Key: preSharedKey, GCM: transformation == transGCM}, nil
	case serializer + "JSONSerializer":
		return Serializer{}, errors.New("JSONSerializer: no JCS node can send lateral messages with it (its mapper knows neither java.time nor the interfaces in a message); write StandardSerializer")
	}
	return Serializer{}, fmt.Errorf("serializer %q is none of JCS's", class)
}

// Standard reports whether streams are not wrapped at all.
func (s *Serializer) Standard() bool { return !s.Compress && s.Key == "" }

// Seal appends the wrapped stream to dst. The key of an EncryptingSerializer
// is derived once and then used for many messages, each with its own vector;
// so s is for one goroutine.
func (s *Serializer) Seal(dst, stream []byte) ([]byte, error) {
	switch {
	case s.Compress:
		buf := bytes.NewBuffer(dst)
		z, err := zlib.NewWriterLevel(buf, zlib.BestCompression)
		if err != nil {
			return dst, err
		}
		if _, err = z.Write(stream); err == nil {
			err = z.Close()
		}
		return buf.Bytes(), err
	case s.Key != "":
		return s.encrypt(dst, stream)
	}
	return append(dst, stream...), nil
}

func (s *Serializer) encrypt(dst, stream []byte) ([]byte, error) {
	if s.sealed == nil {
		salt := make([]byte, saltSize)
		rand.Read(salt) // never fails
		block, err := s.cipher(salt)
		if err != nil {
			return dst, err
		}
		s.sealed = func(stream []byte) ([]byte, error) {
			iv := make([]byte, ivSize, ivSize+saltSize+len(stream)+2*aes.BlockSize)
			rand.Read(iv)
			out := append(iv, salt...)
			if s.GCM {
				gcm, err := cipher.NewGCM(block)
				if err != nil {
					return nil, err
				}
				return gcm.Seal(out, iv[:ivSize], stream, nil), nil
			}
			at := len(out)
			pad := aes.BlockSize - len(stream)%aes.BlockSize
			out = append(append(out, stream...), bytes.Repeat([]byte{byte(pad)}, pad)...)
			for b := out[at:]; len(b) > 0; b = b[aes.BlockSize:] {
				block.Encrypt(b, b)
			}
			return out, nil
		}
	}
	out, err := s.sealed(stream)
	return append(dst, out...), err
}

func (s *Serializer) cipher(salt []byte) (cipher.Block, error) {
	key, err := pbkdf2.Key(sha256.New, s.Key, salt, keyRounds, keySize)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(key)
}

// errWrapped says what is likely wrong when a frame can't be opened.
func (s *Serializer) errWrapped(err error) error {
	return fmt.Errorf("%w: it can't be opened with the %s (%w); the peer's serializer, or its key, is another", ErrProtocol, s, err)
}

// String names the serializer as JCS does.
func (s *Serializer) String() string {
	switch {
	case s.Compress:
		return "CompressingSerializer"
	case s.GCM:
		return "EncryptingSerializer " + transGCM
	case s.Key != "":
		return "EncryptingSerializer " + transECB
	}
	return "StandardSerializer"
}

// Open unwraps what Seal, or Java, has wrapped. What decompresses to more than
// MaxFrame is refused.
func (s *Serializer) Open(b []byte) ([]byte, error) { return s.open(b, MaxFrame) }

func (s *Serializer) open(b []byte, most int64) ([]byte, error) {
	switch {
	case s.Compress:
		z, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, s.errWrapped(err)
		}
		out, err := io.ReadAll(io.LimitReader(z, most+1))
		if err == nil && int64(len(out)) > most {
			err = fmt.Errorf("more than %d bytes", most)
		}
		if err != nil {
			return nil, s.errWrapped(err)
		}
		return out, nil
	case s.Key != "":
		return s.decrypt(b)
	}
	return b, nil
}

func (s *Serializer) decrypt(b []byte) ([]byte, error) {
	if len(b) < ivSize+saltSize {
		return nil, s.errWrapped(fmt.Errorf("%d bytes are fewer than its vector and salt", len(b)))
	}
	iv, salt, text := b[:ivSize], b[ivSize:ivSize+saltSize], b[ivSize+saltSize:]
	block, err := s.cipher(salt)
	if err != nil {
		return nil, s.errWrapped(err)
	}
	if s.GCM {
		gcm, err := cipher.NewGCM(block)
		if err == nil {
			text, err = gcm.Open(nil, iv, text, nil)
		}
		if err != nil {
			return nil, s.errWrapped(err)
		}
		return text, nil
	}
	if len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, s.errWrapped(fmt.Errorf("%d bytes are no whole blocks", len(text)))
	}
	out := make([]byte, len(text))
	for i := 0; i < len(text); i += aes.BlockSize {
		block.Decrypt(out[i:], text[i:])
	}
	pad := int(out[len(out)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, s.errWrapped(errors.New("bad padding"))
	}
	return out[:len(out)-pad], nil
}

// SPDX-License-Identifier: Apache-2.0

// Package secret is the cluster's shared secret: reads it from a file, and
// makes of it what seals announcements and what both ends of a link prove
// themselves with.
//
// # The file
//
// A secret is 256 random bits. The file has one in each line, as 52 letters
// and digits of base32 (RFC 4648, lower case, no padding) or as 64 of
// hexadecimal; lines that are empty or begin with # are skipped:
//
//	# Cluster secret of Lateral, made 2026-11-22, fingerprint 4e0b2a91.
//	k5hx3b6q… (52 characters)
//
// All secrets of a file are valid at once; the first one sends. That is how a
// secret is replaced while the cluster runs (docs/security.md). The file must
// belong to the process's user or to root, and nobody else may read it.
//
// # What is made of it
//
// Every use has a key of its own, by HKDF-SHA256 (RFC 5869) with the purpose
// as info and no salt: the secret has full entropy.
//
//	"lateral fingerprint v1"     4 bytes, by which people and packets name a secret
//	"lateral announce mac v1"    32 bytes, HMAC-SHA256
//	"lateral announce names v1"  32 bytes, AES-256 in counter mode
//	"lateral authority v1"       32 bytes, seed of an Ed25519 key: the authority
//
// # Sealed announcements
//
// Seal encrypts, then authenticates (numbers are big-endian):
//
//	offset size
//	 0     4    fingerprint of the secret
//	 4     8    time of sending, milliseconds since 1970
//	12    16    nonce, random: also the first counter block
//	28          what is sealed, encrypted
//	end   32    HMAC-SHA256 of all before it
//
// A packet is believed within MaxAge of its time, and once on each interface:
// one that is sent on two interfaces may be heard on both.
//
// # Links
//
// The authority signs a certificate for each process, of a key that never
// leaves it, for a day; it names nobody, as whoever connects gets to see it.
// Links are TLS 1.3 only, both sides show such a certificate and check the
// other's. The dialler says the fingerprint of its secret in the clear (as
// server name), so that a listener with several answers with the same one,
// and one without it can say what is wrong. Nothing is resumed: each link is
// proven anew.
//
// # Fronts
//
// A Door judges the words (tokens, passwords) that clients of fronts send; a
// Certificate is what a front shows them. Neither is made of the secret.
//
// # Not defended
//
// Whoever has the secret is a member, and may do all that members may. There
// is no forward secrecy for announcements: who learns the secret later reads
// the names in those recorded. Sizes and times of what is sent can be seen.
package secret

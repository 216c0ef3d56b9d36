// SPDX-License-Identifier: Apache-2.0

// Package wire is the codec of the Redis protocol, RESP2 and RESP3, for the
// side that serves: it takes requests off a stream and appends replies to a
// buffer. It knows no command.
//
// A request is an array of bulk strings,
//
//	*2\r\n$3\r\nGET\r\n$1\r\nk\r\n
//
// or inline: a line of words, parted by spaces, where quotes keep a word with
// spaces or escapes together, as a person types it:
//
//	SET k "two words"\r\n
//
// Replies are those of the protocol's specification
// (https://redis.io/docs/latest/develop/reference/protocol-spec/). What RESP3
// has and RESP2 has not is written in the form that Redis gives it there: a map
// as an array of twice the length, a push as an array, a double as a bulk
// string, both nulls by their context.
//
// # Limits
//
// A declared length is compared with its limit before anything is allocated
// for it, and room is made as bytes arrive: a client that declares 64 MiB and
// sends ten bytes costs what ten bytes cost. Who has not yet authenticated has
// the limits that Redis gives strangers. The constants are in reader.go.
package wire

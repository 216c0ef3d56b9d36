// SPDX-License-Identifier: Apache-2.0

// Package javaser turns Java object streams into trees of plain values and
// back. It has never heard of JCS, and of Java's classes it knows the names of
// a few: nothing that a stream names is ever instantiated, looked up or run.
//
// # The stream
//
// This is the protocol of the Java Object Serialization Specification, chapter
// 6, version 5 of the stream and 2 of its blocks, which is what every Java
// since 1.2 writes. Numbers are big-endian.
//
//	stream    = AC ED 00 05 { content }
//	content   = object | block
//	object    = 70                                                            null
//	          | 71 int32 handle                                               reference
//	          | 72 …, 7D …                                                    a class description (see desc)
//	          | 73 desc [H] { part }                                          object
//	          | 74 [H] uint16 n, n bytes | 7C [H] int64 n, n bytes            string, modified UTF-8
//	          | 75 desc [H] int32 n, n × element                              array
//	          | 76 desc [H]                                                   class object
//	          | 7E desc [H] string                                            enum constant
//	          | 7B object                                                     exception: the writer failed; cuts what it stands in
//	          | 79                                                            reset; only between top-level contents
//	block     = 77 uint8 n, n bytes | 7A int32 n, n bytes
//	desc      = 70 | 71 int32 handle of a desc
//	          | 72 utf name, int64 UID [H] uint8 flags, uint16 n, n × field, { content } 78, desc of the superclass
//	          | 7D [H] int32 n, n × utf name, { content } 78, desc of the superclass      dynamic proxy
//	field     = one of B C D F I J S Z, utf name | one of [ L, utf name, string type
//	part      = values of the fields { content } 78 if flag 01 (writeObject)   for flag 02 (Serializable), topmost class first
//	          | { content } 78                                                for flags 04 and 08 (Externalizable), once
//	utf       = uint16 n, n bytes of modified UTF-8
//
// At each [H] the thing gets the next handle, from 7E0000 on; a reset and both
// ends of an exception begin anew. "string" is one of 74, 7C or a reference to
// such. A class description is complete before it can be referred to as one.
//
// What the bytes leave open, the writer has decided as Java's does: the same
// tree gives the same bytes. That holds for all captures of real nodes in
// jcs/testdata. What Java never writes is normalized: a long string or block
// that fits a short one, another spelling of a character, a boolean other than
// 0 and 1, and an object that an exception cut, of which nothing remains.
//
// # An example
//
// new ArrayList(Arrays.asList("cat", 7, "cat")):
//
//	ac ed 00 05                                header
//	73                                         object
//	72 00 13 6a 61 76 61 2e 75 74 69 6c 2e     class "java.util.ArrayList"
//	41 72 72 61 79 4c 69 73 74
//	78 81 d2 1d 99 c7 61 9d                    its UID; handle 7e0000
//	03 00 01                                   Serializable with writeObject; 1 field
//	49 00 04 73 69 7a 65                       int "size"
//	78 70                                      no annotation, no superclass
//	00 00 00 03                                handle 7e0001: the list; size = 3
//	77 04 00 00 00 03                          of writeObject: a block of 4 bytes, the capacity
//	74 00 03 63 61 74                          "cat", handle 7e0002
//	73                                         object
//	72 00 11 6a 61 76 61 2e 6c 61 6e 67 2e     class "java.lang.Integer"
//	49 6e 74 65 67 65 72
//	12 e2 a0 a4 f7 81 87 38                    its UID; handle 7e0003
//	02 00 01                                   Serializable; 1 field
//	49 00 05 76 61 6c 75 65                    int "value"
//	78                                         no annotation
//	72 00 10 6a 61 76 61 2e 6c 61 6e 67 2e     superclass "java.lang.Number", handle 7e0004
//	4e 75 6d 62 65 72
//	86 ac 95 1d 0b 94 e0 8b 02 00 00           its UID; Serializable; no fields
//	78 70                                      no annotation, no superclass
//	00 00 00 07                                handle 7e0005: the Integer; value = 7
//	71 00 7e 00 02                             the same "cat"
//	78                                         end of writeObject's data
//
// # Limits
//
// Depth, memory per value, memory kept for later references (Limits), 64
// superclasses and 4,096 fields per class are checked before anything is
// allocated; what a length declares is allocated as it arrives. A class that
// writes itself without blocks (protocol version 1) can be read by nobody but
// itself and is refused. So is what no Java writes, such as a primitive field
// behind a reference, or a class that is its own superclass.
//
// Classes by name can be refused as well (Limits.Deny). Of a stream that is
// never reset the oldest values are forgotten, their short texts last; a value
// that refers to one of them is lost (ErrForgotten), and the stream goes on.
//
// Sharing is kept, so a tree may be exponentially larger than its graph: who
// walks one counts its steps, as Plain, Hash and Tree do.
package javaser

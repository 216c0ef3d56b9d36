// SPDX-License-Identifier: Apache-2.0

// Package jcs speaks the lateral TCP cache protocol of Apache JCS and its
// discovery datagrams, in the class shapes of JCS 1.3, 1.3.3, 2, 3 and 4.
//
// The source is JCS's own: LateralTCPSender, LateralTCPListener,
// LateralElementDescriptor, UDPDiscoveryMessage and what they refer to; and the
// bytes of real nodes in testdata/wire.
//
// # Connections
//
// Who has something to say dials, and says it; the only bytes that ever come
// back are answers to questions. There is no handshake, no acknowledgement and
// no goodbye. The first bytes tell the generation's framing:
//
//	ac ed 00 05 …   JCS 1.3, 2: one Java object stream (package javaser) for ever. 1.3 resets
//	                it after each 70 messages, 2 never; we do so towards both
//	int32 n, n bytes, …   JCS 3, 4: frames, each a whole stream, wrapped by the serializer
//
// and the package of the first class the rest. An answer is a stream of its
// own, or a frame.
//
// # Messages
//
// One object, LateralElementDescriptor, with a command, the sender's
// requesterId, a hash, and a CacheElement: region, key, value, attributes. The
// names of its fields in each generation are in generation.go.
//
//	UPDATE        1   the element is stored as it is
//	REMOVE        2   key; hash, if it is not -1: do nothing if the value held has this Java hashCode.
//	                  A key that ends in ":" stands for all that start with it; a GroupId (1.3) or a
//	                  GroupAttrName without attrName (later) for a group
//	REMOVEALL     3   the region; the key is "ALL" and means nothing
//	DISPOSE       4   never sent
//	GET           5   is answered by the element, or null
//	GET_MATCHING  6   key is a regular expression for whole keys; is answered by a HashMap of key and element. Not in 1.3
//	GET_KEYSET        is answered by a HashSet of keys. From 2 on
//
// JCS 2 to 4 do not answer what they have not; their callers wait for a
// timeout. A null in place of silence is understood by all (AppendReply).
//
// # Serializers
//
// What JCS 3 and 4 wrap around each stream, in frames and datagrams:
//
//	StandardSerializer     nothing
//	CompressingSerializer  a zlib stream
//	EncryptingSerializer   12 bytes of vector, 16 of salt, text under AES-256 with the key
//	                       PBKDF2-HMAC-SHA256(PreSharedKey, salt, 1000); ECB, or GCM with 16 bytes of tag
//	JSONSerializer         can't carry these messages in any JCS; refused
//
// # Discovery
//
// One object, UDPDiscoveryMessage: PASSIVE (here I am), REQUEST (who is there?)
// or REMOVE (I leave; not in 1.3), with host, port, requesterId and the
// regions. What follows the object in a datagram is never looked at.
//
// # Keys and values
//
// A String is its text in UTF-8, so that it is the same key, or value, from Go,
// RESP and Java. A byte[] is its bytes (cache.FormByteArray). Keys that are
// numbers, booleans or elements of a group have a form of their own
// (cache.JavaKey, cache.GroupKey); every other key is its stream. Values of all
// other classes stay the streams they are (cache.FormJava): Read gives what the
// JDK's numbers, dates, lists, sets and maps mean, Make the inverse; Text that
// as a text and Parse the inverse; Tree a picture of any.
//
// # Order
//
// JCS has no versions: what arrives last counts. Here an element put by a Java
// node has the time of its creation there and the node's requesterId for its
// stamp, so that all Lateral nodes give it the same. A removal carries no time.
//
// # An example
//
// A JCS 1.3 node (>) asks for "exp" in region alpha. The other (<) has it not.
//
//	> ac ed 00 05                                                    a stream
//	73 72 "\x009org.apache.jcs.auxiliary.lateral.LateralElementDescriptor"   an object of this class
//	49 1c 7c 73 23 8b 77 57                                          its serialVersionUID
//	02 00 04                                                         4 fields
//	49 00 07 "command"                                               an int
//	4a 00 0b "requesterId"                                           a long
//	49 00 0b "valHashCode"                                           an int
//	4c 00 02 "ce"                                                    an object …
//	74 "\x00.Lorg/apache/jcs/engine/behavior/ICacheElement;" 78 70   … of this interface; no superclass
//	00 00 00 05                                                      command: GET
//	00 00 00 00 00 00 00 00                                          requesterId: questions have none
//	ff ff ff ff                                                      valHashCode: none
//	73 72 "\x00\"org.apache.jcs.engine.CacheElement"                 ce: an object of this class
//	ab de 5d 0f 41 01 11 81                                          its serialVersionUID
//	02 00 04                                                         4 fields
//	4c 00 04 "attr"
//	74 "\x003Lorg/apache/jcs/engine/behavior/IElementAttributes;"
//	4c 00 09 "cacheName"
//	74 00 12 "Ljava/lang/String;"
//	4c 00 03 "key"
//	74 00 16 "Ljava/io/Serializable;"
//	4c 00 03 "val"
//	71 00 7e 00 06                                                   the same "Ljava/io/Serializable;"
//	78 70                                                            no superclass
//	70                                                               attr: null
//	74 00 05 "alpha"                                                 cacheName
//	74 00 03 "exp"                                                   key
//	70                                                               val: null
//	< ac ed 00 05 70                                                 null
//
// # Limits
//
// A message has at most MaxFrame bytes, compressed or not, and the limits of
// package javaser; a region's name 1 KiB; a datagram 64 KiB, 4,096 regions and
// a host of 253 bytes. A message that is read to its end but makes no sense is
// refused (SkippedError) without the connection, as most Java nodes would
// never dial again. So is a frame with a class that JCS's own filter refuses; a
// stream with one ends, as later messages could refer to it. A message of a JCS
// 2 stream, which is never reset, that refers to what had to be forgotten
// (javaser.ErrForgotten) is skipped, too.
//
// # Not defended
//
// JCS has no authentication. Its EncryptingSerializer keeps strangers from
// reading, and with GCM from writing, but not from sending again what they
// have heard. Nothing of a peer's is ever instantiated.
package jcs

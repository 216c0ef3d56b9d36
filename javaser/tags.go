// SPDX-License-Identifier: Apache-2.0

package javaser

// header opens every stream: magic and version 5.
const header = "\xac\xed\x00\x05"

// The tags of a stream (java.io.ObjectStreamConstants, TC_*).
const (
	tcNull           = 0x70
	tcReference      = 0x71
	tcClassDesc      = 0x72
	tcObject         = 0x73
	tcString         = 0x74
	tcArray          = 0x75
	tcClass          = 0x76
	tcBlockData      = 0x77
	tcEndBlockData   = 0x78
	tcReset          = 0x79
	tcBlockDataLong  = 0x7a
	tcException      = 0x7b
	tcLongString     = 0x7c
	tcProxyClassDesc = 0x7d
	tcEnum           = 0x7e
)

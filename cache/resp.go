// SPDX-License-Identifier: Apache-2.0

package cache

// A RespStatus is what the RESP front of a service has and has done since it
// started.
type RespStatus struct {
	Clients, MaxClients int // connected, and at most
	Tracking            int // clients with client-side caching
	TrackedKeys         int // that are remembered for them
	TrackedPairs        int // of a key and who has it
	Channels, Patterns  int // that somebody listens to

	Connections  uint64 // accepted
	Refused      uint64 // closed because there were too many
	Slow         uint64 // closed because they did not read
	Protocol     uint64 // closed because what they sent is no request
	Over         uint64 // requests refused because of a limit
	Hits, Misses uint64 // keys looked for
	In, Out      uint64 // bytes

	Commands map[string]uint64 // requests by command, in lower case; "unknown" if there is none of that name
	Errors   map[string]uint64 // answers that were errors, by their first word; "other" if it is none of ours
}

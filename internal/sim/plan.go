// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxNodes is the size of the largest cluster.
const MaxNodes = 7

// A Plan is what happens to a cluster, and when.
type Plan struct {
	Seed    uint64 // 0 for a story
	Flavour string
	Nodes   int // hosts; who is started, and when, is in Steps
	Set     Settings
	Steps   []Step // by time
	End     time.Duration
}

// Settings are those of the ccf, the same for all nodes.
type Settings struct {
	Regions     []string // of region.go's table
	Heartbeat   time.Duration
	LinkTimeout time.Duration
	Member      time.Duration // MemberTimeout
	StaleMax    time.Duration
	WhenDown    string // serve, bypass, drop
	AllowGet    bool
	Log         int    // KiB
	Bound       int    // MaxObjects of Top
	Acks        string // of Ses
	AckTimeout  time.Duration
	Lease       time.Duration // of Str
	OneSeed     bool          // every node lists the first only
}

// DefaultSettings are what a story starts from.
func DefaultSettings() Settings {
	return Settings{Regions: []string{"Rep"}, Heartbeat: time.Second, LinkTimeout: 3 * time.Second, Member: 20 * time.Second,
		StaleMax: 2 * time.Second, WhenDown: "serve", Log: 64, Bound: 6, Acks: "1", AckTimeout: 250 * time.Millisecond, Lease: time.Second}
}

// A Step is one thing that happens. Its words are those of stories:
//
//	start N                 node N is started, as a new incarnation
//	crash N                 its host is gone at once: bytes on their way are lost
//	exit N                  kill -9 on a host that lives: what was written goes out
//	stop N                  it shuts down and says goodbye
//	block A B               what A sends to B is dropped silently
//	part A B                both ways
//	heal [A B]              all ways, or those between A and B
//	reset A B               every connection between A and B breaks
//	delay A B TIME          of what A sends to B
//	slow N TIME             node N waits so long before each read; 0s ends it
//	skew N TIME             the wall clock of node N is off by so much
//	put N R K V [acks=K]    V*n is V followed by n bytes
//	remove N R K            a K that ends in ":" is a prefix, "g/" is the group g
//	clear N R
//	get N R K
//	update N R K D1 D2      commits a new version at the source, D1 after the call and D2 before its end; then invalidates
//	change N R K D1 D2      the same by hand: commits D1 after the call, removes D2 later
//	take N R K              at most one taker gets the value
//	load N R K D1 D2        GetOrLoad; the source is read D1 after the call of the loader, D2 before its end
//	look                    what the nodes hold is noted
//	go STEP                 in a story: does not wait for the step
//	show R                  in a story: prints what every node holds
//	equal R                 in a story: waits until all nodes hold the same
//	wait TIME               in a story
type Step struct {
	At   time.Duration
	Verb string
	Args []string
}

func (s Step) String() string { return strings.Join(append([]string{s.Verb}, s.Args...), " ") }

// arity is how many words a verb needs, and how many it may have.
var arity = map[string][2]int{"start": {1, 1}, "crash": {1, 1}, "exit": {1, 1}, "stop": {1, 1}, "block": {2, 2}, "part": {2, 2},
	"heal": {0, 2}, "reset": {2, 2}, "delay": {3, 3}, "slow": {2, 2}, "skew": {2, 2}, "put": {4, 5}, "remove": {3, 3}, "clear": {2, 2},
	"get": {3, 3}, "take": {3, 3}, "update": {5, 5}, "change": {5, 5}, "load": {5, 5}, "look": {0, 0}, "show": {1, 1}, "equal": {1, 1}, "wait": {1, 1}, "wipe": {1, 1}}

func parseStep(words []string) (Step, error) {
	background := len(words) > 0 && words[0] == "go"
	if background {
		words = words[1:]
	}
	if len(words) == 0 {
		return Step{}, fmt.Errorf("no words")
	}
	n, ok := arity[words[0]]
	if args := len(words) - 1; !ok || args < n[0] || args > n[1] {
		return Step{}, fmt.Errorf("%q: no such step, or not that many words", strings.Join(words, " "))
	}
	s := Step{Verb: words[0], Args: words[1:]}
	if background {
		s.Args = append(slices.Clone(s.Args), "&")
	}
	return s, nil
}

// background takes the mark of "go" off.
func (s *Step) background() bool {
	if n := len(s.Args); n > 0 && s.Args[n-1] == "&" {
		s.Args = s.Args[:n-1]
		return true
	}
	return false
}

func (s Step) node(i int) int {
	n, err := strconv.Atoi(s.Args[i])
	if err != nil || n < 1 || n > MaxNodes {
		panic(fmt.Sprintf("sim: step %q: word %d is no node", s, i+1))
	}
	return n
}

func (s Step) time(i int) time.Duration {
	d, err := time.ParseDuration(s.Args[i])
	if err != nil {
		panic(fmt.Sprintf("sim: step %q: word %d is no time", s, i+1))
	}
	return d
}

// String writes a plan so that a failure can be read.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d nodes, %+v\n", p.Seed, p.Nodes, p.Set)
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%14s  %s\n", s.At, s)
	}
	fmt.Fprintf(&b, "%14s  all is healed\n", p.End)
	return b.String()
}

// set takes in a line "set NAME VALUE" of a story.
func (s *Settings) set(name, value string) (err error) {
	switch name {
	case "regions":
		s.Regions = strings.Split(value, ",")
	case "heartbeat":
		s.Heartbeat, err = time.ParseDuration(value)
	case "link-timeout":
		s.LinkTimeout, err = time.ParseDuration(value)
	case "member-timeout":
		s.Member, err = time.ParseDuration(value)
	case "stale-max":
		s.StaleMax, err = time.ParseDuration(value)
	case "when-link-down":
		s.WhenDown = value
	case "log":
		s.Log, err = strconv.Atoi(value)
	case "bound":
		s.Bound, err = strconv.Atoi(value)
	case "acks":
		s.Acks = value
	case "lease":
		s.Lease, err = time.ParseDuration(value)
	case "ack-timeout":
		s.AckTimeout, err = time.ParseDuration(value)
	default:
		err = fmt.Errorf("there is no setting %q", name)
	}
	return err
}

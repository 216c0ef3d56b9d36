// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
)

// alone is a node without peers, for examples.
func alone() *lateral.Node {
	cfg, err := ccf.Parse(ccf.Source{Name: "cache.ccf", Data: []byte("jcs.default=\n")})
	if err != nil {
		log.Fatal(err)
	}
	n, err := lateral.Open(context.Background(), lateral.Config{Service: "web", CCF: cfg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	return n
}

// in returns a region of a node, for examples.
func in[V any](n *lateral.Node, name string, codec lateral.Codec[V]) *lateral.Region[V] {
	r, err := lateral.In(n, name, codec)
	if err != nil {
		log.Fatal(err)
	}
	return r
}

// Values of one's own type, as JSON. What this node put is handed back as it
// was put, without decoding.
func ExampleJSON() {
	n := alone()
	defer n.Close()
	type user struct {
		Name  string
		Mails int
	}
	ctx := context.Background()
	users := in(n, "User", lateral.JSON[user]())
	if err := users.Put(ctx, "424242:3", user{"anna", 7}); err != nil {
		log.Fatal(err)
	}
	u, ok, err := users.Get(ctx, "424242:3")
	fmt.Println(u.Name, u.Mails, ok, err)
	// Output: anna 7 true <nil>
}

// A type that writes and reads itself in binary.
func ExampleBinary() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	seen := in(n, "Seen", lateral.Binary[time.Time]())
	if err := seen.Put(ctx, "anna", time.Unix(0, 0)); err != nil {
		log.Fatal(err)
	}
	t, _, err := seen.Get(ctx, "anna")
	fmt.Println(t.UTC().Year(), err)
	// Output: 1970 <nil>
}

// decimal is a codec of one's own, for people who look at the cache.
type decimal struct{}

func (decimal) Append(b []byte, n int) ([]byte, error) {
	return strconv.AppendInt(b, int64(n), 10), nil
}
func (decimal) Decode(s string) (int, error) { return strconv.Atoi(s) }

// A codec of one's own.
func ExampleCodec() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	quota := in(n, "Quota", lateral.Codec[int](decimal{}))
	if err := quota.Put(ctx, "anna", 5); err != nil {
		log.Fatal(err)
	}
	v, _, err := quota.Get(ctx, "anna")
	text, _, _ := in(n, "Quota", lateral.Text).Get(ctx, "anna") // the same bytes
	raw, _, _ := in(n, "Quota", lateral.Bytes).Get(ctx, "anna")
	fmt.Println(v, err, text, raw)
	// Output: 5 <nil> 5 [53]
}

// A put, a get, a removal of one key, and of all that begin with a prefix.
func ExampleRegion_Put() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	users := in(n, "User", lateral.Text)
	for _, key := range []string{"1:3", "1:4", "2:3"} {
		if err := users.Put(ctx, key, "x"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(users.Remove(ctx, "2:3"), users.Len())
	fmt.Println(users.Remove(ctx, "1:"), users.Len())
	_, ok, err := users.Get(ctx, "1:3")
	fmt.Println(ok, err)
	err = users.Put(ctx, "", "x")
	fmt.Println(errors.Is(err, cache.ErrKey))
	// Output:
	// <nil> 2
	// <nil> 0
	// false <nil>
	// true
}

// One of several callers, here or on other nodes, is handed the value.
func ExampleRegion_Take() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	jobs := in(n, "Jobs", lateral.Text)
	if err := jobs.Put(ctx, "job-1", "send a mail"); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		v, ok, err := jobs.Take(ctx, "job-1")
		fmt.Printf("%q %v %v\n", v, ok, err)
	}
	// Output:
	// "send a mail" true <nil>
	// "" false <nil>
}

// The source is changed first; then every copy in the cluster is dropped.
func ExampleRegion_Update() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	database := map[string]string{"3": "anna"}
	users := in(n, "User", lateral.Text)
	load := func(context.Context) (string, error) { return database["3"], nil }
	for _, name := range []string{"berta", "carla"} {
		err := users.Update(ctx, "3", func(context.Context) error {
			database["3"] = name
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
		v, err := users.GetOrLoad(ctx, "3", load)
		fmt.Println(v, err)
	}
	err := users.Update(ctx, "3", func(context.Context) error { return errors.New("the database says no") })
	fmt.Println(err, users.Len()) // nothing was changed, so what is held stays
	// Output:
	// berta <nil>
	// carla <nil>
	// the database says no 1
}

// What happens in a region, here and by peers. The first event says that what
// was known before may be wrong.
func ExampleRegion_Watch() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	users := in(n, "User", lateral.Text)
	for e, err := range users.Watch(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %q %q\n", e.Kind, e.Key, e.Value)
		switch {
		case e.Kind == cache.Missed:
			err = users.Put(ctx, "3", "anna")
		case e.Kind == cache.Written:
			err = users.Remove(ctx, "3")
		default:
			return // ends the loop, and what it held
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// missed "" ""
	// written "3" "anna"
	// removed "3" ""
}

// The keys in the memory of this node.
func ExampleRegion_Keys() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	users := in(n, "User", lateral.Text)
	for _, name := range []string{"berta", "anna", "carla"} {
		if err := users.Put(ctx, name, strings.ToUpper(name)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(slices.Sorted(users.Keys()), users.Len())
	// Output: [anna berta carla] 3
}

// A program of three instances begins its work when all links are up.
func ExampleNode_WaitComplete() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	n, err := lateral.Open(ctx, lateral.Config{Service: "web", Files: []string{"cache.ccf"}})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	if err := n.WaitComplete(ctx, 3); err != nil {
		log.Fatal(err) // it says which link is missing, and why
	}
}

// What was written here is applied by every linked peer when Barrier returns.
func ExampleRegion_Barrier() {
	n := alone()
	defer n.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	users := in(n, "User", lateral.Text)
	if err := users.Put(ctx, "3", "anna"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(users.Barrier(ctx)) // and is so at once without peers
	// Output: <nil>
}

// What has happened in a region on this node.
func ExampleRegion_Stats() {
	n := alone()
	defer n.Close()
	ctx := context.Background()
	users := in(n, "User", lateral.Text)
	if err := users.Put(ctx, "3", "anna"); err != nil {
		log.Fatal(err)
	}
	users.Get(ctx, "3")
	users.Get(ctx, "4")
	s := users.Stats()
	fmt.Println(s.Mode, s.Elements, s.Stats.Puts, s.Stats.Hits, s.Stats.Misses)
	// Output: local 1 1 1 1
}

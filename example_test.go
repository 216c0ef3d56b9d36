// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"lateral"
	"lateral/ccf"
)

// A node of one: the same calls work with peers.
func ExampleOpen() {
	cfg, err := ccf.Parse(ccf.Source{Name: "cache.ccf", Data: []byte("jcs.default=\njcs.default.cacheattributes.MaxObjects=1000\n")})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	n, err := lateral.Open(ctx, lateral.Config{Service: "web", CCF: cfg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()

	users, err := lateral.In(n, "User", lateral.Text)
	if err != nil {
		log.Fatal(err)
	}
	if err := users.Put(ctx, "424242:3", "anna"); err != nil {
		log.Fatal(err)
	}
	v, ok, err := users.Get(ctx, "424242:3")
	fmt.Println(v, ok, err)
	// Output: anna true <nil>
}

// A read cache in front of a database: what is loaded is kept until somebody,
// on any node, changes it.
func ExampleRegion_GetOrLoad() {
	cfg, err := ccf.Parse(ccf.Source{Name: "cache.ccf", Data: []byte("jcs.default=\n")})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	n, err := lateral.Open(ctx, lateral.Config{CCF: cfg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	users, err := lateral.In(n, "User", lateral.Text)
	if err != nil {
		log.Fatal(err)
	}

	database := map[string]string{"424242:3": "anna"}
	load := func(context.Context) (string, error) {
		fmt.Println("asks the database")
		return database["424242:3"], nil
	}
	for range 2 {
		v, err := users.GetOrLoad(ctx, "424242:3", load)
		fmt.Println(v, err)
	}
	err = users.Update(ctx, "424242:3", func(context.Context) error {
		database["424242:3"] = "berta"
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	v, err := users.GetOrLoad(ctx, "424242:3", load)
	fmt.Println(v, err)
	// Output:
	// asks the database
	// anna <nil>
	// anna <nil>
	// asks the database
	// berta <nil>
}

// A session behind any load balancer: the cookie carries the token of the last
// write, so the next request sees it on whatever node it reaches.
func ExampleWithToken() {
	var sessions *lateral.Region[string] // of a region with Acks

	remember := func(w http.ResponseWriter, token string) {
		http.SetCookie(w, &http.Cookie{Name: "stamp", Value: token, HttpOnly: true})
	}
	http.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		token, err := sessions.PutToken(r.Context(), r.FormValue("session"), r.FormValue("user"))
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		remember(w, token)
	})
	http.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		token, err := sessions.RemoveToken(r.Context(), r.FormValue("session"))
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		remember(w, token)
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if c, err := r.Cookie("stamp"); err == nil {
			ctx = lateral.WithToken(ctx, c.Value)
		}
		switch user, ok, err := sessions.Get(ctx, r.FormValue("session")); {
		case err != nil: // cache.ErrNotCurrent: no node that can be asked has the write
			http.Error(w, "try again", http.StatusServiceUnavailable)
		case !ok:
			http.Error(w, "log in first", http.StatusForbidden)
		default:
			fmt.Fprintln(w, "hello", user)
		}
	})
}

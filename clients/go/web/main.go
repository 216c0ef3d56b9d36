// SPDX-License-Identifier: Apache-2.0

// Command web is one of the five web applications that sessions_test.go knows.
//
//	web HOST:PORT
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"
)

func main() {
	sessions := scs.New()
	sessions.Store = goredisstore.New(redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", DB: 0}))
	sessions.Lifetime = time.Hour
	sessions.Cookie.SameSite = http.SameSiteLaxMode

	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ready") })
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.RenewToken(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		sessions.Put(r.Context(), "user", r.FormValue("user"))
		sessions.Put(r.Context(), "count", 0)
		fmt.Fprint(w, "hello ", r.FormValue("user"))
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		user, n := sessions.GetString(r.Context(), "user"), sessions.GetInt(r.Context(), "count")+1
		if user == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		sessions.Put(r.Context(), "count", n)
		fmt.Fprint(w, user, " ", n)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.Destroy(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "bye")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], sessions.LoadAndSave(mux)))
}

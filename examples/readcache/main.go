// SPDX-License-Identifier: Apache-2.0

// Command readcache is a read cache in front of SQL, in two instances of a
// program that share a database, and never serve what the other has changed:
//
//	go -C examples/readcache run .
//
// It is a module of its own, so that programs that use lateral do not get its
// SQLite. Any driver of database/sql does.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite"

	"lateral"
	"lateral/ccf"
)

// file is the cache.ccf of both, each with a port of its own. Values do not
// travel (IsLateral=false): each instance loads what it is asked for, and an
// update has the other drop what it holds.
const file = `jcs.default=MESH
jcs.region.Users=MESH
jcs.region.Users.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Users.cacheattributes.MaxObjects=100000
jcs.region.Users.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.Users.elementattributes.IsLateral=false
jcs.auxiliary.MESH=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.MESH.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.MESH.attributes.TcpListenerHost=127.0.0.1
jcs.auxiliary.MESH.attributes.TcpListenerPort=OWN
jcs.auxiliary.MESH.attributes.TcpServers=127.0.0.1:OTHER
jcs.auxiliary.MESH.attributes.UdpDiscoveryEnabled=false
`

// A User is a row.
type User struct {
	ID   string
	Name string
}

// Users are those of the database, through a cache.
type Users struct {
	db      *sql.DB
	node    *lateral.Node
	cache   *lateral.Region[User]
	queries int // that went to the database
}

func open(name, own, other, database string) (*Users, error) {
	cfg, err := ccf.Parse(ccf.Source{Name: name + ".ccf", Data: []byte(strings.NewReplacer("OWN", own, "OTHER", other).Replace(file))})
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", database)
	if err != nil {
		return nil, err
	}
	n, err := lateral.Open(context.Background(), lateral.Config{Service: name, CCF: cfg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	cache, err := lateral.In(n, "Users", lateral.JSON[User]())
	return &Users{db: db, node: n, cache: cache}, err
}

func (u *Users) close() { u.node.Close(); u.db.Close() }

// Get returns a user, from memory if it may. What is loaded while somebody
// changes it is returned, and not kept.
func (u *Users) Get(ctx context.Context, id string) (User, error) {
	return u.cache.GetOrLoad(ctx, id, func(ctx context.Context) (User, error) {
		u.queries++
		v := User{ID: id}
		err := u.db.QueryRowContext(ctx, "SELECT name FROM users WHERE id = ?", id).Scan(&v.Name)
		return v, err
	})
}

// Rename changes the database first. Then the user is dropped everywhere.
func (u *Users) Rename(ctx context.Context, id, name string) error {
	return u.cache.Update(ctx, id, func(ctx context.Context) error {
		_, err := u.db.ExecContext(ctx, "UPDATE users SET name = ? WHERE id = ?", name, id)
		return err
	})
}

func main() {
	dir, err := os.MkdirTemp("", "readcache")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(os.Stdout, filepath.Join(dir, "users.db"), "57493", "57494"); err != nil {
		log.Print(err)
	}
}

func run(out io.Writer, database, port1, port2 string) error {
	ctx := context.Background()
	one, err := open("one", port1, port2, database)
	if err != nil {
		return err
	}
	defer one.close()
	two, err := open("two", port2, port1, database)
	if err != nil {
		return err
	}
	defer two.close()
	if _, err := one.db.Exec("CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT); INSERT INTO users VALUES ('7', 'Anna')"); err != nil {
		return err
	}
	if err := one.node.WaitComplete(ctx, 2); err != nil {
		return err
	}
	for _, name := range []string{"Anna", "Berta"} {
		if err := one.Rename(ctx, "7", name); err != nil {
			return err
		}
		if err := one.node.Barrier(ctx); err != nil { // the other has heard of it
			return err
		}
		for range 1000 {
			if v, err := two.Get(ctx, "7"); err != nil || v.Name != name {
				return fmt.Errorf("two reads %q, %v; the database has %s", v.Name, err, name)
			}
		}
		fmt.Fprintf(out, "two read %s 1000 times, with %d queries so far\n", name, two.queries)
	}
	return nil
}

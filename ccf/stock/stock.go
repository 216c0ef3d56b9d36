// SPDX-License-Identifier: Apache-2.0

// Package stock holds cache.ccf files in the style in which Open-Xchange 6
// ships them, in our own words, for the demo and for tests: what works with
// these works with a stock installation.
//
// As on a cluster's nodes, TcpServers is commented out and the UDP settings
// are active. The typing error MailAccountr in the admindaemon's file is
// genuine: that file was shipped with it.
package stock

import (
	"embed"
	"fmt"
	"io/fs"

	"lateral/ccf"
)

//go:embed groupware admindaemon
var tree embed.FS

// FS is the files as they lie below a configuration directory:
// groupware/cache.ccf, groupware/sessioncache.ccf, groupware/mailcache.ccf and
// admindaemon/cache.ccf.
var FS fs.FS = tree

// Services are the processes that have files here.
var Services = []string{"groupware", "admindaemon"}

// order is the order in which a service reads its files: only the first may
// have jcs.default.
var order = map[string][]string{
	"groupware":   {"cache.ccf", "sessioncache.ccf", "mailcache.ccf"},
	"admindaemon": {"cache.ccf"},
}

// Files returns the files of a service in the order in which it reads them,
// named as in FS. An unknown service has none.
func Files(service string) []ccf.Source {
	var files []ccf.Source
	for _, name := range order[service] {
		path := service + "/" + name
		data, err := tree.ReadFile(path)
		if err != nil {
			panic(fmt.Sprintf("stock: %v", err)) // embedded: cannot happen
		}
		files = append(files, ccf.Source{Name: path, Data: data})
	}
	return files
}

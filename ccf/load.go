// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"io"
	"os"
)

// Limits. A cache.ccf of Open-Xchange has 300 lines of 80 characters.
const (
	maxFile     = 4 << 20  // bytes of one file
	maxLine     = 64 << 10 // bytes of one logical line: 2,000 peers fit
	maxFindings = 500      // told about one service

	maxRegions     = 10_000 // each costs memory and is compared with peers
	maxServers     = 1000   // of a peer list: a mesh is meant for some hundred endpoints
	maxAuxiliaries = 100    // each is a listener, a log and a mesh of its own
)

// Options are what a file cannot say itself.
type Options struct {
	// Overrides stand for Java's system properties: those that start with
	// "jcs" replace or add keys, and ${name} looks here first.
	Overrides map[string]string
}

// Load reads the files of one service, the first of which must define
// jcs.default, and checks them. The error is an Errors with every complaint
// about every file; the Config is there as far as it goes even then.
func Load(paths ...string) (*Config, error) { return Options{}.Load(paths...) }

// Parse is Load for files that are already in memory.
func Parse(files ...Source) (*Config, error) { return Options{}.Parse(files...) }

// Load is the function Load with options.
func (o Options) Load(paths ...string) (*Config, error) {
	var fs findings
	files := make([]Source, 0, len(paths))
	for _, p := range paths {
		data, err := readFile(p)
		if err != nil {
			fs.add(Error, Pos{File: p}, "", err.Error(), "what it says about regions and peers is not known",
				"name an existing, readable cache.ccf")
		}
		files = append(files, Source{p, data, err != nil})
	}
	return o.parse(&fs, files)
}

// Parse is the function Parse with options.
func (o Options) Parse(files ...Source) (*Config, error) { return o.parse(new(findings), files) }

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	return data, nil
}

// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Trust says when what an earlier life of the node left on disk is believed.
type Trust uint8

const (
	// TrustAll: always. A region that no other node holds: nobody else can have
	// removed anything. Or the operator says so.
	TrustAll Trust = iota
	// TrustAlone: if no peer was linked when the last life ended. Whoever was may
	// have removed something since, and have forgotten the removal by now: peers remember
	// one until every member that they know of has it, and a process that has ended is none.
	TrustAlone
	// TrustNone: never. Removals of peers that this node missed were sent once,
	// and leave nothing behind.
	TrustNone
)

// state is what the directory says of the last life.
type state struct {
	Format int    `json:"format"`
	Region string `json:"region"`
	// Alone: no peer was linked. It is false on the medium before a link is up.
	Alone bool `json:"alone"`
	// Until is up to when (ms since 1970) the last life knew of every removal, at
	// least, if it was alone.
	Until int64 `json:"until"`
}

const (
	format    = 1
	stateFile = "state.json"
	maxState  = 8 << 10
)

// readState returns what was written last; anything else is a life that is
// not known, in company.
func readState(dir, region string) state {
	f, err := os.Open(filepath.Join(dir, stateFile))
	if err != nil {
		return state{}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState))
	var s state
	if err != nil || json.Unmarshal(b, &s) != nil || s.Format != format || s.Region != region {
		return state{}
	}
	return s
}

// write replaces the file; it is on the medium when it returns.
func (s state) write(dir string, unsynced bool) error {
	s.Format = format
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, stateFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = f.Write(b)
	if err == nil && !unsynced {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, stateFile))
	}
	if err == nil && !unsynced {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, stateFile), err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

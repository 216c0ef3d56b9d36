// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"go.etcd.io/bbolt"
)

type pair struct{ key, value []byte } // value nil: remove

// A store is what is measured.
type store interface {
	write(batch []pair) error
	get(key []byte) ([]byte, error) // nil: not there
	scan(each func(k, v []byte)) error
	close() error
}

// open opens a store; synced has every batch reach the disk itself before
// write returns, else it is left to the kernel.
func open(kind, dir string, synced bool) (store, error) {
	switch kind {
	case "bbolt":
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		db, err := bbolt.Open(filepath.Join(dir, "db"), 0o600, &bbolt.Options{NoSync: !synced, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return nil, err
		}
		return &bolt{db}, db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucketIfNotExists(bucket); return err })
	case "pebble":
		c := pebble.NewCache(8 << 20)
		defer c.Unref()
		db, err := pebble.Open(dir, &pebble.Options{Logger: quiet{}, Cache: c, MemTableSize: 8 << 20})
		if err != nil {
			return nil, err
		}
		o := pebble.NoSync
		if synced {
			o = pebble.Sync
		}
		return &peb{db, o}, nil
	}
	return nil, fmt.Errorf("no store %q", kind)
}

var bucket = []byte("e")

type bolt struct{ db *bbolt.DB }

func (b *bolt) write(batch []pair) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		bk := tx.Bucket(bucket)
		for _, p := range batch {
			var err error
			if p.value == nil {
				err = bk.Delete(p.key)
			} else {
				err = bk.Put(p.key, p.value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bolt) get(key []byte) (v []byte, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error { v = bytes.Clone(tx.Bucket(bucket).Get(key)); return nil })
	return v, err
}

func (b *bolt) scan(each func(k, v []byte)) error {
	return b.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error { each(k, v); return nil })
	})
}

func (b *bolt) close() error { return b.db.Close() }

type quiet struct{}

func (quiet) Infof(string, ...any)      {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

type peb struct {
	db *pebble.DB
	o  *pebble.WriteOptions
}

func (p *peb) write(batch []pair) error {
	b := p.db.NewBatch()
	defer b.Close()
	for _, x := range batch {
		if x.value == nil {
			b.Delete(x.key, nil)
		} else {
			b.Set(x.key, x.value, nil)
		}
	}
	return b.Commit(p.o)
}

func (p *peb) get(key []byte) ([]byte, error) {
	v, c, err := p.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return bytes.Clone(v), nil
}

func (p *peb) scan(each func(k, v []byte)) error {
	it, err := p.db.NewIter(nil)
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			it.Close()
			return err
		}
		each(it.Key(), v)
	}
	return it.Close()
}

func (p *peb) close() error { return p.db.Close() }

// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/zeebo/xxh3"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"lateral/cache"
)

var (
	bucketElements = []byte("e")
	bucketFloors   = []byte("f")
	bucketOrder    = []byte("o")
	bucketMeta     = []byte("m")
	metaSum        = []byte("sum")
)

// lockTimeout is how long another process may hold on to a file that this one wants.
const lockTimeout = 200 * time.Millisecond

// store is an open file. Only the writer of a Disk changes it; anybody may read.
type store struct {
	db   *bbolt.DB
	file *os.File // that of db
	path string

	unsynced bool

	total totals // of e and f
	live  int    // elements in e that are no tombstones
	dead  int
	tags  int // live elements that have any
}

// opened is what reading a file from end to end has found.
type opened struct {
	known  map[uint64]struct{} // hashes of the keys in e
	floors floors
}

// openStore opens a file, or begins one, and reads all of it. An error that
// wraps ErrHarmed is about its content, every other about getting at it.
func openStore(path string, unsynced bool) (*store, *opened, error) {
	s := &store{path: path, unsynced: unsynced}
	var o *opened
	if i, err := os.Stat(path); err == nil && i.Size() == 0 {
		return nil, nil, fmt.Errorf("%w: %s is empty", ErrHarmed, path)
	}
	err := guard(func() (err error) {
		s.db, err = bbolt.Open(path, 0o600, s.options())
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err = s.db.Update(buckets); err == nil {
			o, err = s.readAll()
		}
		return err
	})
	if err == nil {
		return s, o, nil
	}
	if s.db == nil || errors.Is(err, ErrHarmed) {
		s.abandon()
	} else { // its lock lasts as long as the memory mapping: nobody could try again
		s.close()
	}
	if harmed(err) && !errors.Is(err, ErrHarmed) {
		err = fmt.Errorf("%w: %w", ErrHarmed, err)
	}
	return nil, nil, err
}

func (s *store) options() *bbolt.Options {
	return &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType, NoSync: s.unsynced, NoGrowSync: s.unsynced,
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag, mode)
			s.file = f // Open may panic, and then nobody else has it
			return f, err
		}}
}

// clear empties the store.
func (s *store) clear() (*opened, error) {
	err := guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			for _, b := range [][]byte{bucketElements, bucketFloors, bucketOrder, bucketMeta} {
				if err := tx.DeleteBucket(b); err != nil {
					return err
				}
			}
			return buckets(tx)
		})
	})
	if err == nil {
		s.total, s.live, s.dead, s.tags = totals{}, 0, 0, 0
	}
	return &opened{known: map[uint64]struct{}{}, floors: floors{}}, err
}

func buckets(tx *bbolt.Tx) error {
	for _, b := range [][]byte{bucketElements, bucketFloors, bucketOrder, bucketMeta} {
		if _, err := tx.CreateBucketIfNotExists(b); err != nil {
			return err
		}
	}
	return nil
}

// harmed reports whether an error is about what is in a file: all that is not
// about getting at it. A file that is too large, or to be written before its beginning, has
// a list of free pages that is wrong.
func harmed(err error) bool {
	errno := syscall.Errno(0)
	switch {
	case errors.Is(err, ErrHarmed), errors.Is(err, syscall.EFBIG):
		return true
	case errors.Is(err, berrors.ErrTimeout), errors.Is(err, fs.ErrClosed):
		return false
	}
	return !errors.As(err, &errno)
}

// guard turns a panic, and a fault of a file that is mapped, into an error:
// bbolt believes what it reads.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrHarmed, p)
		}
	}()
	return f()
}

func (s *store) close() { guard(s.db.Close) }

// abandon is close where bbolt may have panicked: its locks may be held for
// ever. The file's memory mapping stays, so that nobody who reads it faults.
func (s *store) abandon() {
	if s.file != nil {
		s.file.Close()
	}
}

// probed is how many records apart those are that are looked up when all are read. What leads to
// them has no checksum; where it is harmed, all of a page are not found, some 20 of 100 bytes.
const probed = 8

// readAll holds every record against its checksum, and all together against
// what the file says of them.
func (s *store) readAll() (*opened, error) {
	o := &opened{known: map[uint64]struct{}{}, floors: floors{}}
	var attr *cache.Attributes
	err := s.db.View(func(tx *bbolt.Tx) error {
		visit := func(k, v []byte) error {
			e, sum, err := decode(string(k), v, attr)
			if err != nil {
				return err
			}
			s.total.add(len(v), len(k), sum)
			if e.State == cache.Floor {
				op, name, _ := cache.SplitFloor(e.Key)
				o.floors.raise(floor{op, name}, e.Stamp)
				return nil
			}
			attr = e.Attr
			s.count(&e, 1)
			o.known[xxh3.Hash(k)] = struct{}{}
			return nil
		}
		elements, n := tx.Bucket(bucketElements), 0
		if err := elements.ForEach(func(k, v []byte) error {
			if n++; n%probed == 0 && !bytes.Equal(elements.Get(k), v) {
				return fmt.Errorf("%w: %.64q is not found where it is", ErrHarmed, k)
			}
			return visit(k, v)
		}); err != nil {
			return err
		}
		if err := tx.Bucket(bucketFloors).ForEach(visit); err != nil {
			return err
		}
		ordered := 0
		if err := tx.Bucket(bucketOrder).ForEach(func(_, _ []byte) error { ordered++; return nil }); err != nil {
			return err
		}
		said := tx.Bucket(bucketMeta).Get(metaSum)
		if said == nil && s.total == (totals{}) {
			return nil
		}
		if !bytes.Equal(said, s.total.encode()) || ordered != s.live+s.dead {
			return fmt.Errorf("%w: %d records in all, which are not those that were written last", ErrHarmed, s.total.count)
		}
		return nil
	})
	return o, err
}

func (s *store) count(e *cache.Element, by int) {
	if e.State != cache.Live {
		s.dead += by
		return
	}
	s.live += by
	if e.Attr != nil && e.Attr.Tags != "" {
		s.tags += by
	}
}

// record returns the record of a key, nil if there is none, as a copy.
func (s *store) record(key string) (e cache.Element, record []byte, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			if record = bytes.Clone(tx.Bucket(bucketElements).Get([]byte(key))); record == nil {
				return nil
			}
			e, _, err = decode(key, record, nil)
			return err
		})
	})
	return e, record, err
}

// size of the file.
func (s *store) size() int64 {
	i, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return i.Size()
}

// partBytes is how much of records is looked at in one go, and one record more: they
// are in memory then, and may be of any size.
const partBytes = 4 << 20

// each offers up to n records, of partBytes or so, of elements whose keys start with a prefix and come after one, and
// returns the last key, "" if there are no more. The bytes are valid meanwhile.
func (s *store) each(prefix, after string, n int, visit func(e *cache.Element, record []byte, sum uint64) error) (last string, err error) {
	err = guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			c, left := tx.Bucket(bucketElements).Cursor(), partBytes
			k, v := c.Seek([]byte(max(prefix, after)))
			if after != "" && string(k) == after {
				k, v = c.Next()
			}
			for ; k != nil && n > 0 && left > 0; k, v = c.Next() {
				if !bytes.HasPrefix(k, []byte(prefix)) {
					k = nil
					break
				}
				left -= len(v)
				e, sum, err := decode(string(k), v, nil)
				if err == nil {
					err = visit(&e, v, sum)
				}
				if err != nil {
					return err
				}
				last = e.Key
				n--
			}
			if k == nil {
				last = ""
			}
			return nil
		})
	})
	return last, err
}

// newest offers the n newest records of elements, the oldest of them first.
func (s *store) newest(n int, visit func(e *cache.Element)) error {
	return guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			c, els := tx.Bucket(bucketOrder).Cursor(), tx.Bucket(bucketElements)
			at, key := c.Last()
			for i := 1; i < n && at != nil; i++ {
				if at, key = c.Prev(); at == nil {
					at, key = c.First()
					break
				}
			}
			if n <= 0 {
				at = nil
			}
			for ; at != nil; at, key = c.Next() {
				e, _, err := decode(string(key), els.Get(key), nil)
				if err != nil {
					return err
				}
				visit(&e)
			}
			return nil
		})
	})
}

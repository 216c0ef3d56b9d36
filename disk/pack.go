// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"os"

	"go.etcd.io/bbolt"

	"lateral/cache"
)

const (
	packSuffix = ".new"
	packMin    = 16 << 20 // bytes of a file that is worth it
	packChunk  = 2_000    // records copied before the queue is looked at again
	maxChanged = 1 << 18  // keys changed while the file is packed; beyond that it is given up
)

var errBusy = errors.New("more was changed meanwhile than was copied")

// free is the part of the file that holds nothing.
func (d *Disk) free() float64 {
	s := d.currentStore()
	if s == nil {
		return 0
	}
	size := s.size()
	if size < packMin {
		return 0
	}
	st := s.db.Stats()
	return float64((st.FreePageN+st.PendingPageN)*s.db.Info().PageSize) / float64(size)
}

func (d *Disk) maybePack(ctx context.Context) {
	d.mu.Lock()
	due := d.c.PackAtRemovals > 0 && d.removals >= d.c.PackAtRemovals
	d.mu.Unlock()
	if due || d.free() >= 0.5 {
		d.pack(ctx)
	}
}

// pack copies what is alive into a new file, which then takes the place of the
// old one. Gets go on in the old one meanwhile, and so do writes, between two
// parts of the copy; what they change is copied again at the end.
func (d *Disk) pack(ctx context.Context) {
	s := d.currentStore()
	if s == nil {
		return
	}
	d.mu.Lock()
	d.changed, d.removals = map[string]bool{}, 0
	cleared := d.cleared
	d.mu.Unlock()
	err := d.packInto(ctx, s, d.file(packSuffix), cleared)
	d.mu.Lock()
	d.changed = nil
	if err == nil {
		d.count.packed++
	}
	d.mu.Unlock()
	switch {
	case err == nil || errors.Is(err, errBusy) || ctx.Err() != nil:
	case errors.Is(err, ErrHarmed):
		d.replace(s, err)
	default:
		d.c.Log.Warn("a file of the disk tier could not be packed", "region", d.c.Region, "file", s.path, "error", err)
	}
	os.Remove(d.file(packSuffix))
}

func (d *Disk) packInto(ctx context.Context, s *store, path string, cleared int) error {
	if err := ignoreMissing(os.Remove(path)); err != nil {
		return err
	}
	to, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType, NoSync: true, NoGrowSync: s.unsynced})
	if err != nil {
		return err
	}
	defer func() {
		if to != nil {
			to.Close()
		}
	}()
	if err := to.Update(buckets); err != nil {
		return err
	}
	for at, more := "", true; more; more = at != "" {
		if at, err = copyPart(s, to, at); err != nil {
			return err
		}
		d.write()
		switch d.mu.Lock(); {
		case len(d.changed) > maxChanged:
			err = errBusy
		case d.store != s || d.wiping || d.cleared != cleared:
			err = errBusy
		}
		d.mu.Unlock()
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
	if err := d.copyRest(s, to); err != nil {
		return err
	}
	err = errors.Join(to.Sync(), to.Close())
	to = nil
	if err != nil {
		return err
	}
	return d.swap(s, path)
}

func copyPart(s *store, to *bbolt.DB, after string) (last string, err error) {
	err = to.Update(func(tx *bbolt.Tx) (err error) {
		els, order := tx.Bucket(bucketElements), tx.Bucket(bucketOrder)
		els.FillPercent = dense // in the order of keys
		last, err = s.each("", after, packChunk, func(e *cache.Element, record []byte, _ uint64) error {
			return errors.Join(els.Put([]byte(e.Key), record), order.Put(place(e), []byte(e.Key)))
		})
		return err
	})
	return last, err
}

// copyRest copies what was changed meanwhile, the floors and the sum.
func (d *Disk) copyRest(s *store, to *bbolt.DB) error {
	return to.Update(func(tx *bbolt.Tx) error {
		els, order := tx.Bucket(bucketElements), tx.Bucket(bucketOrder)
		for key := range d.changed { // this goroutine alone changes it
			k := []byte(key)
			if b := els.Get(k); b != nil {
				e, _, err := decode(key, b, nil)
				if err = errors.Join(err, els.Delete(k), order.Delete(place(&e))); err != nil {
					return err
				}
			}
			e, record, err := s.record(key)
			if err == nil && record != nil {
				err = errors.Join(els.Put(k, record), order.Put(place(&e), k))
			}
			if err != nil {
				return err
			}
		}
		return guard(func() error {
			return s.db.View(func(from *bbolt.Tx) error {
				floors := tx.Bucket(bucketFloors)
				if err := from.Bucket(bucketFloors).ForEach(floors.Put); err != nil {
					return err
				}
				return tx.Bucket(bucketMeta).Put(metaSum, s.total.encode())
			})
		})
	})
}

// swap puts a packed file in the place of the store's.
func (d *Disk) swap(s *store, path string) error {
	d.files.Lock()
	if d.currentStore() != s {
		d.files.Unlock()
		return errBusy
	}
	s.close()
	err := os.Rename(path, s.path)
	if err == nil && !s.unsynced { // else a loss of power may bring the old one back, without what is acknowledged from now on
		err = syncDir(d.c.Dir)
	}
	oerr := guard(func() error {
		db, err := bbolt.Open(s.path, 0o600, s.options())
		if err == nil {
			s.db = db
		}
		return err
	})
	d.files.Unlock()
	if oerr != nil {
		d.giveUp(oerr)
	}
	return errors.Join(err, oerr)
}

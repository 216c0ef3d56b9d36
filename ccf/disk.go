// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"path/filepath"
	"slices"

	"lateral/cache"
)

// kept reports whether a kind of disk cache is what the disk tier keeps.
func (m *maker) kept() bool {
	return m.kind == cache.Disk && (slices.Contains(m.scopes, scopeIndexed) || slices.Contains(m.scopes, scopeBlock))
}

// disk makes a Disk of its attributes and checks them.
func (r *reader) disk(b *block) *Disk {
	const s = scopeDisk
	own := b.scopes[1] // of the kind
	d := &Disk{Path: b.text(s, "DiskPath"), MaxElements: b.num(own, "MaxKeySize"), MaxBytes: look[int64](b, s, "MaxDiskBytes"), MaxPurgatorySize: b.num(s, "MaxPurgatorySize"),
		ShutdownSpoolTimeLimit: b.time(s, "ShutdownSpoolTimeLimit"), OptimizeAtRemoveCount: -1, OptimizeOnShutdown: true, Restore: b.text(s, "Restore")}
	if own == scopeIndexed {
		d.OptimizeAtRemoveCount, d.OptimizeOnShutdown = b.num(own, "OptimizeAtRemoveCount"), b.bool(own, "OptimizeOnShutdown")
		d.ClearDiskOnStartup = b.bool(own, "ClearDiskOnStartup")
	}
	say := func(sev Severity, name, saw, why, do string) {
		pos := b.pos
		if st, ok := b.set[must(s, name)]; ok {
			pos = st.pos
		}
		r.fs.add(sev, pos, b.prefix+"."+name, saw, why, do)
	}
	switch {
	case d.Path == "":
		say(Error, "DiskPath", "missing", "there is nowhere to keep anything", "add "+b.prefix+".DiskPath=/var/cache/lateral")
	case !filepath.IsAbs(d.Path):
		d.Path = filepath.Join(filepath.Dir(b.set[must(s, "DiskPath")].pos.File), d.Path)
	}
	if d.MaxPurgatorySize < 1 {
		say(Warning, "MaxPurgatorySize", fmt.Sprint(d.MaxPurgatorySize), "nothing could wait to be written; it counts as 1", "write 5000, JCS's default")
		d.MaxPurgatorySize = 1
	}
	if d.MaxElements == 0 {
		say(Warning, "DiskPath", "MaxKeySize=0", "nothing is kept on disk", "write how many elements, or -1 for no limit but MaxDiskBytes")
	}
	if b.text(s, "DiskLimitTypeName") == "SIZE" && d.MaxElements >= 0 {
		kB := int64(d.MaxElements) << 10
		if d.MaxBytes == 0 || kB < d.MaxBytes {
			d.MaxBytes = kB
		}
		d.MaxElements = -1
	}
	return d
}

// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of tags. Every version of an element carries its own, on the wire and
// in memory, and each is looked up when the element arrives.
const (
	MaxTags      = 16                     // of an element
	MaxTag       = 255                    // bytes of one
	MaxTagsBytes = MaxTags*(MaxTag+1) - 1 // of all, joined
	tagSeparator = "\x00"                 // between them, and in none
)

// ErrTag is wrapped by every error about tags.
var ErrTag = errors.New("bad tag")

// CheckTag returns what is wrong with a tag: it is empty, longer than MaxTag,
// or no UTF-8 text without NUL.
func CheckTag(tag string) error {
	switch {
	case tag == "":
		return fmt.Errorf("%w: it is empty", ErrTag)
	case len(tag) > MaxTag:
		return fmt.Errorf("%w %.40q: it has %d bytes, at most %d are allowed", ErrTag, tag, len(tag), MaxTag)
	case strings.Contains(tag, tagSeparator) || !utf8.ValidString(tag):
		return fmt.Errorf("%w %.40q: it is no UTF-8 text without NUL", ErrTag, tag)
	}
	return nil
}

// JoinTags returns tags as Attributes hold them: sorted, each once, joined by
// NUL; so equal sets are equal strings. Errors wrap ErrTag.
func JoinTags(tags ...string) (string, error) {
	if len(tags) == 0 {
		return "", nil
	}
	for _, t := range tags {
		if err := CheckTag(t); err != nil {
			return "", err
		}
	}
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > MaxTags {
		return "", fmt.Errorf("%w: %d of them, an element has at most %d", ErrTag, len(tags), MaxTags)
	}
	return strings.Join(tags, tagSeparator), nil
}

// SplitTags is the inverse of JoinTags; nil for none.
func SplitTags(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, tagSeparator)
}

// CheckTags returns what is wrong with tags that somebody else joined.
func CheckTags(joined string) error {
	if joined == "" {
		return nil
	}
	if len(joined) > MaxTagsBytes {
		return fmt.Errorf("%w: %d bytes of them, at most %d are allowed", ErrTag, len(joined), MaxTagsBytes)
	}
	again, err := JoinTags(SplitTags(joined)...)
	if err == nil && again != joined {
		err = fmt.Errorf("%w: %.80q is not in order, or not each once", ErrTag, joined)
	}
	return err
}

// Tagged reports whether an element has a tag.
func (a *Attributes) Tagged(tag string) bool {
	for rest := a.Tags; rest != ""; {
		var t string
		if t, rest, _ = strings.Cut(rest, tagSeparator); t == tag {
			return true
		}
	}
	return false
}

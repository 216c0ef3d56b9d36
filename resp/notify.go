// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"strconv"
	"strings"

	"lateral/cache"
)

// Classes of notifications (Redis: notify-keyspace-events). Those that this
// front can tell apart do something; the others are taken and remembered.
const notifyClasses = "KEg$lshzxetdmn"

// parseNotify reads a set of classes; A stands for most of them.
func parseNotify(s string) (classes string, ok bool) {
	for _, r := range s {
		switch {
		case r == 'A':
			classes += "g$lshzxetd"
		case strings.ContainsRune(notifyClasses, r):
			classes += string(r)
		default:
			return "", false
		}
	}
	var out strings.Builder
	for _, r := range notifyClasses {
		if strings.ContainsRune(classes, r) {
			out.WriteRune(r)
		}
	}
	return out.String(), true
}

// showNotify writes classes as Redis does.
func showNotify(classes string) string {
	rest := strings.Trim(classes, "KEmn")
	out := rest
	if rest == "g$lshzxetd" {
		out = "A"
	}
	for _, r := range "KEmn" {
		if strings.ContainsRune(classes, r) {
			out += string(r)
		}
	}
	return out
}

// notify tells subscribers of this node what has happened in a region, here
// or elsewhere. Every node tells its own, so nothing travels for it.
func (f *Front) notify(r *region, events []cache.Event) {
	classes := f.options.notify()
	if !strings.ContainsAny(classes, "KE") {
		return
	}
	for i := range events {
		class, name := eventName(&events[i])
		if name == "" || !strings.Contains(classes, class) {
			continue
		}
		key, ok := keyOf(events[i].Element.Key)
		if !ok {
			continue
		}
		for _, d := range f.databases {
			if !f.belongs(d, r, key) {
				continue
			}
			db := strconv.Itoa(d.index)
			if strings.Contains(classes, "K") {
				f.subs.publish("__keyspace@"+db+"__:"+key, name)
			}
			if strings.Contains(classes, "E") {
				f.subs.publish("__keyevent@"+db+"__:"+name, key)
			}
		}
	}
}

// eventName is what Redis calls what has happened to one key, and its class.
// Which command it was is not known of a change of a peer, and so not told of
// our own either.
func eventName(e *cache.Event) (class, name string) {
	switch e.Kind {
	case cache.Written:
		if e.Element.Value.Form == cache.FormHash {
			return "h", "hset"
		}
		return "$", "set"
	case cache.Expired:
		return "x", "expired"
	case cache.Evicted:
		return "e", "evicted"
	case cache.Removed:
		if e.Op == cache.Remove && e.Found && !cache.IsPrefix(e.Element.Key) {
			return "g", "del"
		}
	}
	return "", ""
}

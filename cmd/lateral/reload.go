// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"lateral/ccf"
)

// setLevel applies --log-level, reading its file if it is one.
func (v *service) setLevel() error {
	word := v.cmd.LogLevel
	if file, ok := strings.CutPrefix(word, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return &problem{saw: "--log-level: " + err.Error(), do: "write one word into the file: debug, info, warn or error", err: err}
		}
		word = strings.TrimSpace(string(b))
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(word)); err != nil {
		return levelProblem("--log-level", word)
	}
	v.level.Set(l)
	return nil
}

func levelProblem(what, word string) error {
	return &problem{saw: fmt.Sprintf("%s %.40q", what, word), do: "choose debug, info, warn or error", err: errLevel}
}

// reload reads the files again and says what is different. Nothing is applied
// by half: with an error in any file everything stays as it was.
func (v *service) reload() {
	before := v.level.Level()
	if err := v.setLevel(); err != nil {
		v.log.Error("reload: the log level stays", "error", err)
	} else if l := v.level.Level(); l != before {
		v.log.Log(context.Background(), max(l, slog.LevelInfo), "reload: applied", "setting", "log level", "was", before, "is", l)
	}
	files, err := expand(v.cmd.Config)
	var now *ccf.Config
	if err == nil {
		now, err = ccf.Load(files...)
	}
	if err != nil {
		if list := (ccf.Errors)(nil); errors.As(err, &list) {
			for _, f := range list {
				v.log.Error("reload: " + f.String())
			}
		} else {
			v.log.Error("reload: " + err.Error())
		}
		v.log.Error("reload: nothing of the files is applied, the service goes on with those it has")
		return
	}
	diff := changes(v.ccf.Effective(), now.Effective())
	for _, d := range diff {
		v.log.Warn("reload: needs a restart", "key", d.key, "at", d.at, "was", d.was, "is", d.is, "inherited_by", d.heirs)
	}
	v.leases()
	v.log.Info("reload: done", "files", len(files), "applied", 0, "need_restart", len(diff))
}

// leases says what strict regions are served under, if there are any.
func (v *service) leases() {
	for _, e := range v.node.Status().Endpoints {
		for _, l := range e.Leases {
			v.log.Info("lease of strict regions", "endpoint", e.Endpoint, "member", leaseName(l), "held", l.Held, "granted", l.Granted, "missing_because", l.Why)
		}
	}
}

// A change is one line of a file, or its absence, that counts differently now.
type change struct {
	key, at, was, is string
	heirs            int // further keys that take their value from there
}

// absent stands for a key that is not there at all.
const absent = "(absent)"

// changes compares two sets of settings, in the order of the new one; what is
// gone comes last. What regions inherit from jcs.default is told there.
func changes(old, now []ccf.Setting) (out []change) {
	was := make(map[string]ccf.Setting, len(old))
	for _, s := range old {
		was[s.Key] = s
	}
	told := map[string]int{} // place → index in out; -1 where nothing has changed
	for _, s := range now {
		o, ok := was[s.Key]
		delete(was, s.Key)
		if i, heir := told[s.Source]; heir && s.Source != byDefault {
			if i >= 0 && o.Value != s.Value {
				out[i].heirs++
			}
			if i >= 0 || !ok || o.Value == s.Value {
				continue
			}
		}
		told[s.Source] = -1
		switch {
		case !ok && s.Source == byDefault, ok && o.Value == s.Value:
			continue
		case !ok:
			o.Value = absent
		}
		told[s.Source] = len(out)
		out = append(out, change{key: s.Key, at: s.Source, was: o.Value, is: s.Value})
	}
	for _, s := range old {
		if _, gone := was[s.Key]; gone && s.Source != byDefault && !inherits(s, old) {
			out = append(out, change{key: s.Key, at: s.Source + " before", was: s.Value, is: absent})
		}
	}
	return out
}

// byDefault is the source of what no file says.
const byDefault = "default"

// inherits reports whether a setting takes its value from another key's line.
func inherits(s ccf.Setting, all []ccf.Setting) bool {
	for _, o := range all {
		if o.Source == s.Source {
			return o.Key != s.Key // the first one is the line's own
		}
	}
	return false
}

// SPDX-License-Identifier: Apache-2.0

package ccf

import "io"

// A Setting is one key as it counts.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"` // file:line, or "default"
	Doc    string `json:"doc"`
}

// Effective returns every setting of the Config, written or not.
func (c *Config) Effective() []Setting { return nil }

// A KeyDoc is one key as the reference explains it.
type KeyDoc struct {
	Scope       string   `json:"scope"` // the prefix it is written under
	Name        string   `json:"name"`  // as JCS 1.3 spells it, or Lateral
	Type        string   `json:"type"`  // what its value looks like
	Default     string   `json:"default"`
	Doc         string   `json:"doc"`
	Status      string   `json:"status"`      // "honoured", or "accepted: " and the reason why it is not needed
	Generations []string `json:"generations"` // JCS generations that know it; none: Lateral only
}

// Reference returns every key, by scope.
func Reference() []KeyDoc { return nil }

// WriteReference writes every key with its default and meaning, as a ccf
// that Parse reads.
func WriteReference(w io.Writer) error { return nil }

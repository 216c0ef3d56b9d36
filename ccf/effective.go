// SPDX-License-Identifier: Apache-2.0

package ccf

// A Setting is one key as it counts.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"` // file:line, or "default"
	Doc    string `json:"doc"`
}

// notShown stands for a secret.
const notShown = "(not shown)"

// Effective returns every setting of the Config, written or not, in the order
// default, regions, auxiliaries, the rest. Keys that Lateral does not need are
// there only if they are written; secrets are masked.
func (c *Config) Effective() []Setting {
	var list []Setting
	for _, b := range c.blocks {
		if b.head != "" {
			list = append(list, Setting{b.head, b.value, b.pos.String(), b.doc})
		}
		for _, s := range b.scopes {
			list = append(list, b.effective(s)...)
		}
	}
	return list
}

func (b *block) effective(s scope) []Setting {
	var list []Setting
	for _, k := range byScope[s] {
		st, written := b.set[k]
		sp := k.spelled(b.gen)
		if sp == nil && written { // came from jcs.default of another generation
			sp = &k.spell[0]
		}
		if sp == nil || k.idle != "" && !written {
			continue
		}
		e := Setting{Key: sp.name, Value: sp.def, Source: st.pos.String(), Doc: k.doc}
		if b.prefix != "" {
			e.Key = b.prefix + "." + sp.name
		}
		if written {
			e.Value = st.text
		}
		if k.secret && e.Value != "" {
			e.Value = notShown
		}
		if k.idle != "" {
			e.Doc += " Accepted, not needed: " + k.idle + "."
		}
		list = append(list, e)
	}
	return list
}

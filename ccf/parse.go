// SPDX-License-Identifier: Apache-2.0

package ccf

func (o Options) parse(fs *findings, files []Source) (*Config, error) {
	c := &Config{}
	for _, f := range files {
		c.Files = append(c.Files, f.Name)
	}
	c.errs, c.Findings = fs.split(c.Files)
	if len(c.errs) > 0 {
		return c, c.errs
	}
	return c, nil
}

type block struct{}

func printable(s string) string { return s }

// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
)

// security reads who may take part in an endpoint.
func (r *reader) security(b *block, l *Lateral) {
	const s = scopeLateral
	var have, lack []string
	for _, f := range [...]struct {
		name string
		to   *string
	}{{"ClusterSecretFile", &l.ClusterSecretFile}, {"CertFile", &l.CertFile}, {"KeyFile", &l.KeyFile}, {"CAFile", &l.CAFile}} {
		*f.to = b.text(s, f.name)
		if *f.to != "" && !filepath.IsAbs(*f.to) {
			*f.to = filepath.Join(filepath.Dir(l.Where[f.name].File), *f.to)
		}
		switch {
		case f.name == "ClusterSecretFile":
		case *f.to == "":
			lack = append(lack, f.name)
		default:
			have = append(have, f.name)
		}
	}
	if len(have) > 0 && len(lack) > 0 {
		r.tell(b, Error, have[0], strings.Join(have, " and ")+" without "+strings.Join(lack, " and "), "links are proven with all three or not at all",
			"write the missing ones, or rely on ClusterSecretFile alone")
	}
	l.AllowUnauthenticatedJCS = b.bool(s, "AllowUnauthenticatedJCS")
	for _, text := range b.list(s, "AllowJCSFrom") {
		p, err := netip.ParsePrefix(text)
		if a, aerr := netip.ParseAddr(text); aerr == nil {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			r.tell(b, Error, "AllowJCSFrom", fmt.Sprintf("%q is neither an address nor a network", printable(text)), "names could be made to mean anybody",
				"write addresses such as 127.0.0.1, or networks such as 10.0.0.0/24")
			continue
		}
		l.AllowJCSFrom = append(l.AllowJCSFrom, p.Masked())
	}
	if len(l.AllowJCSFrom) > 0 && !l.AllowUnauthenticatedJCS {
		r.tell(b, Warning, "AllowJCSFrom", "AllowJCSFrom without AllowUnauthenticatedJCS=true", "with a cluster secret no Java node is spoken to",
			"add "+b.prefix+".AllowUnauthenticatedJCS=true, or remove the line")
	}
	if l.AllowUnauthenticatedJCS && !l.Secured() {
		r.tell(b, Note, "AllowUnauthenticatedJCS", "AllowUnauthenticatedJCS without a secret", "anybody is spoken to anyway", "add "+b.prefix+".ClusterSecretFile=…")
	}
}

// Secured reports whether links are proven, by whatever means.
func (l *Lateral) Secured() bool { return l.ClusterSecretFile != "" || l.CertFile != "" }

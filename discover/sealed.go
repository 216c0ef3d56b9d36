// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"encoding/hex"
	"errors"
	"fmt"

	"lateral/beacon"
	"lateral/secret"
)

// errUnproven marks packets that are not believed for want of the secret; its
// text is never shown, as unproven has the words of its cause.
var errUnproven = errors.New("not proven")

type unproven struct{ error }

func (u unproven) Is(target error) bool { return target == errUnproven }
func (u unproven) Unwrap() error        { return u.error }

// errPlain is why a plain packet is not believed where there is a secret.
var errPlain = errors.New("it announces itself without the cluster's secret: give it ClusterSecretFile")

// sealedHead is what stands before what is sealed: version and flags.
const sealedHead = 2

// encode makes the datagram of a packet as this cluster says it.
func (d *Discoverer) encode(p Packet, jcs []byte) ([]byte, error) {
	if d.cfg.Ring == nil {
		return p.Append(nil, jcs)
	}
	plain, err := p.section(nil)
	if err != nil {
		return nil, err
	}
	start := len(jcs)
	buf := append(append([]byte(nil), jcs...), version, flagSealed)
	return footer(d.cfg.Ring.Seal(buf, plain), start), nil
}

// decode reads a datagram as this cluster believes it.
func (d *Discoverer) decode(from beacon.Source, b []byte) (p Packet, err error) {
	_, section, err := split(b)
	if err != nil {
		return p, err
	}
	sealed := len(section) >= sealedHead && section[0] == version && section[1]&flagSealed != 0
	switch {
	case d.cfg.Ring == nil && sealed && len(section) >= sealedHead+secret.Overhead:
		return p, unproven{fmt.Errorf("it has a cluster secret, fingerprint %s, and this node has none: set ClusterSecretFile",
			hex.EncodeToString(section[sealedHead:sealedHead+4]))}
	case d.cfg.Ring == nil:
		return p, p.decode(section)
	case !sealed:
		return p, unproven{errPlain}
	}
	plain, err := d.cfg.Ring.Open(section[sealedHead:], from.Interface)
	if err != nil {
		return p, unproven{err}
	}
	return p, p.decode(plain)
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"lateral/secret"
)

type keygenCmd struct {
	File string `arg:"" optional:"" default:"cluster.secret" help:"File of the cluster's secrets."`
	Add  bool   `xor:"step" help:"Add a new secret behind those of the file: valid, not sent with yet."`
	Turn bool   `xor:"step" help:"Send with the last secret of the file from now on; the others stay valid."`
	Drop bool   `xor:"step" help:"Leave only the secret that is sent with."`
	Show bool   `xor:"step" help:"Print the fingerprints of the file's secrets."`
}

func (*keygenCmd) Help() string {
	return `Writes a fresh secret of 256 bits to FILE, which only its owner may read; a file
that is there is not overwritten. Every node of the cluster gets a copy, and
ClusterSecretFile=FILE in its cache.ccf. Running nodes read the file again by
themselves when it changes.

A secret is replaced in three steps; after each the file is copied to all nodes,
in any order, before the next (docs/security.md). No link is lost but, in the
last step, for a redial.

Examples:

  lateral keygen /etc/lateral/cluster.secret
  lateral keygen --add /etc/lateral/cluster.secret
  lateral keygen --turn /etc/lateral/cluster.secret
  lateral keygen --drop /etc/lateral/cluster.secret`
}

func (c *keygenCmd) Run(s *streams) error {
	if !c.Add && !c.Turn && !c.Drop && !c.Show {
		k, err := secret.Create(c.File, time.Now())
		if errors.Is(err, fs.ErrExist) {
			return &problem{saw: c.File + " is there already", why: "nodes that use it would be cut off from the cluster", do: "name another file; or replace the secret step by step, with --add, --turn and --drop", err: err}
		}
		if err != nil {
			return err
		}
		s.out.printf("%s: a new cluster secret, fingerprint %s\n", c.File, k.Fingerprint())
		return nil
	}
	user := secret.Me()
	if user == 0 { // it belongs to the user that the services run as, and will
		user = secret.Owner
	}
	list, err := user.Read(c.File)
	if err != nil {
		return err
	}
	last := len(list) - 1
	switch {
	case c.Show:
		s.out.secrets(c.File, list)
		return nil
	case c.Add:
		list = append(list, secret.New())
	case last == 0:
		return &problem{saw: c.File + " has one secret", why: "there is none to turn to, or to drop", do: "begin with: lateral keygen --add " + c.File}
	case c.Turn:
		list = append([]secret.Secret{list[last]}, list[:last]...)
	default:
		list = list[:1]
	}
	if err := secret.Replace(c.File, list, time.Now()); err != nil {
		return fmt.Errorf("%s stays as it was: %w", c.File, err)
	}
	s.out.secrets(c.File, list)
	return nil
}

// secrets prints which there are, the first one first.
func (s *screen) secrets(file string, list []secret.Secret) {
	for i, k := range list {
		role := "sends"
		if i > 0 {
			role = "valid"
		}
		s.printf("%s: %s %s\n", file, k.Fingerprint(), role)
	}
}

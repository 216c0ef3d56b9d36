// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The systems that keep a machine's network configuration. Which one is in
// charge decides where a remedy has to be written down.
const (
	netManager = "NetworkManager"
	networkd   = "systemd-networkd"
	ifupdown   = "ifupdown"
)

// tools are what this machine's network and packet filter are configured with.
// Remedies are in their words. The zero tools are those of the page: ifupdown
// and iptables.
type tools struct {
	network string                 // one of those above; "" is not known
	file    func(int) string       // networkd's .network file of an interface by its index; "" is none
	filters func() (filters, bool) // false: only root sees them all
}

// findTools looks around below root, "/" but for tests.
func findTools(ctx context.Context, root string) tools {
	there := func(path string) bool { _, err := os.Stat(filepath.Join(root, path)); return err == nil }
	t := tools{file: func(index int) string {
		text, _ := os.ReadFile(filepath.Join(root, "run/systemd/netif/links", fmt.Sprint(index)))
		return networkFile(string(text))
	}}
	switch {
	case there("run/NetworkManager"):
		t.network = netManager
	case there("run/systemd/netif/links"):
		t.network = networkd
	case there("etc/network/interfaces"):
		t.network = ifupdown
	}
	t.filters = func() (filters, bool) { return findFilters(ctx, root) }
	return t
}

// networkFile finds the .network file in what networkd says of a link.
func networkFile(state string) string {
	for line := range strings.Lines(state) {
		if f, ok := strings.CutPrefix(strings.TrimSpace(line), "NETWORK_FILE="); ok {
			return f
		}
	}
	return ""
}

// output runs a program that only looks, and returns what it prints; "" where
// it is not there or refuses.
func output(ctx context.Context, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	return string(out), err
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"lateral/ccf"
)

// The doctor's remedies in files are commands too. They are made only where
// the line is what it seems: one that goes on in the next, or is not there any
// more, is left to people.

// lineAt returns a line of a file, from 1.
func lineAt(p ccf.Pos) (string, bool) {
	f, err := os.Open(p.File)
	if err != nil || p.Line < 1 {
		return "", false
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for n := 1; sc.Scan(); n++ {
		if n == p.Line {
			return sc.Text(), !strings.HasSuffix(sc.Text(), "\\")
		}
	}
	return "", false
}

// keyAt is the key that a line of a file gives a value, as it is written there;
// "" where the line is not one for a command.
func keyAt(p ccf.Pos, attribute string) string {
	line, ok := lineAt(p)
	key, _, eq := strings.Cut(strings.TrimSpace(line), "=")
	if key = strings.TrimSpace(key); !ok || !eq || !strings.HasSuffix(key, "."+attribute) || !plainText(key) {
		return ""
	}
	return key
}

// The commands find their line by its key, not by its number: that may have
// changed by the command before.
func keyPattern(key string) string { return `^ *` + strings.ReplaceAll(key, ".", `\.`) + ` *=` }

// commentOut is the command that takes an attribute out of a file.
func commentOut(a ccf.Auxiliary, attribute string) string {
	p, ok := a.Lateral.Where[attribute]
	if !ok {
		return ""
	}
	key := keyAt(p, attribute)
	if key == "" {
		return ""
	}
	return fmt.Sprintf("sed -i 's/%s/#&/' %s", keyPattern(key), quoted(p.File))
}

// setValue is the command that gives an attribute another value, in the line
// that it is in, or in a new one behind another of the same block. "" if the
// value or the file is not one for a command.
func setValue(a ccf.Auxiliary, attribute, value string) string {
	if !plainText(value) {
		return ""
	}
	if p, ok := a.Lateral.Where[attribute]; ok {
		key := keyAt(p, attribute)
		if key == "" {
			return ""
		}
		return fmt.Sprintf("sed -i 's/%s.*/%s=%s/' %s", keyPattern(key), key, value, quoted(p.File))
	}
	for _, beside := range []string{"TcpListenerPort", "UdpDiscoveryPort", "UdpDiscoveryAddr"} {
		p, ok := a.Lateral.Where[beside]
		if !ok {
			continue
		}
		if key := keyAt(p, beside); key != "" {
			return fmt.Sprintf("sed -i '/%s/a %s%s=%s' %s", keyPattern(key), strings.TrimSuffix(key, beside), attribute, value, quoted(p.File))
		}
	}
	return ""
}

// plainText reports whether a text means itself to a shell and to sed.
func plainText(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(plainRunes, r) })
}

// plainRunes mean themselves to a shell and to sed.
const plainRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:"

// quoted is a file's name for a shell.
func quoted(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(plainRunes+"/", r) }) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// joining is the command that makes the endpoints of a group those of another
// cluster.
func joining(services []ccf.Service, group, cluster string) string {
	var all []string
	for _, v := range services {
		for _, a := range v.Config.Auxiliaries {
			if a.Lateral == nil || a.Lateral.Group() != group {
				continue
			}
			c := setValue(a, "ClusterName", cluster)
			if c == "" {
				return ""
			}
			all = append(all, c)
		}
	}
	return strings.Join(all, " && ")
}

// setBelow is the command that gives a setting below a declared key another
// value (jcs.region.User, elementattributes.IsLateral), in the file that
// declares it; "" if the value or the file is none for a command.
func setBelow(declared string, where ccf.Pos, setting, value string) string {
	line, ok := lineAt(where)
	before, _, eq := strings.Cut(line, "=")
	if !ok || !eq || strings.TrimSpace(before) != declared || !plainText(declared) || !plainText(value) {
		return ""
	}
	b, err := os.ReadFile(where.File)
	if err != nil {
		return ""
	}
	key := declared + "." + setting
	for line := range strings.Lines(string(b)) {
		if k, _, eq := strings.Cut(line, "="); eq && strings.TrimSpace(k) == key {
			return fmt.Sprintf("sed -i 's/%s.*/%s=%s/' %s", keyPattern(key), key, value, quoted(where.File))
		}
	}
	return fmt.Sprintf("sed -i '/%s/a %s=%s' %s", keyPattern(declared), key, value, quoted(where.File))
}

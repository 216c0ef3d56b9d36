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

// commentOut is the command that takes a line out of a file.
func commentOut(p ccf.Pos) string {
	line, ok := lineAt(p)
	if !ok || strings.TrimSpace(line) == "" {
		return ""
	}
	return fmt.Sprintf("sed -i '%ds/^/#/' %s", p.Line, quoted(p.File))
}

// setValue is the command that gives a key another value, in the line that it
// is in, or in a new one behind that of another key of the same block. "" if
// the value or the file is not one for a command.
func setValue(a ccf.Auxiliary, key, value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(plainRunes, r) }) {
		return ""
	}
	if p, ok := a.Lateral.Where[key]; ok {
		line, ok := lineAt(p)
		if i := strings.Index(line, "."+key); !ok || i < 0 || !strings.Contains(line[i:], "=") {
			return ""
		}
		return fmt.Sprintf("sed -i '%ds/=.*/=%s/' %s", p.Line, value, quoted(p.File))
	}
	for _, beside := range []string{"TcpListenerPort", "UdpDiscoveryPort", "UdpDiscoveryAddr"} {
		p, ok := a.Lateral.Where[beside]
		line, whole := lineAt(p)
		i := strings.Index(line, "."+beside)
		if !ok || !whole || i < 0 {
			continue
		}
		block := strings.TrimSpace(line[:i])
		if block == "" || strings.ContainsFunc(block, func(r rune) bool { return !strings.ContainsRune(plainRunes, r) }) {
			continue
		}
		return fmt.Sprintf("sed -i '%da %s.%s=%s' %s", p.Line, block, key, value, quoted(p.File))
	}
	return ""
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

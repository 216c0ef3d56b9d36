// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"lateral/ccf"
)

// words is what was typed, in the words of this command line: help and
// --version are spelt as the other programs of a machine have them.
func words(args []string) []string {
	if len(args) == 0 {
		return args
	}
	switch args[0] {
	case "help":
		return append(append([]string{}, args[1:]...), "--help")
	case "--version", "-version", "-V":
		return append([]string{"version"}, args[1:]...)
	}
	return args
}

// elsewhere is what other programs call things: where it is typed, and there is
// such a word here, that is what was meant.
var elsewhere = map[string][]string{
	"--ttl": {"--max-life"}, "--expire": {"--max-life"}, "--time": {"--duration", "--wait"}, "--timeout": {"--wait"},
	"start": {"run"}, "serve": {"run"}, "status": {"mesh"}, "set": {"put"}, "del": {"rm"}, "delete": {"rm"}, "remove": {"rm"}, "list": {"keys"}, "ls": {"keys"},
}

var (
	unitless   = regexp.MustCompile(`^(.*?): expected duration but got "([^"]*)": time: missing unit`)
	unexpected = regexp.MustCompile(`^(unknown flag|unexpected argument) ([^ ,]+)`)
)

// usage makes a problem of an error in the command line.
func usage(err error) error {
	command, text := "lateral", err.Error()
	text = unexpected.FindString(text)
	if text == "" {
		text = err.Error()
	}
	if pe := (*kong.ParseError)(nil); errors.As(err, &pe) {
		for _, p := range pe.Context.Path {
			if p.Command != nil {
				command += " " + p.Command.Name
			}
		}
		if m := unexpected.FindStringSubmatch(text); m != nil {
			if n := pe.Context.Selected(); m[1] == "unexpected argument" && (n == nil || len(n.Children) > 0) {
				text = "there is no command " + strings.TrimPrefix(command+" "+m[2], "lateral ")
			}
			if w := meantBy(m[2], known(pe.Context)); w != "" {
				text += ", did you mean " + w + "?"
			}
		}
	}
	do := command + " --help shows what there is, with examples"
	if m := unitless.FindStringSubmatch(text); m != nil {
		text, do = m[1]+": "+m[2]+" has no unit", "write "+m[2]+"s for seconds, or ms, m or h"
	}
	return &problem{saw: text, do: do, err: err}
}

// known are the words that could stand where the command line went wrong.
func known(c *kong.Context) (list []string) {
	for _, f := range c.Flags() {
		if !f.Hidden {
			list = append(list, "--"+f.Name)
		}
	}
	n := c.Selected()
	if n == nil {
		n = c.Model.Node
	}
	for _, child := range n.Children {
		if !child.Hidden {
			list = append(list, child.Name)
		}
	}
	return list
}

// meantBy is the known word that was probably meant; "" if none is. A letter
// stands for the flag that begins with it.
func meantBy(word string, known []string) string {
	for _, w := range elsewhere[word] {
		for _, k := range known {
			if k == w {
				return w
			}
		}
	}
	flag := strings.HasPrefix(word, "-")
	var alike, begin []string
	for _, k := range known {
		if name, isFlag := strings.CutPrefix(k, "--"); isFlag == flag {
			alike = append(alike, name)
			if len(word) == 2 && flag && strings.HasPrefix(name, word[1:]) {
				begin = append(begin, name)
			}
		}
	}
	near := ccf.Nearest(strings.TrimLeft(word, "-"), alike)
	if len(begin) == 1 {
		near = begin[0]
	}
	if flag && near != "" {
		near = "--" + near
	}
	return near
}

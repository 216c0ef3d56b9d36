// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lateral/cache"
	"lateral/jcs"
	"lateral/web"
)

// heldEverywhere is what keys --java prints as JSON.
type heldEverywhere struct {
	Region string         `json:"region"`
	Keys   []web.Key      `json:"keys"` // that the service itself holds
	Java   []web.JavaHeld `json:"java"`
}

// everywhere shows the keys of this service and of Java nodes.
func (c *keysCmd) everywhere(ctx context.Context, s *streams) error {
	client, err := c.pick(ctx, c.Region)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askedLong)
	defer cancel()
	java, err := client.AskJava(ctx, c.Region, c.Pattern, c.Values)
	if err != nil {
		return err
	}
	own, err := client.Do(ctx, cache.Command{Op: cache.Keys, Origin: cache.LocalOnly, Region: c.Region, Pattern: c.Pattern})
	if err != nil {
		return err
	}
	all := heldEverywhere{Region: c.Region, Keys: []web.Key{}, Java: java}
	for _, k := range own.Keys {
		all.Keys = append(all.Keys, web.KeyOf(k))
	}
	if c.JSON {
		err = s.out.json(all)
	} else {
		s.out.heldBy(client.Service, &all, c.Values)
	}
	if err == nil && slices.ContainsFunc(java, func(h web.JavaHeld) bool { return h.Error != "" }) {
		err = verdict(2)
	}
	return err
}

func (s *screen) heldBy(service string, all *heldEverywhere, values bool) {
	held := map[string][]string{}
	for _, k := range all.Keys {
		held[keyLine(k)] = append(held[keyLine(k)], service)
	}
	said := map[string]map[string]string{} // what by whom, of a key
	for _, h := range all.Java {
		for i, k := range h.Keys {
			held[keyLine(k)] = append(held[keyLine(k)], h.Addr)
			if values && i < len(h.Elements) {
				if said[keyLine(k)] == nil {
					said[keyLine(k)] = map[string]string{}
				}
				said[keyLine(k)][h.Addr] = brief(h.Elements[i])
			}
		}
	}
	t := &table{head: []string{"key", "held by"}}
	if values {
		t.head = append(t.head, "value")
	}
	for _, k := range slices.Sorted(maps.Keys(held)) {
		if !values {
			t.add(k, strings.Join(held[k], ", "))
			continue
		}
		for _, who := range held[k] {
			t.add(k, who, said[k][who])
		}
	}
	s.table("", t)
	if len(all.Java) == 0 {
		s.printf("no Java node shares the region; lateral mesh shows those that are known\n")
	}
	for _, h := range all.Java {
		if h.Error != "" {
			s.printf("%s\n", s.paint(yellow, fmt.Sprintf("%s (%s) could not be asked: %s", h.Addr, h.Generation, h.Error)))
		}
	}
}

func keyLine(k web.Key) string {
	if k.Group != "" {
		return printable(k.Group + "/" + k.Key)
	}
	return printable(k.Key)
}

// brief is a value in one short line.
func brief(e web.Element) string {
	v, err := e.Content()
	if err != nil {
		return err.Error()
	}
	text, _, more := strings.Cut(jcs.Tree(v), "\n")
	if r := []rune(text); len(r) > 60 {
		text, more = string(r[:60]), true
	}
	if more {
		text += " …"
	}
	return printable(text)
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lateral"
	"lateral/cache"
	"lateral/fields"
	"lateral/jcs"
	"lateral/web"
)

// dashboardOf is the dashboard of a service. It shows what all services of the
// runtime directory know, as lateral mesh and lateral stats do.
func dashboardOf(n *lateral.Node, service, dir string) *web.Dashboard {
	return &web.Dashboard{
		Look: func(ctx context.Context) web.View {
			others, err := web.Discover(dir)
			others = slices.DeleteFunc(others, func(c *web.Client) bool { return c.Service == service })
			own := heard{client: web.NewClient(service, ""), status: n.Status()}
			v := viewOf(append([]heard{own}, ask(ctx, others)...))
			if err != nil {
				v.Complete = false
				v.Warnings = append(v.Warnings, web.Warning{Kind: web.WarnNote, Text: "the other services of this host cannot be asked: " + err.Error()})
			}
			return v
		},
		Watch: n.WatchRegion,
		Tree:  treeOf,
		// Who may open the socket may do everything.
		Writes: func(*http.Request) bool { return true },
	}
}

// maxFields of a hash are shown.
const maxFields = 1000

// treeOf is a value that has parts, for people.
func treeOf(v cache.Value) (text string, ok bool) {
	switch v.Form {
	case cache.FormJava:
		return jcs.Tree(v), true
	case cache.FormHash:
		h, err := fields.Decode(v.Bytes, cache.Stamp{})
		if err != nil {
			return "not readable: " + err.Error(), true
		}
		var b strings.Builder
		fmt.Fprintf(&b, "hash of %d fields\n", h.Len())
		n := 0
		for name, value := range h.All() {
			if n++; n > maxFields {
				b.WriteString("  …\n")
				break
			}
			fmt.Fprintf(&b, "  %q: %q\n", name, value)
		}
		return b.String(), true
	}
	return "", false
}

// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"lateral/cache"
)

// Members are those of a node's meshes of whom nothing is heard. A
// *lateral.Node has them.
type Members interface {
	Silent() []cache.SilentMember
	Forget(member string) ([]cache.SilentMember, error)
}

// longestMember is host/service.endpoint, each of which has at most 255 bytes.
const longestMember = 3*255 + 2

func (f *Front) silent(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, f.Members.Silent())
}

// forget takes a name.
func (f *Front) forget(w http.ResponseWriter, r *http.Request) {
	name, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestMember))
	if err != nil {
		fail(w, fmt.Errorf("%w: the name of a member has at most %d bytes", ErrRequest, longestMember))
		return
	}
	gone, err := f.Members.Forget(string(name))
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, gone)
}

// Silent asks for the members that count though no link leads to them.
func (c *Client) Silent(ctx context.Context) (s []cache.SilentMember, err error) {
	return s, c.ask(ctx, http.MethodGet, "/v1/silent", nil, &s)
}

// Forget has the service forget a silent member: see lateral.Node.Forget.
func (c *Client) Forget(ctx context.Context, member string) (gone []cache.SilentMember, err error) {
	return gone, c.ask(ctx, http.MethodPost, "/v1/forget", strings.NewReader(member), &gone)
}

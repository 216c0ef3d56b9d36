// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lateral/cache"
)

// A Client asks one service of this host. Its methods may be called by many
// goroutines at once.
type Client struct {
	Service string
	Socket  string // path
	http    *http.Client
}

// NewClient returns a client of the service behind a socket. It connects when
// it is first asked something.
func NewClient(service, socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{Service: service, Socket: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks the service how it is.
func (c *Client) Status(ctx context.Context) (cache.Status, error) {
	var st cache.Status
	return st, c.ask(ctx, http.MethodGet, "/v1/status", nil, &st)
}

// Ready asks the service whether it may be given work, and if not why.
func (c *Client) Ready(ctx context.Context) (r Ready, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://lateral/readyz", nil)
	if err != nil {
		return r, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return r, fmt.Errorf("service %s (%s): %w", c.Service, c.Socket, err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&r); err != nil {
		return r, fmt.Errorf("answer of service %s: %w", c.Service, err)
	}
	if !r.Ready && len(r.Reasons) == 0 { // some other failure
		return r, fmt.Errorf("answer of service %s: HTTP status %d without a reason", c.Service, res.StatusCode)
	}
	return r, nil
}

// Verify has the service compare the replicas of a region, or with "" of all.
func (c *Client) Verify(ctx context.Context, region string, repair bool) (v cache.Verification, err error) {
	q := url.Values{}
	if region != "" {
		q.Set("region", region)
	}
	if repair {
		q.Set("repair", "")
	}
	return v, c.ask(ctx, http.MethodPost, "/v1/verify"+query(q), nil, &v)
}

// Survey has the service and all members of its groups send, listen and dial at
// one time. It takes some seconds.
func (c *Client) Survey(ctx context.Context) (all []cache.Survey, err error) {
	return all, c.ask(ctx, http.MethodPost, "/v1/survey", nil, &all)
}

// Explain has the service tell what all members know of a key.
func (c *Client) Explain(ctx context.Context, region, key string) (e cache.Explanation, err error) {
	q := url.Values{}
	name := element(key, q)
	return e, c.ask(ctx, http.MethodGet, "/v1/regions/"+escape(region)+"/why/"+name+query(q), nil, &e)
}

// AskJava has the service ask Java nodes what they hold of a region: keys, or
// with values all of each element.
func (c *Client) AskJava(ctx context.Context, region, pattern string, values bool) (all []JavaHeld, err error) {
	q := url.Values{}
	if pattern != "" {
		q.Set("pattern", pattern)
	}
	if values {
		q.Set("values", "")
	}
	return all, c.ask(ctx, http.MethodGet, "/v1/regions/"+escape(region)+"/java"+query(q), nil, &all)
}

// Do carries out a command at the service: a cache.Do from afar. It knows Get,
// Touch, Take, Put, PutIfAbsent, Update, Remove, RemoveAll, RemoveGroup,
// RemoveTag and Keys. Errors of the service are *Failure and unwrap to what the
// service saw. Of attributes only the tags and the lifetimes travel: of these 0
// is the region's own, < 0 is unlimited.
func (c *Client) Do(ctx context.Context, cmd cache.Command) (rep cache.Reply, err error) {
	q := url.Values{}
	if cmd.Origin == cache.LocalOnly {
		q.Set("local", "")
	}
	if cmd.Acks != cache.RegionAcks {
		q.Set("acks", cmd.Acks.String())
	}
	region := "/v1/regions/" + escape(cmd.Region)
	key := element(cmd.Key, q)
	element := region + "/elements/" + key
	switch cmd.Op {
	case cache.Get:
		return c.get(ctx, http.MethodGet, cmd.Key, element+query(q), cmd.Token)
	case cache.Take:
		return c.get(ctx, http.MethodPost, cmd.Key, region+"/take/"+key+query(q), cache.Token{})
	case cache.Keys:
		if cmd.Pattern != "" {
			q.Set("pattern", cmd.Pattern)
		}
		return c.keys(ctx, region+"/keys"+query(q))
	case cache.Touch:
		rep, err = c.change(ctx, http.MethodPost, region+"/touch/"+key+query(q), nil)
		if errors.Is(err, errMiss) {
			return cache.Reply{}, nil
		}
		return rep, err
	case cache.Put, cache.PutIfAbsent, cache.Update:
		putOptions(&cmd, q)
		return c.change(ctx, http.MethodPut, element+query(q), strings.NewReader(cmd.Value.Bytes))
	case cache.Remove:
		return c.change(ctx, http.MethodDelete, element+query(q), nil)
	}
	q.Del("group")
	switch cmd.Op {
	case cache.RemoveAll:
		return c.change(ctx, http.MethodDelete, region+"/elements"+query(q), nil)
	case cache.RemoveGroup:
		return c.change(ctx, http.MethodDelete, region+"/groups/"+escape(cmd.Key)+query(q), nil)
	case cache.RemoveTag:
		return c.change(ctx, http.MethodDelete, region+"/tags/"+escape(cmd.Key)+query(q), nil)
	}
	return rep, fmt.Errorf("%w: operation %s is not offered over HTTP", ErrRequest, cmd.Op)
}

// element is a key as part of a path; its group becomes an option.
func element(key string, q url.Values) string {
	if g, name, ok := cache.SplitGroup(key); ok {
		q.Set("group", g)
		return escape(name)
	}
	return escape(cache.KeyText(key))
}

// escape makes one segment of a path of any text. Dots alone would be taken
// for a way through directories.
func escape(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

func query(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func putOptions(cmd *cache.Command, q url.Values) {
	switch cmd.Op {
	case cache.Update:
		q.Set("update", "")
	case cache.PutIfAbsent:
		q.Set("if-absent", "")
	}
	if f := cmd.Value.Form; f != cache.FormBytes {
		q.Set("form", formNames[f])
	}
	if a := cmd.Attr; a != nil {
		if a.Eternal {
			q.Set("eternal", "")
		}
		lifetime(q, "max-life", a.MaxLife)
		lifetime(q, "max-idle", a.MaxIdle)
		if a.Tags != "" {
			q["tag"] = cache.SplitTags(a.Tags)
		}
	}
}

func lifetime(q url.Values, name string, d time.Duration) {
	switch {
	case d > 0:
		q.Set(name, d.String())
	case d < 0:
		q.Set(name, unlimited)
	}
}

func (c *Client) get(ctx context.Context, method, key, target string, t cache.Token) (rep cache.Reply, err error) {
	res, err := c.send(ctx, method, target, nil, t)
	if errors.Is(err, errMiss) {
		return rep, nil
	}
	if err != nil {
		return rep, err
	}
	defer res.Body.Close()
	var s Element
	if err := json.Unmarshal([]byte(res.Header.Get(metaHeader)), &s); err != nil {
		return rep, fmt.Errorf("header %s of service %s: %w", metaHeader, c.Service, err)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err == nil && len(b) != s.Bytes {
		err = fmt.Errorf("a value of %d bytes from service %s has %d", s.Bytes, c.Service, len(b))
	}
	if err != nil {
		return rep, err
	}
	rep.Element, err = s.element(key, string(b))
	rep.Found, rep.Stamp = true, rep.Element.Stamp
	return rep, err
}

func (c *Client) keys(ctx context.Context, target string) (rep cache.Reply, err error) {
	var ks Keys
	if err := c.ask(ctx, http.MethodGet, target, nil, &ks); err != nil {
		return rep, err
	}
	rep.Keys = make([]string, len(ks.Keys))
	for i, k := range ks.Keys {
		if rep.Keys[i], err = k.key(); err != nil {
			return rep, fmt.Errorf("a key from service %s: %w", c.Service, err)
		}
	}
	return rep, nil
}

func (c *Client) change(ctx context.Context, method, target string, body io.Reader) (rep cache.Reply, err error) {
	var d Done
	if err := c.ask(ctx, method, target, body, &d); err != nil {
		return rep, err
	}
	rep.Found, rep.Count = d.Found, d.Count
	rep.Stamp, err = cache.ParseStamp(d.Stamp)
	return rep, err
}

// ask sends a request and decodes its JSON answer.
func (c *Client) ask(ctx context.Context, method, target string, body io.Reader, out any) error {
	res, err := c.send(ctx, method, target, body, cache.Token{})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("answer of service %s: %w", c.Service, err)
	}
	return nil
}

// send returns the response if it is a success; else what the service says.
func (c *Client) send(ctx context.Context, method, target string, body io.Reader, t cache.Token) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://lateral"+target, body)
	if err != nil {
		return nil, err
	}
	if !t.IsZero() {
		req.Header.Set(tokenHeader, t.String())
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("service %s (%s): %w", c.Service, c.Socket, err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	return nil, failureIn(res.StatusCode, io.LimitReader(res.Body, maxRefusal))
}

// failureIn decodes what a service answers when it refuses.
func failureIn(status int, r io.Reader) error {
	var w struct{ Error *Failure }
	b, err := io.ReadAll(r)
	if err == nil {
		err = json.Unmarshal(b, &w)
	}
	if err != nil || w.Error == nil {
		return &Failure{Status: status, Code: "internal", Saw: fmt.Sprintf("HTTP status %d: %.200q", status, b)}
	}
	w.Error.Status = status
	return w.Error
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"lateral/web"
)

// TestRun asks for the page, and for what it shows.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	url, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- run(ctx, "test", "127.0.0.1:0", func(u string) { url <- u }) }()
	var at string
	select {
	case at = <-url:
	case err := <-done:
		t.Fatal(err)
	}
	get := func(path string) *http.Response {
		res, err := http.Get(at + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, res.Status)
		}
		return res
	}
	get("dashboard/")
	events := bufio.NewScanner(get("dashboard/events").Body)
	events.Buffer(nil, 1<<20)
	for events.Scan() {
		data, ok := strings.CutPrefix(events.Text(), "data: ")
		if !ok || !strings.Contains(data, `"regions"`) {
			continue
		}
		var v web.View
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		if len(v.Regions) != 1 || v.Regions[0].Region != "Visits" || v.Service != "test" || len(v.Grids) != 1 {
			t.Errorf("the page shows %+v", v)
		}
		break
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

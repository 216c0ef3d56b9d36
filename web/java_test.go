// SPDX-License-Identifier: Apache-2.0

package web

import (
	"reflect"
	"testing"
	"time"

	"lateral/cache"
)

// TestAddJava: what Java nodes disagree on, and what they were not told, is in
// what the page shows, and not more of it than a page takes.
func TestAddJava(t *testing.T) {
	at := time.Unix(1e9, 0)
	st := cache.Status{Host: "h", Service: "s", Endpoints: []cache.EndpointStatus{
		{Endpoint: "A", JavaLosses: []cache.JavaLoss{{Kind: cache.LossUntold, To: "jcs-3", Region: "User", Class: "C", Why: "why", Count: 3, Key: "k", Last: at}}},
		{Endpoint: "B", JavaLosses: make([]cache.JavaLoss, 200), Observed: &cache.Observed{Latest: []cache.Dispute{{Region: "User", KeyName: cache.KeyName{Key: "k"}, Gap: 5 * time.Millisecond,
			Said: []cache.Said{{Node: "n1", Value: "abc", At: at}, {Node: "n2", At: at.Add(-time.Second)}}}}}}}}
	var v View
	v.AddJava(&st)
	if want := (LossView{"h/s A", "untold", "lateral → jcs-3", "User", "C", "why", 3, "k", at}); v.Losses[0] != want || len(v.Losses) != 1+maxJavaRows {
		t.Errorf("%d losses, the first is %+v", len(v.Losses), v.Losses[0])
	}
	if want := []DisputeView{{"h/s B", "User", "k", []string{"n1: abc", "n2: removed"}, 5, at}}; !reflect.DeepEqual(v.Disputes, want) {
		t.Errorf("%+v", v.Disputes)
	}
}

// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestStrictStopped stops a service that holds a value of a strict region, as
// SIGSTOP does: a removal elsewhere returns nevertheless, and the service does
// not serve the value when it goes on, though it is asked before it hears of
// anything. Nor does one whose packets are dropped.
func TestStrictStopped(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	s.edit = func(_, text string) string {
		if !strings.Contains(text, "jcs.auxiliary.LTCP=") {
			return text
		}
		return text + "\njcs.region.Once=LTCP\njcs.region.Once.elementattributes=org.apache.jcs.engine.ElementAttributes\n" +
			"jcs.region.Once.elementattributes.IsLateral=false\njcs.region.Once.cacheattributes.Strict=true\n"
	}
	procs := s.runAll()
	s.complete(4, 7)
	from, to := place{s.Hosts[0], "groupware"}, place{s.Hosts[1], "groupware"}
	hold := func() {
		t.Helper()
		lab.Eventually(t, 20*time.Second, func() error {
			s.put(to, "Once", "k", "old", "--local") // a removal from before may still be on its way
			if v, ok := s.get(to, "Once", "k"); !ok || v != "old" {
				return fmt.Errorf("it is not served: %q; %+v", v, s.status(to).Endpoints[0].Leases)
			}
			return nil
		})
	}
	hold()
	stopped := procs[to.Name+"/"+to.service]
	stopped.Stop()
	s.must(from.Host, "rm", "Once", "k", "--service", from.service)
	type answer struct {
		value string
		ok    bool
	}
	asked := make(chan answer)
	go func() {
		v, ok := s.get(to, "Once", "k") // waits for the service
		asked <- answer{v, ok}
	}()
	select {
	case a := <-asked:
		t.Fatalf("a stopped service answers: %+v", a)
	case <-time.After(time.Second):
	}
	stopped.Cont()
	if a := <-asked; a.ok {
		t.Errorf("it serves %q, which was removed while it was stopped", a.value)
	}
	s.complete(4, 7)
	hold()
	s.Block(from.Host, to.Host)
	s.must(from.Host, "rm", "Once", "k", "--service", from.service)
	if v, ok := s.get(to, "Once", "k"); ok {
		t.Errorf("it serves %q, of whose removal it has not heard", v)
	}
	if st := s.status(to); st.Endpoints[0].Leases == nil {
		t.Error("its status says nothing of leases")
	}
	s.Heal()
	s.complete(4, 7)
	hold()
}

// SPDX-License-Identifier: Apache-2.0

package lateraltest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/lateraltest"
)

// A program's own test: a session that was written with an acknowledgement
// outlives the node that took it.
func sessionOutlivesItsNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lateraltest.New(t, 3)
		sessions := lateraltest.In(c, 0, "Sessions", lateral.Text)
		if err := sessions.Put(t.Context(), "4711", "anna"); err != nil {
			t.Fatal(err)
		}
		c.Kill(0)
		user, ok, err := lateraltest.In(c, 1, "Sessions", lateral.Text).Get(t.Context(), "4711")
		if user != "anna" || !ok || err != nil {
			t.Errorf("%q, %v, %v", user, ok, err)
		}
		c.Restart(0)
		c.AssertConverged()
	})
}

// The test is an ordinary one: func TestSessionOutlivesItsNode(t *testing.T).
func Example() {
	_ = sessionOutlivesItsNode
}

// What both sides of a partition wrote is everywhere after it.
func bothSidesWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := lateraltest.New(t, 3)
		c.Delay(1, 2, 20*time.Millisecond)
		c.Partition(0)
		for i, key := range []string{"left", "right"} {
			if err := lateraltest.In(c, i, "Any", lateral.Text).Put(t.Context(), key, "v"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour) // of the bubble
		c.Heal()
		c.AssertConverged()
		if _, ok, err := lateraltest.In(c, 2, "Any", lateral.Text).Get(t.Context(), "left"); !ok || err != nil {
			t.Error(ok, err)
		}
	})
}

func ExampleCluster_Partition() {
	_ = bothSidesWrite
}

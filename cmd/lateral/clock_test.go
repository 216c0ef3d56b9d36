// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// clockFile names, in the environment, a file with how far a service's clock is
// off. Without that file it is right; what is in it later counts from then on.
const clockFile = "LATERAL_TEST_CLOCK"

// offMain is the program with a clock that may be off.
func offMain() {
	if name := os.Getenv(clockFile); name != "" {
		if _, err := os.Stat(name); err == nil {
			wall = func() time.Time { return time.Now().Add(offBy(name)) }
		}
	}
	main()
}

func offBy(name string) time.Duration {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0 // it is being written
	}
	d, err := time.ParseDuration(strings.TrimSpace(string(b)))
	if err != nil && len(b) > 0 {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return d
}

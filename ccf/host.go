// SPDX-License-Identifier: Apache-2.0

package ccf

// A Service is one process of a host with its Config.
type Service struct {
	Name   string
	Config *Config
}

// CheckHost looks at the files of all services of a host together. It
// returns every finding about them: the errors, warnings and notes of each
// Config, and what only shows when they are laid side by side.
func CheckHost(services ...Service) []Finding { return nil }

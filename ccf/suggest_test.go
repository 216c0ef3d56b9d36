// SPDX-License-Identifier: Apache-2.0

package ccf

import "testing"

func TestNearest(t *testing.T) {
	among := []string{"FailoverServers", "PasswordFile", "KeyPrefix", "MaxObjects", "MaxBytes", "CAFile", "CertFile"}
	for word, want := range map[string]string{
		"MaxObject": "MaxObjects", "failoverservers": "FailoverServers", "Paswordfile": "PasswordFile",
		"Servers": "FailoverServers", "Password": "PasswordFile", "Prefix": "KeyPrefix", // left out: half of the name
		"File": "", // of two
		"Key":  "", "Maxi": "", "Objekte": "", "": "", "Nothing": "",
	} {
		if got := Nearest(word, among); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lateral/internal/lab"
	"lateral/internal/redistest"
)

// A node reaches a server that takes TLS with certificates on both sides and an ACL user alone, by what the
// ccf says; with another authority, without a certificate, or with another password it does not, and says so.
func TestRemoteGuarded(t *testing.T) {
	t.Parallel()
	ca, cert, key, _ := redistest.Papers(t)
	other, _, _, _ := redistest.Papers(t)
	port := lab.Port(t)
	srv := redistest.Start(t, "--tls-port", fmt.Sprint(port), "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca,
		"--user", "lateral", "on", ">word", "~V*", "+@all", "--user", "default", "on", "nopass", "~*", "+@all")
	word := func(text string) string {
		path := filepath.Join(t.TempDir(), "word")
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	right := map[string]string{"UseTLS": "true", "CAFile": ca, "CertFile": cert, "KeyFile": key, "UserName": "lateral", "PasswordFile": word("word")}
	for name, test := range map[string]struct {
		change map[string]string
		works  bool
		why    string
	}{
		"all right":         {nil, true, ""},
		"another authority": {map[string]string{"CAFile": other}, false, "certificate"},
		"no certificate":    {map[string]string{"CertFile": "", "KeyFile": ""}, false, "certificate required"},
		"another password":  {map[string]string{"PasswordFile": word("other")}, false, "WRONGPASS"},
		"in plain":          {map[string]string{"UseTLS": "false", "CAFile": "", "CertFile": "", "KeyFile": ""}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for _, a := range []string{"VC", "VT"} {
				for k, v := range right {
					if changed, ok := test.change[k]; ok {
						v = changed
					}
					if v != "" {
						lines = append(lines, "jcs.auxiliary."+a+".attributes."+k+"="+v)
					}
				}
			}
			c := newRealCluster(t)
			c.own(1, onRemote(fmt.Sprint("127.0.0.1:", port), lines...)...)
			if !test.works {
				c.soon("it is said", func() bool {
					why := c.remote("1", "Near").Why
					return why != "" && why != "not connected yet" && strings.Contains(why, test.why)
				})
				if c.remote("1", "Near").Works {
					t.Errorf("it works: %+v", c.remote("1", "Near"))
				}
				return
			}
			c.tracked("Near")
			c.put("1", "Near", "k", "v")
			c.soon("it is written", func() bool { return c.remote("1", "Near").Queued == 0 })
			if got := srv.CLI("HVALS", "VC:Near:k"); got != "v" {
				t.Errorf("%q", got)
			}
		})
	}
}

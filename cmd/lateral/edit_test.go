// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lateral/ccf"
)

// Commands that edit a file do so where the line is what it seems, whatever was
// edited before, and nothing of a file or a neighbour has another meaning in them.
func TestEdits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a; dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cache.ccf")
	const text = `jcs.default=A
jcs.auxiliary.A=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.A.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
  jcs.auxiliary.A.attributes.TcpListenerPort = 57462
jcs.auxiliary.A.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.A.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.A.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.A.attributes.TcpServers=gw02:57462,\
  gw03:57462
jcs.auxiliary.A.attributes.AdvertiseHost=x
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := ccf.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	a := cfg.Auxiliaries[0]
	for _, value := range []string{"", "a b", "$(reboot)", "a'b", "x/e", "a&b", "a;b", "ü"} {
		if c := setValue(a, "ClusterName", value); c != "" {
			t.Errorf("%q becomes %s", value, c)
		}
	}
	if c := commentOut(a, "TcpServers"); c != "" {
		t.Errorf("a line that goes on in the next: %s", c)
	}
	if c := commentOut(a, "Interface"); c != "" {
		t.Errorf("a line that is not there: %s", c)
	}
	if _, err := exec.LookPath("sed"); err != nil {
		t.Skip("needs sed")
	}
	for _, c := range []string{setValue(a, "ClusterName", "test"), setValue(a, "UdpDiscoveryPort", "6790"), commentOut(a, "AdvertiseHost")} {
		if out, err := exec.Command("/bin/sh", "-c", c).CombinedOutput(); c == "" || err != nil {
			t.Fatalf("%q: %v\n%s", c, err, out)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("UdpDiscoveryPort=6780", "UdpDiscoveryPort=6790", "jcs.auxiliary.A.attributes.AdvertiseHost", "#jcs.auxiliary.A.attributes.AdvertiseHost",
		"TcpListenerPort = 57462\n", "TcpListenerPort = 57462\njcs.auxiliary.A.attributes.ClusterName=test\n").Replace(text)
	if string(b) != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// maxRemotes bounds the servers that a remote tier lists.
const maxRemotes = 100

// remote makes a Remote of its attributes and checks them.
func (r *reader) remote(b *block) *Remote {
	const s = scopeValkey
	c := &Remote{MasterName: b.text(s, "MasterName"), GetOnly: b.bool(s, "GetOnly"), WriteThrough: b.bool(s, "WriteThrough"), GetTimeout: b.time(s, "GetTimeoutMillis"),
		ZombieQueueMaxSize: b.num(s, "ZombieQueueMaxSize"), UserName: b.text(s, "UserName"), UseTLS: b.bool(s, "UseTLS"), Database: b.num(s, "Database"), KeyPrefix: b.text(s, "KeyPrefix"),
		MaxValueBytes: look[int64](b, s, "MaxValueBytes"), MaxQueuedBytes: look[int64](b, s, "MaxQueuedBytes"),
		HeartbeatInterval: b.time(s, "HeartbeatInterval"), LinkTimeout: b.time(s, "LinkTimeout"), DrainTimeout: b.time(s, "DrainTimeout"), Where: map[string]Pos{}}
	for k, st := range b.set {
		c.Where[k.name()] = st.pos
	}
	for name, to := range map[string]*string{"PasswordFile": &c.PasswordFile, "SentinelPasswordFile": &c.SentinelPasswordFile, "CAFile": &c.CAFile, "CertFile": &c.CertFile, "KeyFile": &c.KeyFile} {
		if *to = b.text(s, name); *to != "" && !filepath.IsAbs(*to) {
			*to = filepath.Join(filepath.Dir(c.Where[name].File), *to)
		}
	}
	say := func(sev Severity, name, saw, why, do string) {
		pos, ok := c.Where[name]
		if !ok {
			pos = b.pos
		}
		r.fs.add(sev, pos, b.prefix+"."+name, saw, why, do)
	}
	r.remoteServers(b, c, say)
	if c.CAFile+c.CertFile+c.KeyFile != "" {
		c.UseTLS = true
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		say(Error, "CertFile", "one of CertFile and KeyFile", "a node is proven with both or with neither", "write the other one, or remove this one")
	}
	if c.KeyPrefix == "" || len(c.KeyPrefix) > 64 || strings.Trim(c.KeyPrefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
		say(Error, "KeyPrefix", fmt.Sprintf("%q", printable(c.KeyPrefix)), "keys are PREFIX:REGION:KEY, and must be told apart", "write 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if c.Database < 0 || c.Database > 1<<15 {
		say(Error, "Database", fmt.Sprint(c.Database), "no server has that", "write 0, and choose a KeyPrefix")
	}
	r.remoteTimes(c, say)
	if c.ZombieQueueMaxSize < 1 {
		say(Warning, "ZombieQueueMaxSize", fmt.Sprint(c.ZombieQueueMaxSize), "nothing could wait to be written; it counts as 1", "write 50000, the default")
		c.ZombieQueueMaxSize = 1
	}
	if c.WriteThrough && c.GetOnly {
		say(Warning, "WriteThrough", "WriteThrough with GetOnly", "nothing is written", "remove one of the two lines")
		c.WriteThrough = false
	}
	return c
}

type sayer func(sev Severity, name, saw, why, do string)

func (r *reader) remoteServers(b *block, c *Remote, say sayer) {
	list := b.list(scopeValkey, "FailoverServers")
	if len(list) > maxRemotes {
		say(Error, "FailoverServers", fmt.Sprintf("%d servers", len(list)), "some nodes of a Cluster are enough: they tell of the others", "list a few")
		list = nil
	}
	beyond := ""
	for _, text := range list {
		host, port, err := net.SplitHostPort(text)
		n, perr := strconv.ParseUint(port, 10, 16)
		if err != nil || perr != nil || n == 0 || host == "" {
			say(Error, "FailoverServers", fmt.Sprintf("%q", printable(text)), "it is not host:port", "write such as 10.0.0.5:6379")
			continue
		}
		c.Servers = append(c.Servers, text)
		if a, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !a.IsLoopback()) {
			beyond = text
		}
	}
	if len(list) == 0 {
		say(Error, "FailoverServers", "missing", "there is no server to keep anything on", "add "+b.prefix+".FailoverServers=host:6379")
	}
	if beyond != "" && !c.UseTLS && c.CAFile+c.CertFile == "" {
		what := "whoever is on the way reads and changes what passes"
		if b.text(scopeValkey, "PasswordFile") != "" {
			what += ", the password among it"
		}
		say(Warning, "UseTLS", "no TLS with "+printable(beyond), what, "add "+b.prefix+".UseTLS=true, where the server has it")
	}
}

func (r *reader) remoteTimes(c *Remote, say sayer) {
	if c.GetTimeout <= 0 {
		say(Warning, "GetTimeoutMillis", c.GetTimeout.String(), "a get would wait for a dead server for ever; a second counts", "write a time in milliseconds")
		c.GetTimeout = time.Second
	}
	if c.HeartbeatInterval*2 > c.LinkTimeout {
		say(Warning, "LinkTimeout", c.LinkTimeout.String()+" with a HeartbeatInterval of "+c.HeartbeatInterval.String(), "one sign of life that is late would count as the end; twice the interval counts", "write a longer one")
		c.LinkTimeout = 2 * c.HeartbeatInterval
	}
}

// checkRemotes: what a remote tier holds is under no lease.
func (r *reader) checkRemotes() {
	for _, g := range append([]Region{r.c.Default}, r.c.Regions...) {
		for _, name := range g.Auxiliaries {
			a, _ := r.c.Auxiliary(name)
			if a.Remote == nil || !g.Strict {
				continue
			}
			r.fs.add(Error, g.Where, "jcs.region."+g.Name, "Strict=true with "+printable(name)+", a remote tier", "what the server holds is under no lease: others would be served what was removed", "leave one of the two out")
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package ccf_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/ccf/stock"
)

// host parses the stock files of both services, after edit.
func host(t *testing.T, edit func(service, text string) string) []ccf.Service {
	t.Helper()
	var list []ccf.Service
	for _, name := range stock.Services {
		files := stock.Files(name)
		for i := range files {
			files[i].Data = []byte(edit(name, string(files[i].Data)))
		}
		c, _ := ccf.Parse(files...)
		list = append(list, ccf.Service{Name: name, Config: c})
	}
	return list
}

func same(_, text string) string { return text }

// inAdmin replaces old by new in the admindaemon's file.
func inAdmin(old, new string) func(string, string) string {
	return func(service, text string) string {
		if service == "admindaemon" {
			return strings.ReplaceAll(text, old, new)
		}
		return text
	}
}

func TestStockHost(t *testing.T) {
	services := host(t, same)
	for _, f := range ccf.CheckHost(services...) {
		if f.Severity == ccf.Error || f.Severity == ccf.Warning && !strings.Contains(f.Key, "MailAccountr") {
			t.Errorf("%s: %s", f.Severity, f)
		}
	}
	g, a := services[0].Config, services[1].Config
	if len(g.Regions) != 18 || len(g.Auxiliaries) != 2 || len(a.Regions) != 14 || len(a.Auxiliaries) != 1 {
		t.Errorf("%d regions, %d auxiliaries; %d, %d", len(g.Regions), len(g.Auxiliaries), len(a.Regions), len(a.Auxiliaries))
	}
	typos := 0
	for _, f := range a.Findings {
		if strings.Contains(f.Key, "MailAccountr") && f.Do == "did you mean MailAccount?" && f.Line > 0 {
			typos++
		}
	}
	if typos != 3 {
		t.Errorf("%d warnings about MailAccountr", typos)
	}
	user, _ := g.Region("User")
	admin, _ := a.Region("User")
	attr := cache.Attributes{MaxLife: -1, MaxIdle: 180 * time.Second}
	if user.MaxObjects != 40000 || user.Attr != attr || user.Policy != "lru" || !user.UseShrinker || user.ShrinkerInterval != time.Minute || user.MaxMemoryIdle != 3*time.Minute ||
		admin.MaxObjects != 1000 || admin.Attr.MaxLife != 5*time.Minute {
		t.Errorf("%+v\n%+v", user, admin)
	}
	if other, ok := g.Region("Capabilities"); ok || other.Auxiliaries[0] != "LTCP" || !other.Attr.Lateral || other.MaxObjects != 1000000 {
		t.Errorf("%+v", other)
	}
	for name, want := range map[string]string{"LTCP": "57462 224.0.0.1:6780 true", "SessionLTCP": "58849 224.0.0.1:6789 false"} {
		x, _ := g.Auxiliary(name)
		if got := fmt.Sprint(x.Lateral.TcpListenerPort, " ", x.Lateral.Group(), " ", x.Lateral.IssueRemoveOnPut); got != want || x.Kind != cache.Lateral || x.Generation != "1.3" {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if session, _ := g.Region("SessionCache"); !session.Attr.Lateral || session.Auxiliaries[0] != "SessionLTCP" || session.Where.File != "groupware/sessioncache.ccf" {
		t.Errorf("%+v", session)
	}
}

func TestCheckHost(t *testing.T) {
	for _, x := range []struct {
		edit     func(string, string) string
		severity ccf.Severity
		key      string
		want     string
	}{
		{inAdmin("TcpListenerPort=57461", "TcpListenerPort=57462"), ccf.Error, "jcs.auxiliary.LTCP.attributes.TcpListenerPort", "port 57462, which service groupware has too, at groupware/cache.ccf:280"},
		{inAdmin("# jcs.auxiliary.LTCP.attributes.TcpServers", "jcs.auxiliary.LTCP.attributes.TcpServers"), ccf.Warning, "jcs.auxiliary.LTCP.attributes.TcpServers", "both are used"},
		{inAdmin("UdpDiscoveryAddr=224.0.0.1", "UdpDiscoveryAddr=239.1.2.3"), ccf.Warning, "jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr", "service groupware has group 224.0.0.1 on that port"},
		{inAdmin("UdpDiscoveryAddr=224.0.0.1", "UdpDiscoveryAddr=10.0.0.1"), ccf.Error, "jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr", "not a multicast address"},
		{same, ccf.Note, "jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr", "one network segment"},
		{inAdmin("UdpDiscoveryPort=6780", "UdpDiscoveryPort=6781"), ccf.Warning, "jcs.region.User", "its peers meet at 224.0.0.1:6781 here and at 224.0.0.1:6780 there"},
		{inAdmin("UdpDiscoveryEnabled=true", "UdpDiscoveryEnabled=false"), ccf.Warning, "jcs.region.User", "listed peers"},
		{inAdmin("jcs.region.User=LTCP", "jcs.region.User="), ccf.Warning, "jcs.region.User", "no peers here, and some there"},
		{inAdmin("jcs.region.CalendarCache=", "jcs.region.CalendarCache=LTCP"), ccf.Warning, "jcs.region.CalendarCache", "peers here, and none there"},
		{inAdmin("jcs.region.User.elementattributes.IsLateral=false", "jcs.region.User.elementattributes.IsLateral=true"), ccf.Warning, "jcs.region.User", "IsLateral is true here and false there"},
		{inAdmin("IssueRemoveOnPut=true", "IssueRemoveOnPut=false"), ccf.Warning, "jcs.region.User", "IssueRemoveOnPut of its auxiliary is false here and true there"},
		{inAdmin("TcpListenerPort=57461", "TcpListenerPort=0"), ccf.Warning, "jcs.auxiliary.LTCP.attributes.TcpListenerPort", "cannot reach it"},
	} {
		found := slices.ContainsFunc(ccf.CheckHost(host(t, x.edit)...), func(f ccf.Finding) bool {
			return f.Severity == x.severity && f.Key == x.key && strings.Contains(f.String(), x.want) && f.Line > 0
		})
		if !found {
			t.Errorf("no %s on %s with %q", x.severity, x.key, x.want)
		}
	}
	if got := ccf.CheckHost(ccf.Service{Name: "x"}); len(got) != 0 {
		t.Error(got)
	}
}

// TestListenHosts: the same port on two addresses is no conflict.
func TestListenHosts(t *testing.T) {
	services := host(t, func(service, text string) string {
		addr := map[string]string{"groupware": "10.0.0.1", "admindaemon": "10.0.0.2"}[service]
		return strings.ReplaceAll(strings.ReplaceAll(text, "57461", "57462"), "jcs.auxiliary.LTCP.attributes.TcpListenerPort", "jcs.auxiliary.LTCP.attributes.TcpListenerHost="+addr+"\njcs.auxiliary.LTCP.attributes.TcpListenerPort")
	})
	for _, f := range ccf.CheckHost(services...) {
		if f.Severity == ccf.Error {
			t.Error(f)
		}
	}
}

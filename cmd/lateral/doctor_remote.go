// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/doctor"
)

// remoteTier is the doctor's look at remote tiers: what running services say of theirs, and
// whether each server can be reached, takes the password, and tells of changes.
func remoteTier(running []cache.Status, services []ccf.Service) doctor.Check {
	return doctor.Check{Name: "remote-tier", Run: func(ctx context.Context) (out []doctor.Finding) {
		for _, st := range running {
			for _, r := range st.Regions {
				for _, d := range r.Remotes {
					if !d.Works {
						out = append(out, doctor.Finding{Severity: doctor.Warning, Saw: fmt.Sprintf("region %s of %s hears nothing of %s for %s: %s", r.Region, st.Service, d.Name, d.Missing.Round(time.Second), d.Why),
							Why: "what is in memory may be stale: the region does as WhenLinkDown says", Do: "see to " + d.Servers + "; it is tried again every second"})
					}
				}
			}
		}
		for _, v := range services {
			for _, a := range v.Config.Auxiliaries {
				if a.Remote != nil && len(a.Remote.Servers) > 0 {
					out = append(out, lookAtRemote(ctx, v.Name, a))
				}
			}
		}
		return out
	}}
}

// lookAtRemote connects as a service would.
func lookAtRemote(ctx context.Context, service string, a ccf.Auxiliary) doctor.Finding {
	c := a.Remote
	what := fmt.Sprintf("server of %s in %s, %s", a.Name, service, strings.Join(c.Servers, ","))
	masters, err := lateral.ProbeRemote(ctx, c)
	if err != nil {
		return doctor.Finding{Severity: doctor.Warning, Saw: what + ": " + err.Error(), Why: "its regions go on without, and what they have in memory is believed for StaleMax only", Do: remedyOf(err.Error(), a)}
	}
	return doctor.Finding{Saw: what + ": it tells of changes, " + strings.Join(masters, ", ")}
}

// remedyOf is what to do about an answer of the server; its first word is its kind.
func remedyOf(answer string, a ccf.Auxiliary) string {
	c := a.Remote
	switch {
	case strings.Contains(answer, "NOAUTH"), strings.Contains(answer, "WRONGPASS"):
		return "write UserName and PasswordFile as the server's ACL has them: redis-cli ACL LIST"
	case strings.Contains(answer, "NOPERM"):
		return "give the user what docs/remote.md lists: redis-cli ACL SETUSER " + c.UserName + " …"
	case strings.Contains(answer, "tls:"), strings.Contains(answer, "x509:"), strings.Contains(answer, "first record does not look like"):
		return "compare UseTLS, CAFile and CertFile with the server's tls-port and tls-ca-cert-file"
	case strings.Contains(answer, "unknown command"), strings.Contains(answer, "ClientOption.DisableCache"):
		return "use a server with RESP3 and CLIENT TRACKING: Valkey, or Redis 6 and later"
	}
	text := "start it, or write where it is: FailoverServers"
	if line := setBelow("jcs.auxiliary."+a.Name, a.Where, "attributes.FailoverServers", "SERVER:6379"); line != "" {
		text += ", with its address, and its port, in place of SERVER:6379:\n    " + line
	}
	return text
}

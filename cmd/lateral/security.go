// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/doctor"
	"lateral/secret"
)

// security is the doctor's look at who may take part: the files of the
// services, and what running ones say of strangers.
func security(running []cache.Status, services []ccf.Service) doctor.Check {
	return doctor.Check{Name: "security", Run: func(context.Context) (out []doctor.Finding) {
		proven := 0
		for _, v := range services {
			for _, a := range v.Config.Auxiliaries {
				if a.Lateral == nil {
					continue
				}
				f := judge(a, userOf(v.Name, running))
				if f == nil {
					proven++
					continue
				}
				out = append(out, *f)
			}
		}
		for _, st := range running {
			for _, e := range st.Endpoints {
				for _, s := range e.Security.Strangers {
					out = append(out, doctor.Finding{Severity: doctor.Warning, Saw: fmt.Sprintf("%s was refused by %s %s, %d times", s, st.Service, e.Endpoint, s.Count),
						Why: "a member that is missing, or somebody who should not be there", Do: "if it is a member: give it the file of ClusterSecretFile that the others have (lateral keygen --show compares fingerprints), or a certificate of the same authority that is not over, and check its clock"})
				}
			}
		}
		if len(out) == 0 && proven > 0 {
			out = append(out, doctor.Finding{Saw: fmt.Sprintf("%d endpoints prove who takes part; nobody was refused", proven)})
		}
		return out
	}}
}

// tighten is the command that makes a file of secrets private, if that is why
// it is refused. Its owner stays: who that should be is not known here.
func tighten(path string, err error) []string {
	if st, statErr := os.Stat(path); statErr == nil && errors.Is(err, secret.ErrLoose) && st.Mode().Perm()&0o077 != 0 {
		return []string{"chmod 600 " + quoted(path)}
	}
	return nil
}

// userOf is the one in whose place the files of a service are judged: that of
// its process. Root, who can be anybody, does not judge in its own.
func userOf(service string, running []cache.Status) secret.User {
	for _, st := range running {
		if st.Service == service {
			return secret.UserOf(fmt.Sprintf("/proc/%d", st.PID))
		}
	}
	if me := secret.Me(); me != 0 {
		return me
	}
	return secret.Owner
}

// judge looks at the files of one endpoint; nil is well.
func judge(a ccf.Auxiliary, user secret.User) *doctor.Finding {
	l := a.Lateral
	at := placeOf(a, "ClusterSecretFile").String() + ": "
	if l.ClusterSecretFile != "" {
		if _, err := user.Read(l.ClusterSecretFile); err != nil {
			return &doctor.Finding{Severity: doctor.Failure, Saw: at + err.Error(), Why: "the service does not start with it",
				Do: "what the message says; lateral keygen makes such a file", Run: tighten(l.ClusterSecretFile, err)}
		}
	}
	if l.CertFile != "" {
		p, err := user.OpenPKI(l.CertFile, l.KeyFile, l.CAFile, nil)
		if err == nil && time.Until(p.Ends()) < 7*24*time.Hour {
			return &doctor.Finding{Severity: doctor.Warning, Saw: fmt.Sprintf("%s: %s is good until %s only", placeOf(a, "CertFile"), l.CertFile, p.Ends().UTC().Format(time.RFC3339)),
				Why: "from then on no new links are made with this node", Do: "put a new certificate and its key in their place; they are read again by themselves"}
		}
		if err != nil {
			return &doctor.Finding{Severity: doctor.Failure, Saw: placeOf(a, "CertFile").String() + ": " + err.Error(), Why: "the service does not start with it", Do: "what the message says", Run: tighten(l.KeyFile, err)}
		}
	}
	host, err := netip.ParseAddr(l.TcpListenerHost)
	if l.Secured() || !l.Receive || err == nil && host.IsLoopback() {
		return nil
	}
	return &doctor.Finding{Severity: doctor.Warning, Saw: fmt.Sprintf("%sno cluster secret for %s, which listens on TCP port %d beyond loopback", at, a.Name, l.TcpListenerPort),
		Why: "whoever reaches the port can join, and read, change and remove everything in its regions", Do: "run lateral keygen, copy the file to all nodes, and set ClusterSecretFile in their cache.ccf"}
}

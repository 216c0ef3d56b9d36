// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// surveyOf makes a survey of n members, one per host, in which all is well.
func surveyOf(n int) cache.Survey {
	s := cache.Survey{Cluster: "default", Group: "224.0.0.1:6780"}
	for i := range n {
		m := cache.Surveyed{Party: cache.Party{Host: fmt.Sprintf("h%d", i+1), Service: "s", Endpoint: "A"}, ID: fmt.Sprint(i + 1), Receive: true, Asked: "link",
			Interfaces: []cache.SurveyedInterface{{Name: "eth0", Addr: fmt.Sprintf("10.0.0.%d", i+1), MTU: 1500}}, Skew: map[string]time.Duration{},
			Regions: map[string]string{"User": "invalidate", "State": "replicate"}}
		for j := range n {
			id, addr := fmt.Sprint(j+1), fmt.Sprintf("10.0.0.%d", j+1)
			m.Heard = append(m.Heard, cache.SurveyedPacket{ID: id, Interface: "eth0", From: addr, Packets: 4})
			if i != j {
				m.Reached = append(m.Reached, cache.SurveyedDial{ID: id, Addr: addr + ":57462", Local: m.Interfaces[0].Addr})
				m.Linked = append(m.Linked, id)
				m.Skew[id] = time.Duration(j-i) * time.Millisecond
			}
		}
		s.Members = append(s.Members, m)
	}
	s.Members[0].Asked = "self"
	return s
}

// slow has the clock of one member be behind all others.
func slow(s cache.Survey, of int, by time.Duration) {
	for i := range s.Members {
		if i+1 == of {
			for id := range s.Members[i].Skew {
				s.Members[i].Skew[id] = by
			}
		} else {
			s.Members[i].Skew[fmt.Sprint(of)] = -by
		}
	}
}

// deafen has member b hear none of those.
func deafen(s cache.Survey, b int, of ...int) {
	m := &s.Members[b-1]
	m.Heard = slices.DeleteFunc(m.Heard, func(h cache.SurveyedPacket) bool {
		return slices.ContainsFunc(of, func(o int) bool { return h.ID == fmt.Sprint(o) })
	})
}

// cut has a's dials to b fail; unlink takes the link away too.
func cut(s cache.Survey, a, b int, how cache.DialFailure) {
	for i := range s.Members[a-1].Reached {
		if d := &s.Members[a-1].Reached[i]; d.ID == fmt.Sprint(b) {
			d.How, d.Why = how, string(how)
		}
	}
}

func unlink(s cache.Survey, a, b int) {
	for _, x := range [][2]int{{a, b}, {b, a}} {
		m := &s.Members[x[0]-1]
		m.Linked = slices.DeleteFunc(m.Linked, func(id string) bool { return id == fmt.Sprint(x[1]) })
	}
}

func TestCluster(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(s cache.Survey)
		exit   int
		want   []string // all that is printed as bad: check, and words of what was seen or is to be done
	}{
		{"well", func(cache.Survey) {}, 0, nil},
		{"one way of one pair", func(s cache.Survey) { deafen(s, 2, 1) }, 1, []string{"multicast h2/s does not hear h1/s by multicast; the other direction is well|iptables -I INPUT -s 10.0.0.1 -p udp --dport 6780 -j ACCEPT"}},
		{"deaf", func(s cache.Survey) { deafen(s, 3, 1, 2) }, 2, []string{"multicast h3/s hears nobody on another host|on h3: lateral doctor"}},
		{"mute", func(s cache.Survey) { deafen(s, 1, 2); deafen(s, 3, 2) }, 2, []string{"multicast nobody on another host hears h2/s|on h2: lateral doctor"}},
		{"mute and deaf", func(s cache.Survey) { deafen(s, 1, 2); deafen(s, 3, 2); deafen(s, 2, 1, 3) }, 2, []string{"multicast nobody on another host hears h2/s|on h2", "multicast h2/s hears nobody on another host either|on h2"}},
		{"no multicast at all", func(s cache.Survey) { deafen(s, 1, 2, 3); deafen(s, 2, 1, 3); deafen(s, 3, 1, 2) }, 2, []string{"multicast no host hears another by multicast in 224.0.0.1:6780|list members in TcpServers"}},
		{"two services of a host", func(s cache.Survey) { s.Members[1].Host = "h1"; deafen(s, 2, 1) }, 1, []string{"multicast h1/s does not hear h1/s on the same host|same Interface"}},
		{"TCP one way", func(s cache.Survey) { cut(s, 1, 3, cache.DialSilent) }, 1, []string{"tcp h1/s can't connect to h3/s at 10.0.0.3:57462: silent; the other direction is well|iptables -I INPUT -s 10.0.0.1 -p tcp --dport 57462 -j ACCEPT"}},
		{"TCP both ways", func(s cache.Survey) {
			cut(s, 1, 3, cache.DialSilent)
			cut(s, 3, 1, cache.DialUnreachable)
			unlink(s, 1, 3)
			deafen(s, 3, 1)
		}, 2, []string{
			"multicast h3/s does not hear h1/s by multicast; the other direction is well|on h3",
			"tcp h1/s can't connect to h3/s at 10.0.0.3:57462: silent; nor the other way round|iptables",
			"tcp h3/s can't connect to h1/s at 10.0.0.1:57462: unreachable; nor the other way round|ip route get 10.0.0.1"}},
		{"one address of two", func(s cache.Survey) {
			s.Members[0].Reached = append(s.Members[0].Reached, cache.SurveyedDial{ID: "2", Addr: "172.17.0.1:57462", How: cache.DialSilent, Why: "silent"})
		}, 1, []string{"tcp h1/s can't connect to h2/s at 172.17.0.1:57462: silent|attribute Interface"}},
		{"ended", func(s cache.Survey) {
			m := &s.Members[2]
			m.Asked, m.Why, m.Heard, m.Reached, m.Interfaces, m.Linked = "", "refused", nil, nil, nil, nil
			cut(s, 1, 3, cache.DialRefused)
			cut(s, 2, 3, cache.DialRefused)
			deafen(s, 1, 3)
			deafen(s, 2, 3)
			unlink(s, 1, 3)
			unlink(s, 2, 3)
		}, 2, []string{"members h3/s could not be asked: refused|on h3"}},
		{"an interface that can't", func(s cache.Survey) { s.Members[1].Interfaces[0].Reason = "there is no route" }, 1, []string{"members h2/s on eth0: there is no route|on h2"}},
		{"clocks", func(s cache.Survey) {
			s.Members[0].Skew["2"], s.Members[1].Skew["1"] = 300*time.Millisecond, -300*time.Millisecond
		}, 1, []string{"clocks the clock of h2 is 300ms ahead of that of h1|NTP"}},
		{"one clock of three", func(s cache.Survey) { slow(s, 3, 300*time.Millisecond) }, 1, []string{"clocks the clock of h3 is 300ms behind those of 2 other hosts|on h3, have it set by NTP, by one of:\n    chronyc makestep"}},
		{"one clock of three that the others refuse", func(s cache.Survey) {
			slow(s, 3, 2*time.Second)
			s.Members[0].Skew, s.Members[1].Skew = map[string]time.Duration{"2": 0}, map[string]time.Duration{"1": 0}
		}, 1, []string{"clocks the clock of h3 is 2s behind those of 2 other hosts|on h3"}},
		{"one MTU of three", func(s cache.Survey) { s.Members[1].Interfaces[0].MTU = 4000 }, 1,
			[]string{"mtu eth0 of h2 takes and sends packets of up to 4000 bytes (MTU), others in 224.0.0.1:6780 have 1500|on h2, or give all hosts and switches of this network the other one:\n    ip link set dev eth0 mtu 1500"}},
		{"regions", func(s cache.Survey) { s.Members[2].Regions["User"] = "replicate" }, 1, []string{"regions region User is invalidate on h1/s, h2/s, and replicate on h3/s|config show"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := surveyOf(3)
			c.breaks(s)
			r := Cluster([]cache.Survey{s})
			var got []string
			for _, f := range r.Findings {
				if f.Severity == Ok || f.Because != "" {
					continue
				}
				if i := len(got); i < len(c.want) {
					saw, do, _ := strings.Cut(c.want[i], "|")
					if f.Check+" "+f.Saw != saw || !strings.Contains(f.Do, do) || f.Why == "" {
						t.Errorf("finding %d is %+v, want %q", i, f, c.want[i])
					}
				}
				got = append(got, f.Check+" "+f.Saw)
			}
			if len(got) != len(c.want) || r.ExitCode != c.exit {
				t.Errorf("exit %d with %d findings, want %d with %d: %q", r.ExitCode, len(got), c.exit, len(c.want), got)
			}
		})
	}
}

// A cluster of one is told of, members that are listed have no multicast, and
// what two services of a host say of one group is taken together.
func TestClusterForms(t *testing.T) {
	r := Cluster([]cache.Survey{surveyOf(1)})
	expect(t, r, "members", Warning, "1 of 1 member asked", "none of them was found")
	s := surveyOf(2)
	s.Group, s.Cluster = "", "ox"
	r = Cluster([]cache.Survey{s})
	expect(t, r, "members", Ok, "listed members of cluster ox: 2 of 2 members asked")
	if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Check == checkMulticast }) {
		t.Error("multicast of listed members is judged")
	}
	a, b := surveyOf(3), surveyOf(3)
	a.Members[2] = cache.Surveyed{Party: a.Members[2].Party, ID: "3", Receive: true, Why: "no link"}
	if r = Cluster([]cache.Survey{a, b}); r.ExitCode != 0 || len(r.Surveys) != 1 || len(r.Surveys[0].Members) != 3 {
		t.Errorf("exit %d of %+v", r.ExitCode, r.Surveys)
	}
	var many strings.Builder
	s = surveyOf(9)
	for b := 2; b <= 9; b++ {
		for a := 1; a < 4; a++ {
			if a != b {
				deafen(s, b, a)
			}
		}
	}
	r = Cluster([]cache.Survey{s})
	r.Write(&many, false)
	if n := r.Count(Warning) + r.Count(Failure); n > maxPairs+5 || !strings.Contains(many.String(), "more pairs") && !strings.Contains(many.String(), "nobody on another host hears") {
		t.Errorf("%d findings:\n%s", n, &many)
	}
}

// Of one who can't be asked and was not heard it is not known whether he would
// be: only those who heard the others answer. If one host heard him, the rest
// should have.
func TestClusterSilent(t *testing.T) {
	for _, n := range []int{2, 3} {
		s := surveyOf(n)
		m := &s.Members[1]
		m.Asked, m.Why, m.Heard, m.Reached, m.Interfaces, m.Linked = "", "it does not answer", nil, nil, nil, nil
		for i := range n {
			if i != 1 {
				cut(s, i+1, 2, cache.DialSilent)
				unlink(s, i+1, 2)
			}
		}
		deafen(s, 1, 2)
		var b strings.Builder
		if err := WriteTable(&b, []cache.Survey{s}); err != nil {
			t.Fatal(err)
		}
		heard := strings.Contains(strings.ReplaceAll(b.String(), " ", ""), "\n2NO·")
		r := Cluster([]cache.Survey{s})
		said := slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Check == checkMulticast && strings.HasPrefix(f.Saw, "h1/s does not hear h2/s")
		})
		if third := n == 3; heard != third || said != third {
			t.Errorf("%d members: in the table %v, said %v\n%s%+v", n, heard, said, &b, r.Findings)
		}
	}
	s := surveyOf(2)
	deafen(s, 2, 1)
	expect(t, Cluster([]cache.Survey{s}), "multicast", Warning, "h2/s does not hear h1/s by multicast; the other direction is well", "something between the two drops")
}

func TestWriteTable(t *testing.T) {
	s := surveyOf(3)
	deafen(s, 2, 1)
	cut(s, 3, 1, cache.DialSilent)
	s.Members[1].Asked = "h3/s.A"
	s.Members[0].Reached[0].ID = "none"
	s.Members[2].Host = "h3\x1b[2J"
	slow(s, 3, 300*time.Millisecond)
	delete(s.Members[1].Skew, "3")
	var b strings.Builder
	if err := WriteTable(&b, []cache.Survey{s}); err != nil {
		t.Fatal(err)
	}
	const want = `224.0.0.1:6780

  1  h1/s      10.0.0.1 port 57462
  2  h2/s      10.0.0.2 port 57462  asked by way of h3/s.A
  3  h3?[2J/s  10.0.0.3 port 57462

multicast: the interface on which a column's member hears a row's
       1    2    3
  1    ·   NO eth0
  2 eth0    · eth0
  3 eth0 eth0    ·

TCP: whether a row's member can connect to a column's
      1   2   3
  1   ·   ?  ok
  2  ok   ·  ok
  3  NO  ok   ·

clocks: how far a row's member sees that of a column's ahead of its own
         1      2      3
  1      ·  <10ms -300ms
  2  <10ms      ·      ?
  3 +300ms +300ms      ·

`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
}

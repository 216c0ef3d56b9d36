// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A trouble is what is wrong with a value, and what stands there in its place.
type trouble struct {
	saw, why, do string
	severity     Severity
}

// javaTrim drops what String.trim drops: everything up to the blank.
func javaTrim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// readValue turns the text of a key into its value as generation g does: an
// int64, bool, time.Duration, string, []string or netip.Addr. A nil value
// leaves the default. The trouble is nil if there is nothing to say.
//
// Of record types (JCS 4 but for auxiliaries) strict is true: a bad number
// fails the whole configuration there.
func readValue(k *key, sp *spelling, g gen, strict bool, raw string) (any, *trouble) {
	text := javaTrim(raw)
	own := sp.gens == 0
	switch sp.typ {
	case tInt, tLong, tPort:
		return readNumber(sp.typ, strict, text)
	case tBool:
		return readBool(g, own, text)
	case tWord:
		if own {
			return readOwnWord(k, text)
		}
		return readWord(k, sp, g, raw)
	case tAddr:
		return readAddr(raw)
	case tList:
		return readList(raw), nil
	case tSeconds, tMillis:
		n, bad := readNumber(tLong, strict, text)
		if bad != nil {
			return nil, bad
		}
		unit := time.Second
		if sp.typ == tMillis {
			unit = time.Millisecond
		}
		return times(n.(int64), unit), nil
	case tISO:
		return readISO(k, text, strict)
	case tTime, tSize, tAcks:
		return readOwn(k, sp, text)
	case tClass:
		return text, nil
	}
	if text != raw && !own && (g != g4 || !strict) {
		return raw, &trouble{fmt.Sprintf("%q, with blanks at its end", printable(raw)), "JCS takes them as part of the value", "remove the blanks", Warning}
	}
	if own || strict {
		return text, nil
	}
	return raw, nil
}

// times multiplies without overflow; anything below 0 is -1, which is "off"
// or "for ever" wherever it occurs.
func times(n int64, unit time.Duration) time.Duration {
	switch {
	case n < 0:
		return -1
	case unit > 0 && n > math.MaxInt64/int64(unit):
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

func readNumber(t typ, strict bool, text string) (any, *trouble) {
	bits := 32
	if t == tLong {
		bits = 64
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		bad := &trouble{saw: fmt.Sprintf("%q is not a whole number of %d bits", printable(text), bits),
			why: "JCS warns and goes on with the default", do: "write digits only", severity: Warning}
		if strict {
			bad.why, bad.severity = "JCS 4 stops with an exception", Error
		}
		return nil, bad
	}
	if t == tPort && (n < 0 || n > math.MaxUint16) {
		return nil, &trouble{fmt.Sprintf("port %d", n), "there are 0 to 65535", "choose a free port below 32768", Error}
	}
	return n, nil
}

func readBool(g gen, own bool, text string) (any, *trouble) {
	switch {
	case strings.EqualFold(text, "true"):
		return true, nil
	case strings.EqualFold(text, "false"):
		return false, nil
	case g == g4 && !own:
		return false, &trouble{fmt.Sprintf("%q is neither true nor false", printable(text)), "JCS 4 takes it for false", "write true or false", Warning}
	}
	return nil, &trouble{fmt.Sprintf("%q is neither true nor false", printable(text)), "JCS warns and goes on with the default", "write true or false", Warning}
}

// readWord knows how each generation compares its words.
func readWord(k *key, sp *spelling, g gen, raw string) (any, *trouble) {
	words := k.words
	upper := strings.ToUpper(javaTrim(raw))
	switch {
	case sp.name == "whenBlockedPolicy":
		words = blockedWords(g)
	case sp.name == "DiskUsagePatternName": // any case, and only the start counts
		for _, w := range words {
			if strings.HasPrefix(upper, w) {
				return w, nil
			}
		}
	case k.name() == "EventQueueType" && g == g13 && strings.Contains(raw, "."):
		return javaTrim(raw), nil // a class
	}
	exact := g != g13 && !(sp.name == "whenBlockedPolicy" && g == g2) || sp.name == "whenBlockedPolicy" && g == g13
	for _, w := range words {
		if raw == w || !exact && upper == w {
			return w, blocked(sp, g, w)
		}
	}
	do := "write " + strings.Join(words, " or ")
	if sp.name == "TransmissionTypeName" {
		do = "write TCP"
	}
	why := "JCS goes on with the default, " + sp.def
	for _, w := range words {
		if upper == w {
			why = fmt.Sprintf("JCS %s wants exactly %s, and goes on with the default, %s", g, w, sp.def)
		}
	}
	return nil, &trouble{fmt.Sprintf("%q", printable(raw)), why, do, Warning}
}

// readOwnWord reads the words of Lateral's own keys, in any case.
func readOwnWord(k *key, text string) (any, *trouble) {
	for _, w := range k.words {
		if strings.EqualFold(text, w) {
			return w, nil
		}
	}
	return nil, &trouble{fmt.Sprintf("%q", printable(text)), "a guess could be far from what was meant", "write " + strings.Join(k.words, " or "), Error}
}

// blocked tells of the two policies of JCS 2 and 3 that are not what they say.
func blocked(sp *spelling, g gen, word string) *trouble {
	switch {
	case sp.name != "whenBlockedPolicy" || g&g2to3 == 0:
		return nil
	case word == "WAIT":
		return &trouble{word, "JCS " + g.String() + " throws an exception", "write RUN", Warning}
	case word == "BLOCK":
		return &trouble{word, "JCS " + g.String() + " rejects work when the queue is full, as with ABORT", "write RUN", Warning}
	}
	return nil
}

func blockedWords(g gen) []string {
	switch g {
	case g13:
		return []string{"ABORT", "RUN", "WAIT", "DISCARDOLDEST"}
	case g4:
		return []string{"ABORT", "RUN", "DISCARDOLDEST", "DISCARD"}
	}
	return []string{"ABORT", "BLOCK", "RUN", "WAIT", "DISCARDOLDEST"}
}

func readAddr(raw string) (any, *trouble) {
	a, err := netip.ParseAddr(raw)
	if err != nil {
		return nil, &trouble{fmt.Sprintf("%q is not an IP address", printable(raw)), "a discovery group has no name", "write a multicast address such as 239.1.2.3, with no blanks after it", Error}
	}
	return a.Unmap(), nil
}

func readList(raw string) []string {
	var list []string
	for f := range strings.SplitSeq(raw, ",") {
		if f = javaTrim(f); f != "" {
			list = append(list, f)
		}
	}
	return list
}

// iso is what java.time.Duration.parse reads.
var iso = regexp.MustCompile(`(?i)^([-+]?)P(?:([-+]?\d{1,18})D)?(T)?(?:([-+]?\d{1,18})H)?(?:([-+]?\d{1,18})M)?(?:([-+]?\d{1,18})(?:[.,](\d{0,9}))?S)?$`)

func parseISO(s string) (time.Duration, bool) {
	m := iso.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	timed := m[4] != "" || m[5] != "" || m[6] != ""
	if timed != (m[3] != "") || !timed && m[2] == "" {
		return 0, false
	}
	total := 0.0 // of nanoseconds, to see an overflow
	var d time.Duration
	for i, unit := range map[int]time.Duration{2: 24 * time.Hour, 4: time.Hour, 5: time.Minute, 6: time.Second} {
		n, _ := strconv.ParseInt(m[i], 10, 64)
		d += time.Duration(n) * unit
		total += float64(n) * float64(unit)
	}
	if m[7] != "" {
		n, _ := strconv.ParseInt((m[7] + "00000000")[:9], 10, 64)
		if strings.HasPrefix(m[6], "-") {
			n = -n
		}
		d += time.Duration(n)
		total += float64(n)
	}
	if m[1] == "-" {
		d, total = -d, -total
	}
	switch {
	case total < 0:
		return -1, true
	case total >= math.MaxInt64/2:
		return math.MaxInt64, true
	}
	return d, true
}

// readISO reads a duration as JCS 4 does: a plain number is milliseconds,
// even of a key that meant seconds before.
func readISO(k *key, text string, strict bool) (any, *trouble) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		d := times(n, time.Millisecond)
		if n > 0 && k.spell[0].typ == tSeconds {
			return d, &trouble{fmt.Sprintf("%s without a unit", text), fmt.Sprintf("JCS 4 takes it for milliseconds: %s, not %s as JCS 1.3 to 3 would", d, times(n, time.Second)),
				fmt.Sprintf("write PT%sS for seconds", text), Warning}
		}
		return d, nil
	}
	if d, ok := parseISO(text); ok {
		return d, nil
	}
	bad := &trouble{fmt.Sprintf("%q is not a duration", printable(text)), "JCS warns and goes on with the default", "write it as PT30S, PT10M or PT1H", Warning}
	if strict {
		bad.why, bad.severity = "JCS 4 stops with an exception", Error
	}
	return nil, bad
}

// readOwn reads the types that only Lateral's own keys have, and holds them
// to the least that makes sense.
func readOwn(k *key, sp *spelling, text string) (any, *trouble) {
	bad := func(do string) (any, *trouble) {
		return nil, &trouble{fmt.Sprintf("%q is not a %s", printable(text), sp.typ), "a guess could be far from what was meant", do, Error}
	}
	if sp.typ == tSize {
		n, ok := parseSize(text)
		if !ok {
			return bad("write a number of bytes, or 64M or 1G")
		}
		if n < k.low {
			return bad(fmt.Sprintf("write at least %d", k.low))
		}
		return n, nil
	}
	if sp.typ == tAcks {
		if strings.EqualFold(text, "all") {
			return int64(-1), nil
		}
		if strings.EqualFold(text, "linked") {
			return int64(-3), nil
		}
		n, err := strconv.ParseInt(text, 10, 16)
		if err != nil || n < 0 {
			return bad("write 0, 1, 2 …, all or linked")
		}
		return n, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		var ok bool
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			d = times(n, time.Millisecond)
		} else if d, ok = parseISO(text); !ok {
			return bad("write it as 10s, 500ms or PT10S")
		}
	}
	if d < times(k.low, time.Millisecond) {
		return bad(fmt.Sprintf("write at least %dms", k.low))
	}
	return d, nil
}

func parseSize(text string) (int64, bool) {
	num := strings.TrimRight(strings.ToUpper(text), "IB")
	shift := 0
	if len(num) > 0 {
		if i := strings.IndexByte("KMGT", num[len(num)-1]); i >= 0 {
			shift, num = 10*(i+1), num[:len(num)-1]
		}
	}
	n, err := strconv.ParseInt(javaTrim(num), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, false
	}
	return n << shift, true
}

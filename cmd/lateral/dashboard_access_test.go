// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// An axe is axe-core, which judges a page for people who see, hear or move otherwise.
type axe string

// readAxe skips the test where it is not to be had.
func readAxe(t *testing.T) axe {
	t.Helper()
	path := os.Getenv("LATERAL_AXE")
	if path == "" {
		lab.Missing(t, "axe", "LATERAL_AXE names no axe.min.js (npm package axe-core): accessibility is not judged")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return axe(b)
}

// bring has it in the page that is open now.
func (a axe) bring(p *tab) { p.t.Helper(); p.run(string(a) + "; true") }

// axeOf is what it says of an element and what is in it. Where it cannot tell a
// contrast or whether an attribute may be there, that counts, but for signs
// that are no text.
const axeOf = `async at => {
	const r = await axe.run(at, {resultTypes: ["violations", "incomplete"]})
	const untold = r.incomplete.filter(v => v.id === "color-contrast" || v.id.startsWith("aria-"))
		.map(v => ({...v, nodes: v.nodes.filter(n => n.any[0]?.data?.messageKey !== "nonBmp")})).filter(v => v.nodes.length > 0)
	return [...r.violations, ...untold].map(v => v.id + ": " + v.help + " – " + v.nodes.map(n => n.html + " " + (n.any[0]?.message ?? "")).slice(0, 3).join(" ; "))
}`

// judge wants it to have nothing to say of what is on the screen.
func (a axe) judge(t *testing.T, p *tab, what string) {
	t.Helper()
	a.say(t, p, what, `(`+axeOf+`)(document)`)
}

// dialog is judge for the dialog that is open. The page behind is put away: what
// lies below a line of text is otherwise another thing for each.
func (a axe) dialog(t *testing.T, p *tab, what string) {
	t.Helper()
	a.say(t, p, what, `(async () => {
		const page = [...document.body.children].filter(e => e.tagName !== "DIALOG" && !e.hidden)
		page.forEach(e => { e.hidden = true })
		try { return await (`+axeOf+`)("dialog[open]") } finally { page.forEach(e => { e.hidden = false }) }
	})()`)
}

func (a axe) say(t *testing.T, p *tab, what, expression string) {
	t.Helper()
	var bad []string
	if err := p.eval(expression, &bad); err != nil {
		t.Fatal(err)
	}
	for _, v := range bad {
		t.Errorf("%s: %s", what, v)
	}
}

// views has it judge every view, with what they show.
func (a axe) views(t *testing.T, p *tab, how string) {
	t.Helper()
	for _, view := range []string{"mesh", "regions", "changes", "keys"} {
		p.run(`location.hash = "#` + view + `"`)
		if view == "keys" {
			list(p, "SessionCache", "starts", "4c1f0")
			p.wait(`document.querySelectorAll("#keys-list button").length === 10`)
			p.run(`document.querySelector("#keys-list button").click()`)
			p.wait(`document.querySelector("#element pre")`)
		}
		p.wait(`!document.querySelector("#` + view + `").hidden`)
		a.judge(t, p, view+", "+how)
	}
}

// accessible has every view judged, in both colour schemes.
func (l *live) accessible(t *testing.T, p *tab, d *door) {
	a := readAxe(t)
	for _, dark := range []bool{false, true} {
		for _, width := range []int{1280, 390} {
			if dark && width < 500 {
				continue // neither colours nor layout are others than before
			}
			p.open(d.url(), width, 900, dark, width < 500)
			p.wait(judged + `.includes("Mesh incomplete")`)
			a.bring(p)
			a.views(t, p, fmt.Sprintf("dark %v, %d px", dark, width))
		}
	}
	clean(t, p, d)
}

// httpToken is what a secured cluster's first service wants by TCP.
const httpToken = "token-that-opens"

var servedAt = regexp.MustCompile(`"serving HTTP" addr=(\S+)`)

// httpDoor is where that is.
func (l *live) httpDoor() *door {
	l.t.Helper()
	d := &door{t: l.t}
	if _, ok := until(l.t.Context(), reachTime, 10*time.Millisecond, func() bool {
		b, err := os.ReadFile(l.procs[0].logFile())
		if m := servedAt.FindSubmatch(b); err == nil && m != nil {
			d.addr = string(m[1])
		}
		return d.addr != ""
	}); !ok {
		l.t.Fatal("it serves no HTTP: " + l.procs[0].tail())
	}
	return d
}

// accessibleSecured has the dashboard judged where it asks who is there, and
// where something may be changed: the sign-in, every view, each dialog of an
// action. Colours are those of one scheme and the layout that of one width at a
// time, so two passes have all of them. Escape changes nothing, and leads back.
func (l *live) accessibleSecured(t *testing.T, p *tab) {
	a, d := readAxe(t), l.httpDoor()
	for _, x := range []struct {
		dark  bool
		width int
	}{{false, 1280}, {true, 390}} {
		how := fmt.Sprintf("dark %v, %d px", x.dark, x.width)
		p.open(fmt.Sprintf("%sdashboard/?%d", d.url(), x.width), x.width, 900, x.dark, x.width < 500)
		p.wait(`document.querySelector("#token").open`)
		a.bring(p)
		a.dialog(t, p, "sign-in, "+how)
		within(t, p, x.width, "sign-in")
		signIn(t, p, d, httpToken)
		p.wait(judged + `.includes("Mesh complete")`)
		a.views(t, p, how)
		for _, width := range []int{320, x.width} { // 320: as in fits
			p.do("Emulation.setDeviceMetricsOverride", object{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
			p.run(`document.querySelector("#clear").click()`)
			p.wait(`innerWidth === ` + fmt.Sprint(width) + ` && document.querySelector("#confirm").open`)
			within(t, p, width, "keys with what may be done to them, and a dialog")
			p.run(`document.querySelector("#confirm-no").click()`)
		}
		for _, button := range []string{`[...document.querySelectorAll("#element button")].find(b => b.textContent.startsWith("Remove"))`,
			`document.querySelector("#verify")`, `document.querySelector("#clear")`} {
			p.run(`(b => { b.focus(); b.click() })(` + button + `)`)
			p.wait(`document.querySelector("#confirm").open && document.activeElement.closest("#confirm")`)
			a.dialog(t, p, "dialog of "+button+", "+how)
			if strings.Contains(button, "#clear") && x.dark {
				l.picture(p, "secured-clear-phone.png")
			}
			press(p, "Escape", 27)
			p.wait(`!document.querySelector("#confirm").open && document.activeElement === ` + button) // whoever reads on is where they were
		}
		list(p, "SessionCache", "starts", "4c1f")
		p.wait(`document.querySelectorAll("#keys-list button").length === 40`)
		clean(t, p, d)
		p.run(`sessionStorage.clear()`)
	}
}

// press presses and releases a key, by its name and the number that Windows gives it.
func press(p *tab, key string, number int) {
	p.t.Helper()
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		p.do("Input.dispatchKeyEvent", object{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": number})
	}
}

// signIn answers the page that wants a token. Until then all that the console
// has to say is that there was none.
func signIn(t *testing.T, p *tab, d *door, token string) {
	t.Helper()
	requests, problems := p.noted()
	for _, r := range requests {
		if !strings.HasPrefix(r, d.url()) {
			t.Errorf("it asked for %s", r)
		}
	}
	for _, m := range problems {
		if !strings.Contains(m, "401") {
			t.Errorf("its console says %.400s", m)
		}
	}
	p.run(`document.querySelector("#token input").value = "` + token + `"; document.querySelector("#token button").click()`)
}

// httpFlags have a secured cluster's first service serve by TCP.
func (l *live) httpFlags(p *proc) []string {
	if !l.secured || p != l.procs[0] {
		return nil
	}
	file := filepath.Join(l.dir, "token")
	if err := os.WriteFile(file, []byte(httpToken), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return []string{"--http", "127.0.0.1:0", "--http-token-file", file}
}

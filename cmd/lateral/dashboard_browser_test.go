// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lateral/cache"
	"lateral/jcs"
)

var pictures = flag.Bool("pictures", false, "write pictures of the dashboard to docs/dashboard")

var listenerHost = regexp.MustCompile(`(?m)^(jcs\.auxiliary\.\w+\.attributes\.)TcpListenerHost=.*$`)

// hostile are texts that would do something if they were taken for markup.
var hostile = []string{`<img src=x onerror=alert(1)>`, `"><script>alert(2)</script>`, `javascript:alert(3)`, "</pre></textarea><svg onload=alert(4)>", "\u202egnp.exe", `{{7*7}}${7*7}`}

const victim = "oxgw03/groupware"

// TestDashboardInBrowser has a browser look at a live cluster of three hosts,
// whose services are killed, and whose keys are hostile.
func TestDashboardInBrowser(t *testing.T) {
	b := chromium(t)
	l := newLive(t, 78, 3, false)
	l.fill()
	d := l.showcase()
	p := b.tab()
	p.open(d.url(), 1280, 900, false, false)
	for _, step := range []struct {
		name string
		do   func(*testing.T, *live, *tab, *door)
	}{{"complete", complete}, {"regions", regionsView}, {"hostile keys", hostileKeys}, {"java value and why", javaAndWhy}, {"feed", followed},
		{"keyboard", keyboard}, {"killed", killed}, {"connection lost", lostConnection}, {"actions", actions}} {
		if !t.Run(step.name, func(t *testing.T) {
			b.t, l.t = t, t
			step.do(t, l, p, d)
		}) {
			break
		}
	}
	b.t, l.t = t, t
}

// fill puts what is looked for below.
func (l *live) fill() {
	for _, h := range hostile {
		l.put(l.procs[0], "SessionCache", h, cache.Value{Bytes: "value of " + h})
		l.put(l.procs[0], "User", cache.GroupKey(h, h), cache.Value{Bytes: h})
	}
	for i := range 40 {
		l.put(l.procs[0], "SessionCache", fmt.Sprintf("4c1f%02d", i), cache.Value{Bytes: fmt.Sprintf("session of user %d", i)})
	}
	v, err := jcs.Make(int32(4711))
	if err != nil {
		l.t.Fatal(err)
	}
	l.put(l.procs[0], "SessionCache", "java", v)
	l.put(l.procs[0], "SessionCache", "\xff\x00\xfe", cache.Value{Bytes: "\xff\x00\xfe"})
}

// clean wants no complaint, and no request to anywhere else.
func clean(t *testing.T, p *tab, d *door) {
	t.Helper()
	requests, problems := p.noted()
	for _, r := range requests {
		if !strings.HasPrefix(r, d.url()) {
			t.Errorf("it asked for %s", r)
		}
	}
	for _, m := range problems {
		t.Errorf("its console says %.400s", m)
	}
}

const judged = `document.querySelector("#verdict").textContent`

// gridStates is a matrix as "row|column|state", by the names of its heads.
const gridStates = `[...document.querySelectorAll("#grids table")].flatMap(t => {
	const heads = [...t.querySelectorAll("thead th")].slice(1).map(h => h.title)
	return [...t.querySelectorAll("tbody tr")].flatMap((r, i) => [...r.querySelectorAll("td")].map((c, j) => heads[i] + "|" + heads[j] + "|" + c.className + "|" + c.textContent))
})`

// states counts the cells of the matrices, by state, and wants those of the
// victim, and no others, to be missing.
func states(t *testing.T, p *tab, want map[string]int, missing string) {
	t.Helper()
	var cells []string
	if err := p.eval(gridStates, &cells); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range cells {
		f := strings.Split(c, "|")
		got[f[2]]++
		concerned := missing != "" && (strings.HasPrefix(f[0], missing+" ") || strings.HasPrefix(f[1], missing+" ")) && f[0] != f[1]
		if concerned != (f[2] == "missing") {
			t.Errorf("cell %s", c)
		}
		if f[2] == "up" && (!strings.Contains(f[3], "mesh") || !strings.Contains(f[3], "ms") && !strings.Contains(f[3], " s") && !strings.Contains(f[3], "lag ?")) {
			t.Errorf("cell %s has neither lag nor protocol", c)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("cells: %v, want %v", got, want)
	}
}

// complete: six endpoints of one group, three of the other.
func complete(t *testing.T, l *live, p *tab, d *door) {
	p.wait(judged + `.includes("Mesh complete 18 of 18 links, 6 processes")`)
	p.wait(`document.querySelectorAll("#grids td").length === 45`)
	states(t, p, map[string]int{"self": 9, "up": 36}, "")
	p.wait(`[...document.querySelectorAll("#banners p")].some(b => b.textContent.includes("No cluster secret"))`)
	p.wait(`document.querySelectorAll("#hosts tbody tr").length === 6 && document.querySelector("#hosts tbody").textContent.includes("answers")`)
	clean(t, p, d)
	l.picture(p, "mesh.png")
}

func regionsView(t *testing.T, l *live, p *tab, d *door) {
	p.run(`location.hash = "#regions"`)
	p.wait(`document.querySelector("#regions-table tbody").textContent.includes("SessionCache")`)
	p.run(`document.querySelector("#regions-filter [name=used]").click()`)
	p.wait(`[...document.querySelectorAll("#regions-table tbody tr")].some(r => r.textContent.includes("SessionCache") && r.textContent.includes("48"))`)
	p.run(`[...document.querySelectorAll("#regions-table th button")].find(b => b.textContent === "Elements").click()`)
	p.wait(`document.querySelector("#regions-table th[aria-sort=descending]").textContent === "Elements" && document.querySelector("#regions-table tbody tr").textContent.includes("SessionCache")`)
	clean(t, p, d)
	l.picture(p, "regions.png")
}

// list asks for keys.
func list(p *tab, region, how, text string) {
	p.t.Helper()
	p.run(fmt.Sprintf(`(() => { const f = document.querySelector("#keys-form").elements; location.hash = "#keys"; f.region.value = %q; f.how.value = %q; f.text.value = %q; document.querySelector("#keys-form button").click() })()`,
		region, how, text))
}

// hostileKeys are shown, found and opened as the text they are, and do nothing.
func hostileKeys(t *testing.T, l *live, p *tab, d *door) {
	p.run(`window.alert = text => { window.caught = text }`)
	list(p, "SessionCache", "starts", "")
	p.wait(`document.querySelectorAll("#keys-list button").length === 48`)
	p.wait(`document.querySelector("#keys-list").textContent.includes("⟨U+202E⟩gnp.exe")`) // what turns text around is shown
	for _, h := range hostile[:4] {
		for _, region := range []string{"SessionCache", "User"} {
			how, want := "is", "value of "+h
			if region == "User" {
				how, want = "has", h
			}
			list(p, region, how, h)
			p.wait(fmt.Sprintf(`document.querySelectorAll("#keys-list button").length === 1 && document.querySelector("#keys-list button").textContent.includes(%q)`, h))
			p.run(`document.querySelector("#keys-list button").click()`)
			p.wait(fmt.Sprintf(`document.querySelector("#element pre")?.textContent === %q`, want))
		}
	}
	list(p, "SessionCache", "has", "�")
	var found int
	if err := p.eval(`document.querySelectorAll("img, main script, svg, iframe, textarea").length + (window.caught ? 100 : 0)`, &found); err != nil || found != 0 {
		t.Errorf("%d elements are made of keys and values, %v", found, err)
	}
	clean(t, p, d)
}

func javaAndWhy(t *testing.T, l *live, p *tab, d *door) {
	list(p, "SessionCache", "is", "java")
	p.wait(`document.querySelectorAll("#keys-list button").length === 1`)
	p.run(`document.querySelector("#keys-list button").click()`)
	p.wait(`document.querySelector("#element pre")?.textContent.includes("4711") && document.querySelector("#element").textContent.includes("as a tree")`)
	p.wait(`document.activeElement.tagName === "H3"`) // the reader is taken there
	p.run(`[...document.querySelectorAll("#element button")].find(b => b.textContent === "Why?").click()`)
	p.wait(`document.querySelectorAll("#element table tbody tr").length === 3 && document.querySelector("#element ul li")`)
	p.wait(`![...document.querySelectorAll("#element button")].some(b => b.textContent.startsWith("Remove")) && document.querySelector("#keys-actions").hidden`)
	clean(t, p, d)
	l.picture(p, "keys.png")
}

func followed(t *testing.T, l *live, p *tab, d *door) {
	p.run(`location.hash = "#changes"; document.querySelector("#feed-go").click()`)
	p.wait(`document.querySelector("#feed-said").textContent.startsWith("Following")`)
	other := l.procs[2] // its changes come by the mesh
	l.put(other, "SessionCache", hostile[0], cache.Value{Bytes: "again"})
	l.put(l.procs[0], "User", "424242:3", cache.Value{Bytes: "own"})
	p.wait(`[...document.querySelectorAll("#feed tbody tr")].some(r => r.textContent.includes("<img src=x") && r.textContent.includes("a peer"))`)
	p.wait(`[...document.querySelectorAll("#feed tbody tr")].some(r => r.textContent.includes("424242:3") && r.textContent.includes("this node"))`)
	p.run(`document.querySelector("#feed-go").click()`)
	p.wait(`document.querySelector("#feed-said").textContent.startsWith("Stopped")`)
	clean(t, p, d)
}

// keyboard: the first Tab leads to the skip link, and what has the focus shows it.
func keyboard(t *testing.T, l *live, p *tab, d *door) {
	p.open(d.url(), 1280, 900, false, false)
	p.wait(judged + `.includes("Mesh complete")`)
	var seen []string
	for range 5 {
		press(p, "Tab", 9)
		var at string
		if err := p.eval(`document.activeElement.textContent + "|" + getComputedStyle(document.activeElement).outlineStyle`, &at); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, at)
	}
	want := []string{"Skip to content|solid", "Mesh|solid", "Regions|solid", "Keys|solid", "Changes|solid"}
	if !slices.Equal(seen, want) {
		t.Errorf("Tab leads to %q, want %q", seen, want)
	}
	clean(t, p, d)
}

// missed kills the victim: what it had is missing, with causes and what to do,
// and said aloud.
func missed(t *testing.T, l *live, p *tab, d *door) {
	t.Helper()
	l.kill(victim)
	p.wait(judged + `.includes("Mesh incomplete 11 of 18 links")`)
	p.wait(`document.querySelectorAll("#grids td.missing").length === 14`)
	states(t, p, map[string]int{"self": 9, "up": 22, "missing": 14}, victim)
	p.wait(`document.querySelectorAll("#missing li").length === 7 && [...document.querySelectorAll("#missing .card")].every(c => c.textContent.includes("What to do: nobody is linked with ` + victim + `"))`)
	p.wait(`document.querySelector("#announce").textContent.includes("missing")`)
	p.wait(`document.querySelectorAll("#history li").length > 0 && document.title.startsWith("✗")`)
	clean(t, p, d)
}

func killed(t *testing.T, l *live, p *tab, d *door) {
	missed(t, l, p, d)
	l.picture(p, "missing.png")
	t.Run("accessible", func(t *testing.T) { l.accessible(t, p, d) })
	t.Run("phone", func(t *testing.T) { fits(t, p, d) })
	l.looks(p, d)
}

// fits wants no view to be wider than a phone, nor than what reflow is judged
// by (WCAG 2.2, 1.4.10): what is wide is scrolled in a box of its own.
func fits(t *testing.T, p *tab, d *door) {
	for _, width := range []int{390, 320} {
		p.open(fmt.Sprintf("%sdashboard/?%d", d.url(), width), width, 844, false, true)
		p.wait(judged + `.includes("Mesh incomplete")`)
		for _, view := range []string{"mesh", "regions", "keys", "changes"} {
			p.run(`location.hash = "#` + view + `"`)
			switch view {
			case "keys":
				list(p, "SessionCache", "starts", "4c1f0")
				p.wait(`document.querySelectorAll("#keys-list button").length === 10`)
				p.run(`document.querySelector("#keys-list button").click()`)
				p.wait(`document.querySelector("#element pre")`)
				p.run(`[...document.querySelectorAll("#element button")].find(b => b.textContent === "Why?").click()`)
				p.wait(`document.querySelector("#element table tbody tr")`)
			case "changes":
				p.run(`document.querySelector("#feed-go").click()`)
				p.wait(`document.querySelector("#feed-said").textContent.startsWith("Following")`)
			}
			p.wait(`!document.querySelector("#` + view + `").hidden`)
			within(t, p, width, view)
		}
	}
	clean(t, p, d)
}

// within wants the page to be no wider than the screen.
func within(t *testing.T, p *tab, width int, what string) {
	t.Helper()
	var wide int
	if err := p.eval(`document.documentElement.scrollWidth`, &wide); err != nil {
		t.Fatal(err)
	}
	if wide > width {
		var who []string
		p.eval(fmt.Sprintf(`[...document.querySelectorAll("main *, header *, dialog[open] *")].filter(e => e.getBoundingClientRect().right > %d).map(e => e.tagName + "#" + e.id + "." + e.className).slice(0, 10)`, width), &who)
		t.Errorf("%s is %d px wide on a screen of %d: %q", what, wide, width, who)
	}
}

// lostConnection: what is shown may be wrong, and nothing is called complete,
// until the service answers again.
func lostConnection(t *testing.T, l *live, p *tab, d *door) {
	for _, q := range l.procs {
		if q.name() == victim {
			l.start(q)
		}
	}
	p.open(d.url(), 1280, 900, false, false)
	p.wait(judged + `.includes("Mesh complete")`)
	clean(t, p, d)
	d.shut()
	p.wait(judged + `.includes("Connection lost") && !document.body.innerText.includes("complete") && document.body.classList.contains("stale")`)
	p.run(`location.hash = "#regions"`)
	p.wait(`!document.querySelector("#regions").hidden && ` + judged + `.includes("Connection lost") && document.title.startsWith("✗")`)
	l.picture(p, "lost.png")
	d.open()
	p.wait(judged + `.includes("Mesh complete") && !document.body.classList.contains("stale")`)
	p.noted() // the browser complains of attempts that failed
}

// actions are there where something may be changed, and happen when they are
// confirmed.
func actions(t *testing.T, l *live, p *tab, _ *door) {
	socket := l.procs[0].socket()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var n net.Dialer
		return n.DialContext(ctx, "unix", socket)
	}}
	d := newDoor(t, &httputil.ReverseProxy{Transport: tr, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", "lateral"
	}})
	defer p.do("Page.navigate", object{"url": "about:blank"})
	p.open(d.url()+"dashboard/#keys", 1280, 900, false, false)
	p.wait(`!document.querySelector("#keys-actions").hidden`)
	list(p, "SessionCache", "starts", "4c1f0")
	p.wait(`document.querySelectorAll("#keys-list button").length === 10`)
	p.run(`document.querySelector("#keys-list button").click()`)
	p.wait(`[...document.querySelectorAll("#element button")].some(b => b.textContent.startsWith("Remove"))`)
	remove := `[...document.querySelectorAll("#element button")].find(b => b.textContent.startsWith("Remove")).click()`
	p.run(remove)
	p.wait(`document.querySelector("#confirm").open && document.activeElement.id === "confirm-no"`)
	p.run(`document.querySelector("#confirm-no").click()`)
	p.wait(`!document.querySelector("#confirm").open`)
	if !l.procs[2].holds(t.Context(), "SessionCache", "4c1f00", "session of user 0") {
		t.Error("it was removed without a confirmation")
	}
	p.run(remove)
	p.wait(`document.querySelector("#confirm").open`)
	p.run(`document.querySelector("#confirm-yes").click()`)
	p.wait(`document.querySelector("#keys-said").textContent.includes("4c1f00 was removed")`)
	if _, ok := until(t.Context(), reachTime, 10e6, func() bool { return l.procs[2].holds(t.Context(), "SessionCache", "4c1f00", "") }); !ok {
		t.Error("the other host holds it still")
	}
	p.run(`document.querySelector("#verify").click(); document.querySelector("#confirm-yes").click()`)
	p.wait(`document.querySelector("#keys-said").textContent.includes("SessionCache: equal")`)
	p.run(`document.querySelector("#clear").click()`)
	p.wait(`document.querySelector("#confirm").open && document.querySelector("#confirm-yes").disabled`) // until its name is typed
	p.run(`(() => { const i = document.querySelector("#confirm-type input"); i.value = "SessionCache"; i.dispatchEvent(new Event("input")); document.querySelector("#confirm-yes").click() })()`)
	p.wait(`document.querySelector("#keys-said").textContent.includes("47 elements of SessionCache were removed")`)
	clean(t, p, d)
}

// picture keeps a picture if it is asked for.
func (l *live) picture(p *tab, name string) {
	if !*pictures || l.secured != strings.HasPrefix(name, "secured") {
		return
	}
	p.run(`document.activeElement.blur(); scrollTo(0, 0)`) // as a reader has it who has not typed
	if err := os.WriteFile(filepath.Join(root, "docs", "dashboard", name), small(p.t, p.picture()), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// looks keeps pictures of the same in the dark and on a phone.
func (l *live) looks(p *tab, d *door) {
	if !*pictures {
		return
	}
	for _, x := range []struct {
		name, view    string
		width, height int
		dark          bool
	}{{"missing-dark.png", "mesh", 1280, 900, true}, {"missing-phone.png", "mesh", 390, 844, false}, {"regions-phone.png", "regions", 390, 844, true}, {"keys-phone.png", "keys", 390, 844, false}} {
		p.open(d.url()+"dashboard/?"+x.name+"#"+x.view, x.width, x.height, x.dark, x.width < 500)
		p.wait(judged + `.includes("Mesh incomplete")`)
		if x.view == "keys" {
			list(p, "SessionCache", "starts", "4c1f0")
			p.wait(`document.querySelectorAll("#keys-list button").length === 10`)
		}
		l.picture(p, x.name)
	}
}

// TestDashboardSecured: a cluster of three hosts with a secret has no banner,
// and misses a service that is killed as one without does, until it is back.
// By TCP it asks for a token; its actions are there then.
func TestDashboardSecured(t *testing.T) {
	b := chromium(t)
	l := newLive(t, 80, 3, true)
	d := l.showcase()
	p := b.tab()
	p.open(d.url(), 1280, 900, false, false)
	p.wait(judged + `.includes("Mesh complete 18 of 18 links, 6 processes")`)
	states(t, p, map[string]int{"self": 9, "up": 36}, "")
	missed(t, l, p, d)
	for _, q := range l.procs {
		if q.name() == victim {
			l.start(q)
		}
	}
	p.wait(judged + `.includes("Mesh complete 18 of 18 links, 6 processes")`)
	p.wait(`document.querySelectorAll("#hosts tbody tr").length === 6 && !document.querySelector("#banners").textContent.includes("No cluster secret")`)
	clean(t, p, d)
	l.picture(p, "secured.png")
	if *pictures {
		p.open(d.url()+"dashboard/?secured#mesh", 390, 844, true, true)
		p.wait(judged + `.includes("Mesh complete")`)
		l.picture(p, "secured-phone.png")
		clean(t, p, d)
	}
	l.fill()
	t.Run("accessible", func(t *testing.T) {
		b.t, l.t = t, t
		l.accessibleSecured(t, p)
	})
	b.t, l.t = t, t
}

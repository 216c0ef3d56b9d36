// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestOffers: what is offered for a command line, with services and regions
// that are said to be there.
func TestOffers(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"me":                                "mesh",
		"co":                                "config completion",
		"config ":                           "check show reference",
		"config s":                          "show",
		"nothing ":                          "",
		"mesh --w":                          "--wait=",
		"mesh --nodes=4 --n":                "",
		"mesh --service ":                   "admin groupware",
		"mesh --service=g":                  "--service=groupware",
		"mesh --service = g":                "groupware", // as bash cuts it
		"mesh --service = groupware --js":   "--json",
		"mesh --nothing ":                   "",
		"run --service ":                    "",
		"run --config ":                     ":files",
		"run --config a.ccf --conf":         "--config=",
		"run --config a.ccf --runtime-dir=": ":files",
		"config check ":                     ":files",
		"config check a.ccf ":               ":files",
		"config check --service ":           "",
		"put S":                             "SessionCache",
		"put SessionCache ":                 "",
		"put --local ":                      "SessionCache User",
		"put --as ":                         "string int long short byte double float boolean char date instant duration bytes list set map",
		"get SessionCache key v":            "",
		"top -n 2 --sort re":                "region removes received",
		"top -n ":                           "",
		"completion ":                       "bash zsh fish",
		"comp":                              "completion",
		"complete":                          "", // hidden
		"keygen ":                           ":files",
		"version ":                          "",
	} {
		cli := commands{}
		ty := &typed{node: newParser(&cli).Model.Node, words: strings.Split(line, " "),
			here: func() ([]string, []string) { return []string{"admin", "groupware"}, []string{"SessionCache", "User"} }}
		var got []string
		for _, o := range ty.offers() {
			word, _, _ := strings.Cut(o, "\t")
			got = append(got, word)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: offered %q, want %q", line, s, want)
		}
	}
}

// shells says how each is asked what it would offer for a line: it loads the
// script as an installed one, and prints a candidate a line.
var shells = map[string]struct{ program, ask string }{
	"bash": {"bash", `source "$1"; COMP_WORDS=($2); [[ $2 == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lateral 2>/dev/null; printf '%s\n' "${COMPREPLY[@]}"`},
	// zsh offers inside its line editor only: its two ways out are replaced.
	"zsh": {"zsh", `compdef() { :; }; source "$1"
_describe() { local w; for w in "${(P@)2}"; do print -r -- "${w%%:*}"; done; }
_files() { print -rl -- *; }
words=(${=2}); [[ $2 == *" " ]] && words+=(""); CURRENT=${#words}; _lateral`},
	"fish": {"fish", `source $argv[1]; complete -C "$argv[2]" | string replace -r '\t.*' ''; true`},
}

// TestShells: each shell loads its script and offers what the program says.
func TestShells(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "some.ccf"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// By its name this test is the program, see TestMain.
	if err := os.Symlink(self, filepath.Join(dir, "lateral")); err != nil {
		t.Fatal(err)
	}
	for name, sh := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(sh.program); err != nil {
				lab.Missing(t, "shells", "needs "+sh.program)
			}
			script := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(script, []byte(scripts[name]), 0o600); err != nil {
				t.Fatal(err)
			}
			for line, want := range map[string][]string{
				"lateral me":              {"mesh"},
				"lateral config ":         {"check", "reference", "show"},
				"lateral mesh --wa":       {"--wait="},
				"lateral put --as d":      {"date", "double", "duration"},
				"lateral config check so": {"some.ccf"},
			} {
				args := []string{"-c", sh.ask, name, script, line}
				if name == "fish" {
					args = slices.Delete(args, 2, 3)
				}
				cmd := exec.CommandContext(t.Context(), sh.program, args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "LATERAL_RUNTIME_DIR="+dir, "GORACE=atexit_sleep_ms=0")
				cmd.WaitDelay = 10 * time.Second
				out, err := cmd.CombinedOutput()
				got := slices.DeleteFunc(strings.Fields(string(out)), func(s string) bool { return name == "zsh" && s == "lateral" })
				slices.Sort(got)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%q: %v %q, want %q", line, err, got, want)
				}
			}
		})
	}
}

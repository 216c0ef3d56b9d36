// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (*completionCmd) Help() string {
	return `Prints what makes the shell complete commands, flags and their values, and the
names of the services and regions of this host. The packages of Lateral have
installed it for all users.

Examples:

  lateral completion bash > /etc/bash_completion.d/lateral
  lateral completion zsh > "${fpath[1]}/_lateral"
  lateral completion fish > ~/.config/fish/completions/lateral.fish`
}

func (c *completionCmd) Run(s *streams) error {
	s.out.printf("%s", scripts[c.Shell])
	return nil
}

// scripts hand the words typed so far to lateral complete, so that a shell knows
// nothing of the command table that could become wrong. A line of its answer
// is a candidate, a tab and its meaning; the line ":files" asks the shell for
// names of files.
var scripts = map[string]string{
	// bash makes words of its own of "--flag", "=" and a value, and puts a candidate in
	// the place of the last one; complete knows.
	"bash": `# bash completion for lateral
_lateral() {
	local cur=${COMP_WORDS[COMP_CWORD]} line
	COMPREPLY=()
	[[ $cur == = ]] && cur=
	while IFS= read -r line; do
		if [[ $line == :files ]]; then
			compopt -o filenames 2>/dev/null
			while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
		else
			COMPREPLY+=("${line%%$'\t'*}")
		fi
	done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == --*= ]] && compopt -o nospace 2>/dev/null
	return 0
}
complete -F _lateral lateral
`,
	"zsh": `#compdef lateral
_lateral() {
	local line word
	local -a told stay
	for line in "${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		word=${line%%$'\t'*}
		case $line in
		'') ;;
		:files) _files ;;
		--*=$'\t'*) stay+=("${word//:/\\:}:${line#*$'\t'}") ;;
		*) told+=("${word//:/\\:}:${line#*$'\t'}") ;;
		esac
	done
	(( ${#told} )) && _describe lateral told
	(( ${#stay} )) && _describe lateral stay -S ''
	return 0
}
if [[ $funcstack[1] == _lateral ]]; then _lateral "$@"; else compdef _lateral lateral; fi
`,
	"fish": `# fish completion for lateral
function __lateral_complete
	set -l words (commandline -opc) (commandline -ct)
	for line in ($words[1] complete -- $words[2..] 2>/dev/null)
		if test "$line" = :files
			__fish_complete_path (string replace -r '^--[^=]*=' '' -- $words[-1])
		else
			echo $line
		end
	end
end
complete -c lateral -f -a '(__lateral_complete)'
`,
}

// completeCmd is what the scripts ask; it has no place in the help.
type completeCmd struct {
	Words []string `arg:"" optional:""`
	place
}

// completeWait bounds a question to services: a person waits with a finger on Tab.
const completeWait = time.Second

func (c *completeCmd) Run(ctx context.Context, m *kong.Application, s *streams) error {
	words := c.Words
	if len(words) == 0 {
		words = []string{""}
	}
	t := &typed{node: m.Node, words: words, here: func() ([]string, []string) { return c.here(ctx, words) }}
	for _, o := range t.offers() {
		s.out.printf("%s\n", o)
	}
	return nil
}

// here returns the names of the services and regions of this host, none if
// nobody answers.
func (c *completeCmd) here(ctx context.Context, words []string) (services, regions []string) {
	p := c.place
	for i, w := range words {
		if dir, ok := strings.CutPrefix(w, "--runtime-dir="); ok {
			p.RuntimeDir = dir
		} else if w == "--runtime-dir" && i+1 < len(words) {
			p.RuntimeDir = words[i+1]
		}
	}
	cs, err := p.services("")
	if err != nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, completeWait)
	defer cancel()
	for _, h := range ask(ctx, cs) {
		h.client.Close()
		services = append(services, h.client.Service)
		for _, r := range h.status.Regions {
			regions = append(regions, r.Region)
		}
	}
	slices.Sort(regions)
	return services, slices.Compact(regions)
}

// offer is one line for a shell.
func offer(word, meaning string) string {
	return fmt.Sprintf("%s\t%s", word, strings.ReplaceAll(meaning, "\n", " "))
}

// SPDX-License-Identifier: Apache-2.0

package ccf

import "strings"

// Nearest returns the word that was probably meant: equal but for case, or a
// few letters away, or the only one that begins or ends with it; "" if none is.
func Nearest(word string, among []string) string {
	best, bestAt := "", 1+min(3, len(word)/3)
	longer, howMany := "", 0
	if len(word) > 100 {
		return ""
	}
	for _, w := range among[:min(len(among), 1000)] {
		if w == "" || w == word || len(w) > 100 {
			continue
		}
		d := distance(strings.ToLower(word), strings.ToLower(w))
		if d < bestAt {
			best, bestAt = w, d
		}
		if partOf(strings.ToLower(word), strings.ToLower(w)) {
			longer, howMany = w, howMany+1
		}
	}
	if best == "" && howMany == 1 {
		return longer
	}
	return best
}

// partOf reports whether a word of some length begins or ends the other one.
func partOf(word, w string) bool {
	return len(word) >= 4 && (strings.HasPrefix(w, word) || strings.HasSuffix(w, word))
}

// meant is Nearest as a sentence, or otherwise if nothing is near.
func meant(word string, among []string, otherwise string) string {
	if w := Nearest(word, among); w != "" {
		return "did you mean " + printable(w) + "?"
	}
	return otherwise
}

// distance is the number of letters to insert, remove, replace or swap with
// their neighbour.
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

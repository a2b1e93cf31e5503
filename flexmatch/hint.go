package flexmatch

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// didYouMean completes a message about an unknown name with the candidate that looks
// like it; "" when none does.
func didYouMean(name string, candidates []string) string {
	if best := lookalike(name, candidates); best != "" {
		return fmt.Sprintf("; did you mean %q?", clip(best))
	}
	return ""
}

// lookalike is the candidate that a name is a misspelling of: another case, or one or
// two letters off (in names up to four letters one, up to two letters none). The first
// of equally close ones counts; "" without any.
func lookalike(name string, candidates []string) string {
	const longest = 64 // bytes; longer names are not compared
	if name == "" || len(name) > longest {
		return ""
	}
	best, least := "", 3
	switch n := utf8.RuneCountInString(name); {
	case n <= 2:
		least = 1
	case n <= 4:
		least = 2
	}
	for _, c := range candidates {
		if c == name || len(c) > longest {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < least && d < utf8.RuneCountInString(c) {
			best, least = c, d
		}
	}
	return best
}

// distance counts the letters to insert, drop, replace or swap with a neighbour to make
// one word of another.
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

package flexmatch

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// DidYouMean completes a message about an unknown name with the known one that looks
// like it, "; did you mean \"maxDistance\"?"; "" when none does.
func DidYouMean(name string, known []string) string { return didYouMean(name, known) }

// didYouMean completes a message about an unknown name with the candidate that looks
// like it; "" when none does.
func didYouMean(name string, candidates []string) string {
	if best := lookalike(name, candidates); best != "" {
		return fmt.Sprintf("; did you mean %q?", clip(best))
	}
	return ""
}

// Bounds on guessing: a hostile document must not make it dear.
const (
	longestGuess = 32 // letters; longer names are not compared
	mostGuesses  = 50 // candidates that are looked at
)

// lookalike is the candidate that a name is a misspelling of: another case, or one or
// two letters off (in names up to four letters one, up to two letters none). The first
// of equally close ones counts; "" without any.
func lookalike(name string, candidates []string) string {
	n := utf8.RuneCountInString(name)
	if n == 0 || n > longestGuess {
		return ""
	}
	best, least := "", 3
	switch {
	case n <= 2:
		least = 1
	case n <= 4:
		least = 2
	}
	lower := strings.ToLower(name)
	for _, c := range candidates[:min(len(candidates), mostGuesses)] {
		m := utf8.RuneCountInString(c)
		if c == name || m > longestGuess || max(m-n, n-m) >= least {
			continue
		}
		if d := distance(lower, strings.ToLower(c)); d < least && d < m {
			best, least = c, d
		}
	}
	return best
}

// distance counts the letters to insert, drop, replace or swap with a neighbour to make
// one word of another.
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

package identity

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"muster"
)

// PasswordPolicy says what passwords players may choose. There are no rules about what
// kinds of characters must be there, and passwords do not age (NIST SP 800-63B-4, 3.1.1.2).
type PasswordPolicy struct {
	MinLength int        // characters; 0: DefaultMinPassword
	Words     []string   // the game's name and the like
	Breached  []Breached // lists of passwords that others know; any of them refuses
}

// Breached knows passwords that others know.
type Breached interface {
	// Breached says whether the password, as UTF-8 in NFC, is on the list.
	Breached(ctx context.Context, password string) (bool, error)
}

// Bounds of a password, in characters. The least that can be configured is what ASVS 5.0
// asks for (6.2.1).
const (
	DefaultMinPassword = 12
	LeastMinPassword   = 8
	MostMinPassword    = 64
	maxPassword        = 128
)

// A word counts from shortWord characters on. What a password has besides words must be
// beyondWords characters long.
const (
	shortWord   = 4
	beyondWords = 6
)

// normalPassword is the form in which passwords are hashed: NFC, as in RFC 8265, spaces
// kept. What is too long, or no text, is no password.
func normalPassword(text string) (password string, ok bool) {
	if len(text) > 4*maxPassword || !utf8.ValidString(text) {
		return "", false
	}
	text = norm.NFC.String(text)
	return text, text != "" && utf8.RuneCountInString(text) <= maxPassword
}

// accept refuses passwords that are not to be chosen, and returns the form to be hashed.
// words are what others know of this player: the address, the name.
func (p *PasswordPolicy) accept(ctx context.Context, text string, words ...string) (string, error) {
	least := p.MinLength
	if least == 0 {
		least = DefaultMinPassword
	}
	password, ok := normalPassword(text)
	switch {
	case !ok && text != "":
		return "", muster.Errorf(muster.Invalid, "password.too_long", "a password has at most %d characters", maxPassword)
	case utf8.RuneCountInString(password) < least:
		return "", muster.Errorf(muster.Invalid, "password.too_short", "a password has at least %d characters; several words make a good one", least)
	case strings.ContainsFunc(password, unicode.IsControl):
		return "", muster.Errorf(muster.Invalid, "password.characters", "a password has no control characters")
	case easyToGuess(password, append(words, p.Words...)):
		return "", muster.Errorf(muster.Invalid, "password.guessable", "this password says little besides your address, your name, the game or one character: choose another")
	}
	for _, list := range p.Breached {
		known, err := list.Breached(ctx, password)
		if err != nil {
			return "", err
		}
		if known {
			return "", muster.Errorf(muster.Invalid, "password.breached", "this password is known to others: it stands in lists that attackers try; choose another")
		}
	}
	return password, nil
}

// easyToGuess says that little is left of a password without the words that everybody
// knows, or that it repeats one character.
func easyToGuess(password string, words []string) bool {
	rest := strings.ToLower(password)
	if first, _ := utf8.DecodeRuneInString(rest); strings.Trim(rest, string(first)) == "" {
		return true
	}
	found := false
	for _, word := range contextWords(words) {
		before := len(rest)
		rest = strings.ReplaceAll(rest, word, "")
		found = found || len(rest) < before
	}
	return found && utf8.RuneCountInString(rest) < beyondWords
}

// contextWords are the parts of what everybody knows, in lower case, the longer ones
// first.
func contextWords(words []string) []string {
	var all []string
	for _, word := range words {
		word = strings.ToLower(norm.NFC.String(word))
		parts := strings.FieldsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
		for _, part := range append([]string{word, strings.Join(parts, "")}, parts...) {
			if utf8.RuneCountInString(part) >= shortWord {
				all = append(all, part)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return all
}

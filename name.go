package muster

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NamePolicy says which display names may be alike.
type NamePolicy string

// The policies; empty is NamesFree. Names are alike when people take one for the other:
// see foldName.
const (
	NamesFree          NamePolicy = "free"          // any
	NamesUnique        NamePolicy = "unique"        // no two
	NamesDiscriminator NamePolicy = "discriminator" // they differ in a number: Ada#0042
)

// Valid says whether there is such a policy.
func (n NamePolicy) Valid() bool {
	switch n {
	case "", NamesFree, NamesUnique, NamesDiscriminator:
		return true
	}
	return false
}

// reserved says that names are kept in records of their own.
func (n NamePolicy) reserved() bool { return n == NamesUnique || n == NamesDiscriminator }

const (
	// maxNameRunes bounds a display name without its number.
	maxNameRunes = 24
	// deletedName is what a player whose account is deleted is called.
	deletedName = "Deleted player"
	// maxNumber is the largest discriminator; the smallest is 1.
	maxNumber = 9999
	// numberTries is how many numbers are tried before a name counts as crowded.
	numberTries = 20
)

// nameRecord says who has a name.
type nameRecord struct {
	Player PlayerID `json:"player"`
}

// nameKey names the record of a name that may be taken once; number is 0 where names
// have none.
func nameKey(name string, number int) Key {
	return Key{"NAME#" + foldName(name), fmt.Sprintf("%04d", number)}
}

// cleanName is a display name as it is kept: tidy, 1 to maxNameRunes printable characters,
// of which one at least is a letter or a digit of some script.
func (n NamePolicy) cleanName(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", Errorf(Invalid, "player.name_characters", "a name is text in UTF-8")
	}
	name = tidyName(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxNameRunes {
		return "", Errorf(Invalid, "player.name_length", "a name has 1 to %d characters", maxNameRunes)
	}
	if unicode.IsMark(firstRune(name)) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", Errorf(Invalid, "player.name_characters", "a name holds printable characters only")
	}
	folded := foldName(name)
	switch {
	case folded == foldName(deletedName), n.reserved() && isDefaultName(folded):
		return "", Errorf(Invalid, "player.name_reserved", "this name is not for players")
	case !strings.ContainsFunc(folded, isLetterOrDigit):
		return "", Errorf(Invalid, "player.name_characters", "a name holds a letter or a digit")
	case n == NamesDiscriminator && strings.Contains(name, "#"):
		return "", Errorf(Invalid, "player.name_characters", "a name holds no #: what follows it is given")
	}
	return name, nil
}

// The names of players who have not chosen one: the end of a UUIDv7 is random. Where
// names must differ it is as long as a name allows.
const (
	defaultPrefix = "Player-"
	shortDefault  = 5
	longDefault   = 16
)

func (n NamePolicy) defaultName(p PlayerID) string {
	length := shortDefault
	if n.reserved() {
		length = longDefault
	}
	id := strings.ReplaceAll(string(p), "-", "")
	return defaultPrefix + strings.ToUpper(id[max(0, len(id)-length):])
}

// isDefaultName says that a folded name looks like one that nobody chose.
func isDefaultName(folded string) bool {
	rest, ok := strings.CutPrefix(folded, foldName(defaultPrefix))
	return ok && len(rest) == longDefault && strings.Trim(rest, foldName("0123456789abcdef")) == ""
}

// newNumber draws a discriminator.
func newNumber(random io.Reader) (int, error) {
	const whole = 1<<16 - 1<<16%maxNumber // from here on the first numbers would be favoured
	for {
		var buf [2]byte
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return 0, fmt.Errorf("read random bytes: %w", err)
		}
		if n := int(binary.BigEndian.Uint16(buf[:])); n < whole {
			return n%maxNumber + 1, nil
		}
	}
}

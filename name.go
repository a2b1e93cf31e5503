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

// cleanName is a display name as it is kept: 1 to maxNameRunes printable characters,
// single spaces inside.
func (n NamePolicy) cleanName(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", Errorf(Invalid, "player.name_characters", "a name is text in UTF-8")
	}
	name = strings.Join(strings.Fields(name), " ")
	if n := utf8.RuneCountInString(name); n < 1 || n > maxNameRunes {
		return "", Errorf(Invalid, "player.name_length", "a name has 1 to %d characters", maxNameRunes)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", Errorf(Invalid, "player.name_characters", "a name holds printable characters only")
	}
	folded := foldName(name)
	switch {
	case folded == foldName(deletedName), n.reserved() && isDefaultName(folded):
		return "", Errorf(Invalid, "player.name_reserved", "this name is not for players")
	case n.reserved() && folded == "":
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

// foldName is equal for names that people take for each other. It is a folding of our
// own, simpler than Unicode's NFKC and confusables (UTS 39), which need tables that the
// standard library lacks:
//
//   - case is ignored;
//   - wide and mathematical letters and digits count as plain ones;
//   - spaces, punctuation and combining marks are dropped, and Latin letters lose theirs;
//   - Cyrillic and Greek letters that look Latin count as Latin;
//   - 0 counts as o, and 1, l, i and | as one.
func foldName(name string) string {
	var out strings.Builder
	for _, r := range name {
		r = unicode.ToLower(unicode.ToUpper(plainRune(r)))
		switch {
		case unicode.IsSpace(r), unicode.IsPunct(r), unicode.Is(unicode.M, r):
			continue
		}
		if latin, ok := lookalikes[r]; ok {
			out.WriteString(latin)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// plainRune undoes two kinds of fancy letters and digits: full width (U+FF01 to U+FF5E)
// and mathematical (U+1D400 to U+1D6A3, U+1D7CE to U+1D7FF).
func plainRune(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFF01 + '!'
	case r >= 0x1D400 && r <= 0x1D6A3:
		return 'a' + (r-0x1D400)%26
	case r >= 0x1D7CE && r <= 0x1D7FF:
		return '0' + (r-0x1D7CE)%10
	}
	return r
}

// lookalikes maps lower-case letters and digits to what they count as. It is not
// changed.
var lookalikes = func() map[rune]string {
	all := make(map[rune]string, 256)
	for _, group := range [][2]string{
		{"a", "àáâãäåāăąǎаα"},
		{"ae", "æ"},
		{"b", "вβ"},
		{"c", "çćĉċčс"},
		{"d", "ďđð"},
		{"e", "èéêëēĕėęěеёε"},
		{"g", "ĝğġģ"},
		{"h", "ĥħнһ"},
		{"j", "ĵј"},
		{"k", "ķкκ"},
		{"l", "ĺļľŀłi1|ìíîïĩīĭįıіїι"},
		{"m", "м"},
		{"n", "ñńņňŉη"},
		{"o", "òóôõöøōŏőǒоο0"},
		{"oe", "œ"},
		{"p", "рρ"},
		{"r", "ŕŗř"},
		{"s", "śŝşšșѕ"},
		{"ss", "ß"},
		{"t", "ţťŧțтτ"},
		{"u", "ùúûüũūŭůűųǔυ"},
		{"v", "ν"},
		{"w", "ŵ"},
		{"x", "хχ"},
		{"y", "ýÿŷуγ"},
		{"z", "źżž"},
	} {
		for _, r := range group[1] {
			all[r] = group[0]
		}
	}
	return all
}()

package muster

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// tidyName is a name without what nobody sees: runes that draw nothing, and spaces at its ends or
// beside others. Of two ways to write a letter with its mark it has the composed one.
func tidyName(name string) string {
	seen := strings.Map(func(r rune) rune {
		if isBlank(r) {
			return -1
		}
		return r
	}, norm.NFC.String(name))
	return strings.Join(strings.Fields(seen), " ")
}

// isBlank says that a rune draws nothing although unicode.IsPrint takes it. The other
// invisible ones, such as the zero-width space, are none that it takes.
func isBlank(r rune) bool {
	switch r {
	case 0x2800, // the Braille pattern without dots
		0x13441, 0x13442, // blanks of Egyptian hieroglyphs
		0x16FE4, // the filler of the Khitan small script
		0x1D159: // a note without a head
		return true
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// foldName is equal for names that people take for each other. It stands in keys, so a name that
// is kept must fold tomorrow as it does today.
//
//   - Case is ignored.
//   - Forms of letters and digits that Unicode calls compatible (NFKC: wide, circled,
//     mathematical, raised) count as the plain ones; so do black circles and squares with letters,
//     flags' letters and small capitals.
//   - Spaces, punctuation, what draws nothing and marks that go with any script are dropped, and
//     Latin and Greek letters lose theirs. Marks of a script of their own are its vowels, and stay.
//   - Letters of other scripts that look Latin count as Latin (lookalikes).
//   - 0 counts as o, and 1, l, i and | as one.
//
// Unicode's own list of confusables (UTS 39) is longer. It also has what looks alike as a
// group, such as rn and m, and letters that look alike in scripts that are not Latin.
func foldName(name string) string {
	var out strings.Builder
	for _, r := range norm.NFKC.String(name) {
		r = lower(withoutMarks(plainRune(r)))
		switch {
		case isBlank(r), unicode.IsSpace(r), unicode.In(r, unicode.P, unicode.Sk),
			r >= 0x02B9 && r <= 0x02FF, // apostrophes and tones that are letters to Unicode
			unicode.Is(unicode.M, r) && unicode.Is(unicode.Inherited, r):
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

// lower is equal for a letter's cases.
func lower(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// plainRune undoes fancy letters that NFKC leaves: in black circles and squares, and those that
// make flags in pairs.
func plainRune(r rune) rune {
	switch {
	case r >= 0x1F150 && r <= 0x1F169:
		return 'a' + r - 0x1F150
	case r >= 0x1F170 && r <= 0x1F189:
		return 'a' + r - 0x1F170
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		return 'a' + r - 0x1F1E6
	}
	return r
}

// withoutMarks is a Latin or Greek letter without the marks that Unicode composes it with.
func withoutMarks(r rune) rune {
	if !unicode.In(r, unicode.Latin, unicode.Greek) {
		return r
	}
	return firstRune(norm.NFD.String(string(r)))
}

// firstRune is what a text begins with.
func firstRune(text string) rune {
	r, _ := utf8.DecodeRuneInString(text)
	return r
}

// lookalikes maps letters and digits, as lower makes them, to what they count as. It is
// not changed.
var lookalikes = func() map[rune]string {
	all := make(map[rune]string, 256)
	for _, group := range [][2]string{
		// Latin and Greek letters, Cyrillic, Armenian, Coptic, Lisu, Cherokee.
		{"a", "ᴀɑα" + "а" + "ꓮ" + "Ꭺ"},
		{"ae", "æӕᴁ"},
		{"b", "ʙβ" + "в" + "ꓐ" + "ᏏᏴ"},
		{"c", "ᴄ" + "с" + "ⲥ" + "ꓚ" + "Ꮯ"},
		{"d", "đðᴅ" + "ԁ" + "ꓓ" + "ᎠᏧ"},
		{"e", "ᴇε" + "еёє" + "ꓰ" + "Ꭼ"},
		{"f", "ꜰ" + "ꓝ"},
		{"g", "ɡɢ" + "ԍ" + "ց" + "ꓖ" + "ᏀᏳ"},
		{"h", "ħʜ" + "нһ" + "հ" + "ⲏ" + "ꓧ" + "ᎻᏂ"},
		{"j", "ᴊϳ" + "ј" + "յ" + "ꓙ" + "Ꭻ"},
		{"k", "ᴋκ" + "к" + "ⲕ" + "ꓗ" + "Ꮶ"},
		{"l", "łŀʟi1|ǀıɪι" + "іїӏ" + "ⲓ" + "ꓡꓲ" + "ᏞᎥ"},
		{"m", "ᴍ" + "м" + "ⲙ" + "ꓟ" + "Ꮇ"},
		{"n", "ŉɴη" + "ո" + "ꓠ"},
		{"o", "øᴏο0" + "о" + "օ" + "ⲟ" + "ꓳ"},
		{"oe", "œɶ"},
		{"p", "ᴘρ" + "р" + "ⲣ" + "ꓑ" + "Ꮲ"},
		{"q", "ꞯ" + "ԛ" + "զ"},
		{"r", "ʀ" + "г" + "ꓣ" + "ᎡᏒ"},
		{"s", "ꜱ" + "ѕ" + "ꓢ" + "ᏚᏕ"},
		{"ss", "ß"},
		{"t", "ŧᴛτ" + "т" + "ⲧ" + "ꓔ" + "Ꭲ"},
		{"u", "ᴜυ" + "ս" + "ꓴ"},
		{"v", "ᴠν" + "ѵ" + "ꓦ" + "Ꮩ"},
		{"w", "ᴡ" + "ԝ" + "ꓪ" + "ᎳᏔ"},
		{"x", "χ" + "х" + "ⲭ" + "ꓫ"},
		{"y", "ʏγ" + "уү" + "ⲩ" + "ꓬ" + "ᎩᎽ"},
		{"z", "ᴢ" + "ꓜ" + "Ꮓ"},
	} {
		for _, r := range group[1] {
			all[lower(r)] = group[0]
		}
	}
	return all
}()

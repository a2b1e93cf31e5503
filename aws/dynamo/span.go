package dynamo

import (
	"sort"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"muster"
)

// span is the Sorts that a List asks for: low <= Sort < high, bytewise. from and to are
// as near to it as a key condition can say, both inclusive, "" for no bound: a Query
// takes only UTF-8 of at most muster.MaxSortBytes, and BETWEEN includes its ends.
type span struct {
	low, high string
	from, to  string
	backwards bool
}

// newSpan is the span of a List; ok is false when no key can be in it.
func newSpan(opts muster.ListOptions) (s span, ok bool) {
	s.low, s.high = opts.Range()
	s.backwards = opts.Descending
	if s.low >= s.high {
		return s, false
	}
	if s.low != "" {
		if s.from, ok = floorBound(s.low); !ok {
			return s, false
		}
	}
	s.to = ceilingBound(s.high)
	return s, s.to == "" || s.from <= s.to
}

// has says whether a Sort that was read belongs to the span.
func (s span) has(sort string) bool { return s.low <= sort && sort < s.high }

// slack is how many records at the start of the Query may lie outside the span: the one
// at its upper end, when it is read from there.
func (s span) slack() int {
	if s.backwards && s.to != "" {
		return 1
	}
	return 0
}

// condition is the span as a key condition on a partition.
func (s span) condition(partition string) (expression string, values map[string]types.AttributeValue) {
	expression = attrPartition + " = :p"
	values = map[string]types.AttributeValue{":p": text(partition)}
	if s.from != "" {
		values[":from"] = text(s.from)
	}
	if s.to != "" {
		values[":to"] = text(s.to)
	}
	switch {
	case s.from != "" && s.to != "":
		expression += " AND " + attrSort + " BETWEEN :from AND :to"
	case s.from != "":
		expression += " AND " + attrSort + " >= :from"
	case s.to != "":
		expression += " AND " + attrSort + " <= :to"
	}
	return expression, values
}

// floorBound is a possible Sort, or "", below which no Sort is at least low; ok is false
// when no Sort at all is.
func floorBound(low string) (from string, ok bool) {
	cut := low[:min(len(low), muster.MaxSortBytes)]
	from, ok = nextText(cut)
	if len(from) > muster.MaxSortBytes {
		from = cut[:validPrefix(cut)] // lower than need be; has settles the rest
	}
	return from, ok
}

// ceilingBound is a possible Sort above which no Sort is below high; "" when every Sort
// might be.
func ceilingBound(high string) string {
	cut := high[:min(len(high), muster.MaxSortBytes)]
	to, ok := nextText(cut)
	if ok && len(to) > muster.MaxSortBytes {
		to, ok = followText(cut[:validPrefix(cut)])
	}
	if !ok {
		return ""
	}
	return to
}

// runes is how many code points UTF-8 can hold: all but the surrogates.
const runes = utf8.MaxRune + 1 - (surrogateEnd - surrogateStart)

const surrogateStart, surrogateEnd = 0xD800, 0xE000

// nthRune numbers them in their order, which is also that of their encodings.
func nthRune(n int) rune {
	if n >= surrogateStart {
		n += surrogateEnd - surrogateStart
	}
	return rune(n)
}

// validPrefix is the number of bytes at the start of s that are UTF-8.
func validPrefix(s string) int {
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// nextText is the smallest UTF-8 text that is not below s; ok is false when there is
// none.
func nextText(s string) (next string, ok bool) {
	valid, rest := s[:validPrefix(s)], s[validPrefix(s):]
	if rest == "" {
		return s, true
	}
	if n := sort.Search(runes, func(n int) bool { return string(nthRune(n)) >= rest }); n < runes {
		return valid + string(nthRune(n)), true
	}
	return followText(valid)
}

// followText is the smallest UTF-8 text above everything that begins with s, which is
// UTF-8 itself; ok is false when there is none.
func followText(s string) (next string, ok bool) {
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
		switch {
		case r == surrogateStart-1:
			return s + string(rune(surrogateEnd)), true
		case r < utf8.MaxRune:
			return s + string(r+1), true
		}
	}
	return "", false
}

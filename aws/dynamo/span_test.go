package dynamo

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"muster"
)

func TestASpanIsSaidInAKeyCondition(t *testing.T) {
	const p = "PK = :p"
	for name, test := range map[string]struct {
		opts     muster.ListOptions
		want     string
		from, to string
		slack    int
	}{
		"a whole partition":                       {muster.ListOptions{}, p, "", "", 0},
		"a whole partition, descending":           {muster.ListOptions{Descending: true}, p, "", "", 0},
		"a prefix":                                {muster.ListOptions{Prefix: "MR#"}, p + " AND SK BETWEEN :from AND :to", "MR#", "MR$", 0},
		"a prefix, descending":                    {muster.ListOptions{Prefix: "MR#", Descending: true}, p + " AND SK BETWEEN :from AND :to", "MR#", "MR$", 1},
		"after":                                   {muster.ListOptions{After: "b"}, p + " AND SK >= :from", "b\x00", "", 0},
		"after, descending":                       {muster.ListOptions{After: "b", Descending: true}, p + " AND SK <= :to", "", "b", 1},
		"a prefix whose end is no text":           {muster.ListOptions{Prefix: "ÿ"}, p + " AND SK BETWEEN :from AND :to", "ÿ", "Ā", 0},
		"a prefix before the surrogates":          {muster.ListOptions{Prefix: "\ud7ff"}, p + " AND SK BETWEEN :from AND :to", "\ud7ff", "\ue000", 0},
		"a prefix that nothing is above":          {muster.ListOptions{Prefix: "\U0010ffff"}, p + " AND SK >= :from", "\U0010ffff", "", 0},
		"a prefix that begins with text":          {muster.ListOptions{Prefix: "a\xc3"}, p + " AND SK BETWEEN :from AND :to", "a\u00c0", "a\u0100", 0},
		"an after that is longer than any key":    {muster.ListOptions{After: strings.Repeat("a", 2000)}, p + " AND SK >= :from", strings.Repeat("a", 1024), "", 0},
		"an end that is longer than any key":      {muster.ListOptions{After: strings.Repeat("a", 2000), Descending: true}, p + " AND SK <= :to", "", strings.Repeat("a", 1024), 1},
		"an after cut within a letter":            {muster.ListOptions{After: strings.Repeat("a", 1023) + "é"}, p + " AND SK >= :from", strings.Repeat("a", 1023), "", 0},
		"an end cut within a letter":              {muster.ListOptions{After: strings.Repeat("a", 1023) + "é", Descending: true}, p + " AND SK <= :to", "", strings.Repeat("a", 1022) + "b", 1},
		"after above all text, descending":        {muster.ListOptions{After: "\xff", Descending: true}, p, "", "", 0},
		"after within a prefix":                   {muster.ListOptions{Prefix: "b", After: "b2"}, p + " AND SK BETWEEN :from AND :to", "b2\x00", "c", 0},
		"after within a prefix, descending":       {muster.ListOptions{Prefix: "b", After: "b2", Descending: true}, p + " AND SK BETWEEN :from AND :to", "b", "b2", 1},
		"after before a prefix":                   {muster.ListOptions{Prefix: "b", After: "a"}, p + " AND SK BETWEEN :from AND :to", "b", "c", 0},
		"after behind a prefix, when descending":  {muster.ListOptions{Prefix: "b", After: "z", Descending: true}, p + " AND SK BETWEEN :from AND :to", "b", "c", 1},
		"a letter that is cut, between two rests": {muster.ListOptions{Prefix: "\xe6\x97"}, p + " AND SK BETWEEN :from AND :to", "\u65c0", "\u6600", 0},
	} {
		s, ok := newSpan(test.opts)
		if !ok {
			t.Errorf("%s: nothing can be in it", name)
			continue
		}
		got, values := s.condition("part")
		if got != test.want || s.from != test.from || s.to != test.to || s.slack() != test.slack {
			t.Errorf("%s: got %s from %.20q to %.20q with slack %d, want %s from %.20q to %.20q with slack %d",
				name, got, s.from, s.to, s.slack(), test.want, test.from, test.to, test.slack)
		}
		for placeholder, value := range map[string]string{":p": "part", ":from": test.from, ":to": test.to} {
			v, _ := values[placeholder].(*types.AttributeValueMemberS)
			if used := strings.Contains(got, placeholder); used != (v != nil) || used && v.Value != value {
				t.Errorf("%s: the condition %s has the values %v", name, got, values)
			}
		}
	}
}

func TestASpanThatNothingCanBeInIsNotAskedFor(t *testing.T) {
	for _, opts := range []muster.ListOptions{
		{Prefix: "b", After: "c"},
		{Prefix: "b", After: "a", Descending: true},
		{Prefix: "\xff"},
		{After: "\xff"},
		{After: "\xf5", Descending: false},
	} {
		if s, ok := newSpan(opts); ok {
			t.Errorf("%+v is asked for as %+v", opts, s)
		}
	}
}

// Whatever is asked for: a Query between the bounds finds every key of the span, and
// the bounds are possible keys.
func TestTheBoundsOfASpanLeaveNothingOut(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		"", "a", "b", "\x00", "\u007f", "\u0080", "é", "ÿ", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff",
		"\xc3", "\xff", "\x80", "\xe6\x97", "\xf4\x8f", "\xed\xa0\x80", strings.Repeat("a", 1020), strings.Repeat("\U0010ffff", 255),
	})
	anything := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(pieces, 0, 4).Draw(t, "pieces"), "")
	})
	possible := anything.Filter(func(s string) bool { return muster.CheckKey(muster.Key{Partition: "p", Sort: s}) == nil })
	rapid.Check(t, func(t *rapid.T) {
		opts := muster.ListOptions{Prefix: anything.Draw(t, "prefix"), After: anything.Draw(t, "after"), Descending: rapid.Bool().Draw(t, "descending")}
		key := possible.Draw(t, "key")
		if rapid.Bool().Draw(t, "extend") {
			key = opts.Prefix + key
		}
		if muster.CheckKey(muster.Key{Partition: "p", Sort: key}) != nil {
			return
		}
		low, high := opts.Range()
		wanted := low <= key && key < high
		s, ok := newSpan(opts)
		if !ok {
			if wanted {
				t.Fatalf("%q is in %+v, of which nothing is asked for", key, opts)
			}
			return
		}
		for _, bound := range []string{s.from, s.to} {
			if !utf8.ValidString(bound) || len(bound) > muster.MaxSortBytes {
				t.Fatalf("%q is no possible bound", bound)
			}
		}
		found := key >= s.from && (s.to == "" || key <= s.to)
		if wanted && !found || wanted != s.has(key) {
			t.Fatalf("%q in %+v: found %v, kept %v, want %v", key, s, found, s.has(key), wanted)
		}
	})
}

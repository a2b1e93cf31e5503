package storetest

import (
	"fmt"
	"slices"

	"muster"
)

// byteOrder is in the order of bytes, which is not that of any alphabet: capitals
// come before small letters, and text outside ASCII after both, by its UTF-8.
var byteOrder = []string{"\x00", "\x00a", " ", "!", "-", "0", "00", "1", "10", "2", "A", "AB", "Z", "_", "a", "a\x00", "a!", "aa", "b", "z", "~", "\u007f", "\u0080", "é", "߿", "ࠀ", "日本", "\uffff", "\U00010000", "\U0010ffff"}

var listTests = []test{
	{"an unknown partition is empty, not an error", func(s *suite) {
		s.fill("p", "a")
		s.lists("q", muster.ListOptions{})
	}},
	{"a list holds one partition in byte order", func(s *suite) {
		shuffled := slices.Clone(byteOrder)
		slices.Reverse(shuffled)
		slices.SortStableFunc(shuffled, func(a, b string) int { return len(a) - len(b) })
		s.fill("p", shuffled...)
		s.fill("o", "before")
		s.fill("q", "after")
		s.lists("p", muster.ListOptions{}, byteOrder...)
	}},
	{"a descending list is the same one backwards", func(s *suite) {
		s.fill("p", byteOrder...)
		backwards := slices.Clone(byteOrder)
		slices.Reverse(backwards)
		s.lists("p", muster.ListOptions{Descending: true}, backwards...)
	}},
	{"a list returns whole records", func(s *suite) {
		s.write(put(key("p", "a"), "1", 0))
		s.write(put(key("p", "a"), "2", 1))
		for _, r := range s.list("p", muster.ListOptions{}) {
			if r.Key != key("p", "a") || string(r.Value) != "2" || r.Version != 2 || !r.ExpiresAt.IsZero() {
				s.Fatalf("got %+v", r)
			}
		}
	}},
	{"a prefix selects what begins with it", func(s *suite) {
		s.fill("p", "a", "a#", "a#1", "a#2", "a$", "b", "é1", "é2", "ê1")
		s.lists("p", muster.ListOptions{Prefix: "a#"}, "a#", "a#1", "a#2")
		s.lists("p", muster.ListOptions{Prefix: "a#", Descending: true}, "a#2", "a#1", "a#")
		s.lists("p", muster.ListOptions{Prefix: "é"}, "é1", "é2")
		s.lists("p", muster.ListOptions{Prefix: "c"})
		s.lists("p", muster.ListOptions{Prefix: "a", Limit: 2}, "a", "a#")
	}},
	{"a prefix is text, not a pattern", func(s *suite) {
		s.fill("p", "a%", "a%b", "a_", "ab", "abc", "a*", "\U0010ffff", "\U0010ffffx")
		s.lists("p", muster.ListOptions{Prefix: "a%"}, "a%", "a%b")
		s.lists("p", muster.ListOptions{Prefix: "a_"}, "a_")
		s.lists("p", muster.ListOptions{Prefix: "a*"}, "a*")
		s.lists("p", muster.ListOptions{Prefix: "\U0010ffff"}, "\U0010ffff", "\U0010ffffx")
	}},
	{"a list goes on after a sort that need not exist", func(s *suite) {
		s.fill("p", "a", "c", "e")
		s.lists("p", muster.ListOptions{After: "a"}, "c", "e")
		s.lists("p", muster.ListOptions{After: "b"}, "c", "e")
		s.lists("p", muster.ListOptions{After: "e"})
		s.lists("p", muster.ListOptions{After: "e", Descending: true}, "c", "a")
		s.lists("p", muster.ListOptions{After: "d", Descending: true}, "c", "a")
		s.lists("p", muster.ListOptions{After: "a", Descending: true})
	}},
	{"after and prefix narrow together", func(s *suite) {
		s.fill("p", "a", "b1", "b2", "b3", "c")
		s.lists("p", muster.ListOptions{Prefix: "b", After: "b1"}, "b2", "b3")
		s.lists("p", muster.ListOptions{Prefix: "b", After: "a"}, "b1", "b2", "b3")
		s.lists("p", muster.ListOptions{Prefix: "b", After: "c"})
		s.lists("p", muster.ListOptions{Prefix: "b", After: "b3", Descending: true}, "b2", "b1")
		s.lists("p", muster.ListOptions{Prefix: "b", After: "c", Descending: true}, "b3", "b2", "b1")
		s.lists("p", muster.ListOptions{Prefix: "b", After: "a", Descending: true})
	}},
	{"pages put together are the whole, in both directions", func(s *suite) {
		var all []string
		for i := range 23 {
			all = append(all, fmt.Sprintf("r%02d", i))
		}
		s.fill("p", all...)
		s.fill("p", "q") // outside the prefix
		for _, limit := range []int{1, 2, 7, 22, 23, 24} {
			if got := s.pages(muster.ListOptions{Prefix: "r", Limit: limit}); !slices.Equal(got, all) {
				s.Fatalf("pages of %d: got %q", limit, got)
			}
			got := s.pages(muster.ListOptions{Prefix: "r", Limit: limit, Descending: true})
			slices.Reverse(got)
			if !slices.Equal(got, all) {
				s.Fatalf("pages of %d, descending: got %q backwards", limit, got)
			}
		}
	}},
	{"no limit and a limit too large mean the greatest", func(s *suite) {
		var all []string
		for i := range muster.MaxListLimit + 1 {
			all = append(all, fmt.Sprintf("r%04d", i))
		}
		s.fill("p", all...)
		for _, limit := range []int{-1, 0, muster.MaxListLimit, muster.MaxListLimit + 1} {
			s.lists("p", muster.ListOptions{Limit: limit}, all[:muster.MaxListLimit]...)
		}
		if got := s.pages(muster.ListOptions{}); !slices.Equal(got, all) {
			s.Fatalf("pages of the greatest size: got %d records, want %d", len(got), len(all))
		}
	}},
	{"a page of large records is not cut short", func(s *suite) {
		var all []string
		for i := range 12 { // 3.6 MB: more than DynamoDB returns at once
			sort := fmt.Sprintf("r%02d", i)
			all = append(all, sort)
			s.write(muster.Op{Kind: muster.Put, Key: key("p", sort), Value: make([]byte, 300_000)})
		}
		s.lists("p", muster.ListOptions{Limit: 12}, all...)
		s.lists("p", muster.ListOptions{Limit: 11}, all[:11]...)
	}},
}

// pages lists partition p to the end, a page after another, as a caller would.
func (s *suite) pages(opts muster.ListOptions) []string {
	s.Helper()
	var all []string
	for {
		page := sorts(s.list("p", opts))
		if len(page) > opts.Max() {
			s.Fatalf("list %+v returned %d records", opts, len(page))
		}
		all = append(all, page...)
		if len(page) < opts.Max() {
			return all
		}
		opts.After = page[len(page)-1]
	}
}

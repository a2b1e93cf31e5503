package storetest

import (
	"context"
	"fmt"
	"strings"

	"muster"
)

var limitTests = []test{
	{"a write that could never succeed is invalid and changes nothing", func(s *suite) {
		good := put(key("p", "good"), "v", 0)
		sized := func(n int) muster.Op {
			return muster.Op{Kind: muster.Put, Key: key("p", "s"), Value: make([]byte, n)}
		}
		tooMany := make([]muster.Op, muster.MaxWriteOps+1)
		for i := range tooMany {
			tooMany[i] = put(key("p", fmt.Sprint(i)), "v", 0)
		}
		tooMuch := make([]muster.Op, 11)
		for i := range tooMuch {
			tooMuch[i] = muster.Op{Kind: muster.Put, Key: key("p", fmt.Sprint(i)), Value: make([]byte, 390_000)}
		}
		for name, ops := range map[string][]muster.Op{
			"no operation":           {},
			"too many operations":    tooMany,
			"a record too large":     {good, sized(muster.MaxRecordBytes - 1)},
			"too much together":      tooMuch,
			"a key twice":            {good, put(key("p", "s"), "a", 0), check(key("p", "s"), 0)},
			"an empty partition":     {good, put(key("", "s"), "v", 0)},
			"an empty sort":          {good, put(key("p", ""), "v", 0)},
			"a partition too long":   {good, put(key(strings.Repeat("p", muster.MaxPartitionBytes+1), "s"), "v", 0)},
			"a sort too long":        {good, put(key("p", strings.Repeat("s", muster.MaxSortBytes+1)), "v", 0)},
			"a key that is not text": {good, put(key("p", "\xff"), "v", 0)},
			"a version below any":    {good, put(key("p", "s"), "v", muster.AnyVersion-1)},
			"an unknown operation":   {good, {Kind: muster.Check + 1, Key: key("p", "s")}},
		} {
			if err := s.store.Write(context.Background(), ops...); muster.KindOf(err) != muster.Invalid {
				s.Errorf("%s: got error %v, want kind invalid", name, err)
			}
		}
		s.lists("p", muster.ListOptions{})
	}},
	{"keys of the greatest length are told apart by their last byte", func(s *suite) {
		partition, sort := strings.Repeat("p", muster.MaxPartitionBytes-1), strings.Repeat("s", muster.MaxSortBytes-1)
		s.write(put(key(partition+"1", sort+"1"), "11", 0), put(key(partition+"1", sort+"2"), "12", 0), put(key(partition+"2", sort+"1"), "21", 0))
		s.has(key(partition+"1", sort+"1"), "11", 1)
		s.has(key(partition+"1", sort+"2"), "12", 1)
		s.has(key(partition+"2", sort+"1"), "21", 1)
		s.lists(partition+"1", muster.ListOptions{After: sort + "1"}, sort+"2")
		s.lists(partition+"1", muster.ListOptions{Prefix: sort}, sort+"1", sort+"2")
	}},
	{"a read of a key that could not exist is invalid", func(s *suite) {
		for _, k := range []muster.Key{{}, key("p", ""), key("", "s"), key("p", "\xff"), key(strings.Repeat("p", muster.MaxPartitionBytes+1), "s")} {
			_, err := s.store.Get(context.Background(), k)
			s.isInvalid(err)
		}
		for _, partition := range []string{"", "\xff", strings.Repeat("p", muster.MaxPartitionBytes+1)} {
			_, err := s.store.List(context.Background(), partition, muster.ListOptions{})
			s.isInvalid(err)
		}
	}},
	{"a prefix and an after that no key can have select by their bytes", func(s *suite) {
		s.fill("p", "a", "b")
		long := strings.Repeat("a", muster.MaxSortBytes+100)
		s.lists("p", muster.ListOptions{Prefix: long})
		s.lists("p", muster.ListOptions{After: long}, "b")
		s.lists("p", muster.ListOptions{After: long, Descending: true}, "a")
		s.lists("p", muster.ListOptions{After: "\xff", Descending: true}, "b", "a")
		s.lists("p", muster.ListOptions{After: "\xff"})
		s.lists("p", muster.ListOptions{Prefix: "\xff"})
	}},
}

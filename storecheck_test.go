package muster_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"muster"
)

func TestCheckOps(t *testing.T) {
	put := func(partition, sort string, size int) muster.Op {
		return muster.Op{Key: muster.Key{Partition: partition, Sort: sort}, Value: make([]byte, size)}
	}
	many := func(n, size int) []muster.Op {
		ops := make([]muster.Op, n)
		for i := range ops {
			ops[i] = put("p", strings.Repeat("s", i+1), size)
		}
		return ops
	}
	cases := []struct {
		name string
		ops  []muster.Op
		code string // "": passes
	}{
		{"no operation is no write", nil, "store.op_count"},
		{"a hundred operations pass", many(100, 1), ""},
		{"a hundred and one do not", many(101, 1), "store.op_count"},
		{"the same key twice is refused", []muster.Op{put("p", "s", 1), put("p", "s", 1)}, "store.key_twice"},
		{"the same sort in two partitions passes", []muster.Op{put("p", "s", 1), put("q", "s", 1)}, ""},
		{"an empty partition is refused", []muster.Op{put("", "s", 1)}, "store.key_empty"},
		{"an empty sort is refused", []muster.Op{put("p", "", 1)}, "store.key_empty"},
		{"a partition of 2048 bytes passes", []muster.Op{put(strings.Repeat("p", 2048), "s", 1)}, ""},
		{"a partition of 2049 bytes is refused", []muster.Op{put(strings.Repeat("p", 2049), "s", 1)}, "store.key_too_long"},
		{"a sort of 1024 bytes passes", []muster.Op{put("p", strings.Repeat("s", 1024), 1)}, ""},
		{"a sort of 1025 bytes is refused", []muster.Op{put("p", strings.Repeat("s", 1025), 1)}, "store.key_too_long"},
		{"a partition that is not UTF-8 is refused", []muster.Op{put("p\xff", "s", 1)}, "store.key_not_utf8"},
		{"a sort that is not UTF-8 is refused", []muster.Op{put("p", "\xc3", 1)}, "store.key_not_utf8"},
		{"a record of the limit passes", []muster.Op{put("p", "s", muster.MaxRecordBytes-2)}, ""},
		{"a record of one byte more is refused", []muster.Op{put("p", "s", muster.MaxRecordBytes-1)}, "store.record_too_large"},
		{"records that are too large together are refused", many(11, 390_000), "store.write_too_large"},
		{"a version below AnyVersion is refused", []muster.Op{{Key: muster.Key{Partition: "p", Sort: "s"}, Version: -2}}, "store.version"},
		{"an unknown kind is refused", []muster.Op{{Key: muster.Key{Partition: "p", Sort: "s"}, Kind: muster.Check + 1}}, "store.op_kind"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := muster.CheckOps(c.ops)
			if c.code == "" {
				if err != nil {
					t.Fatalf("got %v, want no error", err)
				}
				return
			}
			var e *muster.Error
			if !errors.As(err, &e) || e.Code != c.code || e.Kind != muster.Invalid {
				t.Fatalf("got %v, want code %s of kind invalid", err, c.code)
			}
		})
	}
}

func TestCheckPartition(t *testing.T) {
	if err := muster.CheckPartition("p"); err != nil {
		t.Errorf("a plain partition: %v", err)
	}
	if err := muster.CheckPartition(""); muster.KindOf(err) != muster.Invalid {
		t.Errorf("an empty partition: %v, want kind invalid", err)
	}
}

func TestListOptionsMax(t *testing.T) {
	for limit, want := range map[int]int{-1: 1000, 0: 1000, 1: 1, 1000: 1000, 1001: 1000} {
		if got := (muster.ListOptions{Limit: limit}).Max(); got != want {
			t.Errorf("limit %d: %d records at most, want %d", limit, got, want)
		}
	}
}

// A Sort lies in the Range exactly when the words of ListOptions allow it.
func TestListOptionsRangeSaysWhatTheFieldsSay(t *testing.T) {
	word := rapid.StringOfN(rapid.SampledFrom([]rune("ab\x00é\u07ff\U0010ffff")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		o := muster.ListOptions{Prefix: word.Draw(t, "prefix"), After: word.Draw(t, "after"), Descending: rapid.Bool().Draw(t, "descending")}
		sort := word.Filter(func(s string) bool { return s != "" }).Draw(t, "sort")
		want := strings.HasPrefix(sort, o.Prefix)
		if o.After != "" {
			want = want && (o.Descending && sort < o.After || !o.Descending && sort > o.After)
		}
		from, to := o.Range()
		if got := from <= sort && sort < to; got != want {
			t.Fatalf("%+v gives [%q, %q): %q inside is %v, want %v", o, from, to, sort, got, want)
		}
	})
}

func TestCheckRecord(t *testing.T) {
	k := muster.Key{Partition: "p", Sort: "s"}
	cases := []struct {
		name   string
		record muster.Record
		code   string // "": passes
	}{
		{"a record of version 1 passes", muster.Record{Key: k, Version: 1}, ""},
		{"a record without a version is refused", muster.Record{Key: k}, "store.version"},
		{"any version is not a version", muster.Record{Key: k, Version: muster.AnyVersion}, "store.version"},
		{"an empty sort is refused", muster.Record{Key: muster.Key{Partition: "p"}, Version: 1}, "store.key_empty"},
		{"a record of one byte too many is refused", muster.Record{Key: k, Value: make([]byte, muster.MaxRecordBytes-1), Version: 1}, "store.record_too_large"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := muster.CheckRecord(c.record)
			var e *muster.Error
			if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &e) || e.Code != c.code || e.Kind != muster.Invalid) {
				t.Fatalf("got %v, want code %q", err, c.code)
			}
		})
	}
}

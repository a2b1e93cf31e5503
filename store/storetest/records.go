package storetest

import (
	"context"
	"errors"
	"strings"

	"muster"
)

var recordTests = []test{
	{"an unknown key is not found", func(s *suite) {
		s.lacks(key("p", "s"))
	}},
	{"a record is read as it was written", func(s *suite) {
		s.write(put(key("p", "s"), "value", 0))
		r := s.has(key("p", "s"), "value", 1)
		if !r.ExpiresAt.IsZero() {
			s.Fatalf("a record that never expires has ExpiresAt %v", r.ExpiresAt)
		}
	}},
	{"each change adds one to the version", func(s *suite) {
		k := key("p", "s")
		s.write(put(k, "a", 0))
		s.write(put(k, "b", 1))
		s.has(k, "b", 2)
		s.write(put(k, "b", 2))
		s.has(k, "b", 3)
	}},
	{"a record created anew starts at version 1", func(s *suite) {
		k := key("p", "s")
		s.write(put(k, "a", 0))
		s.write(put(k, "b", 1))
		s.write(remove(k, 2))
		s.lacks(k)
		s.write(put(k, "c", 0))
		s.has(k, "c", 1)
	}},
	{"an empty value and no value are both a value of no bytes", func(s *suite) {
		s.write(
			muster.Op{Kind: muster.Put, Key: key("p", "nil"), Value: nil},
			muster.Op{Kind: muster.Put, Key: key("p", "empty"), Value: []byte{}},
		)
		s.has(key("p", "nil"), "", 1)
		s.has(key("p", "empty"), "", 1)
		s.lists("p", muster.ListOptions{}, "empty", "nil")
	}},
	{"a value may be any bytes", func(s *suite) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		s.write(put(key("p", "s"), string(all), 0))
		s.has(key("p", "s"), string(all), 1)
	}},
	{"a key may be any text, and case, length and accents tell keys apart", func(s *suite) {
		texts := []string{"a", "A", "a ", " a", "a\x00", "a\x00b", "a'", `a"b`, "a%", "a_", "a#b/c", "é", "e\u0301", "日本", "\U0001f600", "\u007f", "\x00"}
		for _, text := range texts {
			s.write(put(key("p"+text, "s"), "partition "+text, 0), put(key("p", "s"+text), "sort "+text, 0))
		}
		for _, text := range texts {
			s.has(key("p"+text, "s"), "partition "+text, 1)
			s.has(key("p", "s"+text), "sort "+text, 1)
		}
	}},
	{"partition and sort do not run together", func(s *suite) {
		s.write(put(key("ab", "c"), "1", 0))
		s.lacks(key("a", "bc"))
		s.write(put(key("a", "bc"), "2", 0))
		s.has(key("ab", "c"), "1", 1)
	}},
	{"a value that was read belongs to the reader", func(s *suite) {
		k := key("p", "s")
		s.write(put(k, "value", 0))
		got := s.has(k, "value", 1)
		listed := s.list("p", muster.ListOptions{})
		clear(got.Value)
		clear(listed[0].Value)
		_ = append(got.Value[:0], "other"...) // overwrites in place; the result is of no interest
		s.has(k, "value", 1)
		if again := s.list("p", muster.ListOptions{}); string(again[0].Value) != "value" {
			s.Fatalf("the stored value became %q", again[0].Value)
		}
	}},
	{"a record of the size limit is kept whole", func(s *suite) {
		k := key("p", "s")
		big := strings.Repeat("0123456789abcdef", muster.MaxRecordBytes/16)[:muster.MaxRecordBytes-2]
		s.write(put(k, big, 0))
		s.has(k, big, 1)
		if listed := s.list("p", muster.ListOptions{}); string(listed[0].Value) != big {
			s.Fatalf("list returned %d bytes, want %d", len(listed[0].Value), len(big))
		}
		s.write(put(k, "small", 1))
		s.has(k, "small", 2)
	}},
	{"an ended context stops every call and changes nothing", func(s *suite) {
		k := key("p", "s")
		s.write(put(k, "a", 0))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.store.Get(ctx, k); !errors.Is(err, context.Canceled) {
			s.Errorf("get: %v, want context.Canceled", err)
		}
		if _, err := s.store.List(ctx, "p", muster.ListOptions{}); !errors.Is(err, context.Canceled) {
			s.Errorf("list: %v, want context.Canceled", err)
		}
		if err := s.store.Write(ctx, put(k, "b", 1)); !errors.Is(err, context.Canceled) {
			s.Errorf("write: %v, want context.Canceled", err)
		}
		s.has(k, "a", 1)
	}},
	{"errors show no address that stands in a key", func(s *suite) {
		k := key("ID#email#ada@example.com", "ID")
		s.write(put(k, "a", 0))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, ended := s.store.Get(ctx, k)
		_, listing := s.store.List(ctx, k.Partition, muster.ListOptions{})
		_, absent := s.store.Get(context.Background(), key("ID#email#ada@example.org", "ID"))
		for what, err := range map[string]error{
			"get": ended, "list": listing, "an absent record": absent,
			"put":     s.store.Write(context.Background(), put(k, "b", 0)),
			"check":   s.store.Write(context.Background(), check(k, 7)),
			"many":    s.store.Write(context.Background(), put(k, "b", 3), put(key("p", "s"), "b", 0)),
			"ended":   s.store.Write(ctx, put(k, "b", 1)),
			"no text": s.store.Write(context.Background(), put(key("ID#email#ada@example.com\xff", "ID"), "b", 0)),
		} {
			if err == nil || strings.Contains(err.Error(), "ada") {
				s.Errorf("%s: %v", what, err)
			}
		}
	}},
}

package storetest

import (
	"fmt"

	"muster"
)

var writeTests = []test{
	{"version 0 creates a record only where none is", func(s *suite) {
		k := key("p", "s")
		s.write(put(k, "a", 0))
		s.conflicts(put(k, "b", 0))
		s.has(k, "a", 1)
	}},
	{"a version replaces only itself", func(s *suite) {
		k := key("p", "s")
		s.conflicts(put(k, "x", 1))
		s.lacks(k)
		s.write(put(k, "a", 0))
		s.conflicts(put(k, "x", 2))
		s.write(put(k, "b", 1))
		s.conflicts(put(k, "x", 1))
		s.has(k, "b", 2)
	}},
	{"any version creates and replaces", func(s *suite) {
		k := key("p", "s")
		s.write(put(k, "a", muster.AnyVersion))
		s.has(k, "a", 1)
		s.write(put(k, "b", muster.AnyVersion))
		s.has(k, "b", 2)
	}},
	{"a delete names its version as well", func(s *suite) {
		k := key("p", "s")
		s.conflicts(remove(k, 1))
		s.write(put(k, "a", 0))
		s.conflicts(remove(k, 0))
		s.conflicts(remove(k, 2))
		s.has(k, "a", 1)
		s.write(remove(k, 1))
		s.lacks(k)
	}},
	{"deleting an absent record is done already", func(s *suite) {
		k := key("p", "s")
		s.write(remove(k, muster.AnyVersion))
		s.write(remove(k, 0))
		s.lacks(k)
		s.write(put(k, "a", 0))
		s.write(remove(k, muster.AnyVersion))
		s.lacks(k)
		s.lists("p", muster.ListOptions{})
	}},
	{"a check holds or fails and changes nothing", func(s *suite) {
		k, other := key("p", "s"), key("p", "other")
		s.write(check(k, 0))
		s.lacks(k)
		s.write(put(k, "a", 0))
		s.write(check(k, 1))
		s.write(check(k, muster.AnyVersion), check(other, muster.AnyVersion))
		s.conflicts(check(k, 0))
		s.conflicts(check(k, 2))
		s.conflicts(check(other, 1))
		s.has(k, "a", 1)
		s.lacks(other)
	}},
	{"a failed check undoes its neighbours, wherever it stands", func(s *suite) {
		guard, a, b := key("guard", "s"), key("p", "a"), key("p", "b")
		s.write(put(guard, "g", 0), put(b, "old", 0))
		changes := []muster.Op{put(a, "new", 0), put(b, "new", 1)}
		for place := range 3 {
			ops := append([]muster.Op{}, changes[:min(place, 2)]...)
			ops = append(ops, check(guard, 2))
			ops = append(ops, changes[min(place, 2):]...)
			s.conflicts(ops...)
			s.lacks(a)
			s.has(b, "old", 1)
		}
		s.write(append(changes, check(guard, 1))...)
		s.has(a, "new", 1)
		s.has(b, "new", 2)
		s.has(guard, "g", 1)
	}},
	{"a write of all kinds over several partitions happens together", func(s *suite) {
		s.write(put(key("p", "changed"), "1", 0), put(key("q", "deleted"), "1", 0), put(key("r", "checked"), "1", 0))
		ops := []muster.Op{
			put(key("p", "changed"), "2", 1), remove(key("q", "deleted"), 1),
			check(key("r", "checked"), 1), put(key("s", "created"), "2", 0),
		}
		s.conflicts(append(ops, put(key("p", "late"), "2", 7))...)
		s.has(key("p", "changed"), "1", 1)
		s.has(key("q", "deleted"), "1", 1)
		s.lacks(key("s", "created"))

		s.write(ops...)
		s.has(key("p", "changed"), "2", 2)
		s.lacks(key("q", "deleted"))
		s.has(key("s", "created"), "2", 1)
		s.conflicts(ops...)
	}},
	{"a hundred operations are one write", func(s *suite) {
		ops := make([]muster.Op, muster.MaxWriteOps)
		for i := range ops {
			ops[i] = put(key(fmt.Sprintf("p%d", i%3), fmt.Sprintf("s%03d", i)), "v", 0)
		}
		s.write(ops...)
		s.has(key("p0", "s099"), "v", 1)
		if got := len(s.list("p0", muster.ListOptions{})); got != 34 {
			s.Fatalf("the first partition has %d records, want 34", got)
		}
		last := len(ops) - 1
		ops[last].Version = 2 // the others are at 1
		for i := range ops[:last] {
			ops[i].Version, ops[i].Value = 1, []byte("w")
		}
		s.conflicts(ops...)
		s.has(key("p0", "s000"), "v", 1)
	}},
	{"a write of the size limit happens", func(s *suite) {
		var ops []muster.Op
		for i := range 10 {
			k := key("p", fmt.Sprintf("s%d", i))
			size := muster.MaxWriteBytes/10 - len(k.Partition) - len(k.Sort)
			ops = append(ops, muster.Op{Kind: muster.Put, Key: k, Value: make([]byte, size)})
		}
		s.write(ops...)
		if got := len(s.list("p", muster.ListOptions{})); got != len(ops) {
			s.Fatalf("%d records, want %d", got, len(ops))
		}
	}},
	{"what was written is seen by the next read", func(s *suite) {
		k := key("p", "s")
		for i := range int64(50) {
			value := fmt.Sprint(i)
			s.write(put(k, value, i))
			s.has(k, value, i+1)
			if r := s.list("p", muster.ListOptions{}); len(r) != 1 || string(r[0].Value) != value {
				s.Fatalf("after write %d the list holds %+v", i, r)
			}
		}
	}},
}

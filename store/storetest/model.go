package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"muster"
)

const (
	modelRuns  = 4   // random histories for each driver
	modelSteps = 150 // calls in each of them
)

var modelTests = []test{
	{"random calls give what a plain map gives", func(s *suite) {
		for range modelRuns {
			seed := rand.Uint64()
			m := &model{suite: s, random: rand.New(rand.NewPCG(seed, 0)), records: map[muster.Key]muster.Record{}}
			m.prefix = fmt.Sprintf("run %x ", seed) // partitions of its own
			for step := range modelSteps {
				if problem := m.step(); problem != "" {
					s.Fatalf("seed %#x, step %d: %s", seed, step, problem)
				}
			}
		}
	}},
}

// model is the store written as naively as possible: a map, and a loop for everything.
// It forgets a record the moment it expires.
type model struct {
	*suite
	random  *rand.Rand
	prefix  string
	records map[muster.Key]muster.Record
}

// step makes one random call and says how the store's answer is wrong; "" when right.
func (m *model) step() string {
	switch m.random.IntN(10) {
	case 0:
		m.clock.advance(time.Duration(m.random.IntN(4000)) * time.Millisecond)
		m.forget()
		return ""
	case 1, 2:
		return m.get()
	case 3, 4:
		return m.list()
	default:
		return m.change()
	}
}

func (m *model) forget() {
	for k, r := range m.records {
		if !r.ExpiresAt.IsZero() && !m.clock.Now().Before(r.ExpiresAt) {
			delete(m.records, k)
		}
	}
}

func (m *model) get() string {
	k := m.key()
	got, err := m.store.Get(context.Background(), k)
	want, known := m.records[k]
	switch {
	case !known && !errors.Is(err, muster.ErrNotFound):
		return fmt.Sprintf("get %v: got %+v and error %v, want ErrNotFound", k, got, err)
	case known && (err != nil || !same(got, want)):
		return fmt.Sprintf("get %v: got %+v and error %v, want %+v", k, got, err, want)
	}
	return ""
}

func (m *model) list() string {
	partition := m.partition()
	opts := muster.ListOptions{Limit: m.random.IntN(6), Descending: m.random.IntN(2) == 0}
	if m.random.IntN(2) == 0 {
		opts.Prefix = m.sort()[:1]
	}
	if m.random.IntN(2) == 0 {
		opts.After = m.sort()
	}
	got, err := m.store.List(context.Background(), partition, opts)
	want := m.listed(partition, opts)
	if err != nil || !slices.EqualFunc(got, want, same) {
		return fmt.Sprintf("list %q %+v: got %+v and error %v, want %+v", partition, opts, got, err, want)
	}
	return ""
}

// listed is what a List returns, by the words of ListOptions.
func (m *model) listed(partition string, opts muster.ListOptions) []muster.Record {
	var found []muster.Record
	for k, r := range m.records {
		beyond := opts.After == "" || !opts.Descending && k.Sort > opts.After || opts.Descending && k.Sort < opts.After
		if k.Partition == partition && strings.HasPrefix(k.Sort, opts.Prefix) && beyond {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b muster.Record) int {
		if opts.Descending {
			a, b = b, a
		}
		return strings.Compare(a.Sort, b.Sort)
	})
	if opts.Limit > 0 {
		found = found[:min(opts.Limit, len(found))]
	}
	return found
}

// change makes one random Write and, if the versions are right, does the same to the
// map. Versions are right more often than not.
func (m *model) change() string {
	var ops []muster.Op
	right := true
	for range 1 + m.random.IntN(4) {
		op := m.op()
		if slices.ContainsFunc(ops, func(other muster.Op) bool { return other.Key == op.Key }) {
			continue
		}
		right = right && (op.Version == muster.AnyVersion || op.Version == m.records[op.Key].Version)
		ops = append(ops, op)
	}
	err := m.store.Write(context.Background(), ops...)
	if right && err != nil || !right && !errors.Is(err, muster.ErrConflict) {
		return fmt.Sprintf("write %+v: got error %v, should it succeed: %v", ops, err, right)
	}
	if right {
		for _, op := range ops {
			m.apply(op)
		}
		m.forget()
	}
	return ""
}

func (m *model) apply(op muster.Op) {
	switch op.Kind {
	case muster.Put:
		m.records[op.Key] = muster.Record{Key: op.Key, Value: op.Value, Version: m.records[op.Key].Version + 1, ExpiresAt: op.ExpiresAt.Truncate(time.Second)}
	case muster.Delete:
		delete(m.records, op.Key)
	case muster.Check: // changes nothing
	}
}

func (m *model) op() muster.Op {
	op := muster.Op{Kind: muster.OpKind(m.random.IntN(3)), Key: m.key()}
	op.Version = m.records[op.Key].Version
	switch m.random.IntN(12) {
	case 0:
		op.Version++
	case 1:
		op.Version = 0
	case 2:
		// A driver may or may not go on counting over an expired record, so any version
		// is asked for only where one is known.
		if op.Version > 0 {
			op.Version = muster.AnyVersion
		}
	}
	if op.Kind == muster.Put {
		op.Value = []byte(fmt.Sprintf("%x", m.random.Uint32()))
		if m.random.IntN(3) == 0 {
			op.ExpiresAt = m.clock.Now().Add(time.Duration(m.random.IntN(9000)) * time.Millisecond)
		}
	}
	return op
}

func (m *model) key() muster.Key   { return key(m.partition(), m.sort()) }
func (m *model) partition() string { return m.prefix + string("pq"[m.random.IntN(2)]) }
func (m *model) sort() string {
	return string("ab"[m.random.IntN(2)]) + string("0123"[m.random.IntN(4)])
}

func same(a, b muster.Record) bool {
	return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && a.Version == b.Version && a.ExpiresAt.Equal(b.ExpiresAt)
}

package dynamo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Call is a kind of call to DynamoDB, by what it is made for.
type Call string

// The kinds of calls that are metered.
const (
	CallGet         Call = "get"
	CallList        Call = "list"        // one page
	CallWrite       Call = "write"       // one operation
	CallTransaction Call = "transaction" // several operations, at twice the price
	CallCheck       Call = "check"       // a Write that only asserts a version: a read
	CallScan        Call = "scan"        // one page
	CallLoad        Call = "load"        // one batch
)

// Usage is what one call cost, its repeats included. Units are DynamoDB's own count, as
// it reports them. It charges refused writes too, but does not report them: one unit at
// least, for a transaction two an operation.
type Usage struct {
	Call       Call
	ReadUnits  float64
	WriteUnits float64
	Repeats    int  // tries after the first
	Throttled  int  // how many tries DynamoDB was too busy for
	Refused    bool // a version did not hold
}

// addRead counts the capacity that a read used; nil when DynamoDB did not say.
func (u *Usage) addRead(c *types.ConsumedCapacity) {
	if c != nil {
		u.ReadUnits += units(c.CapacityUnits)
	}
}

// addWrite counts the capacity that a write used. The repeat of a transaction that had
// happened costs read units: DynamoDB only looks whether it had.
func (u *Usage) addWrite(c *types.ConsumedCapacity) {
	switch {
	case c == nil:
	case c.ReadCapacityUnits != nil || c.WriteCapacityUnits != nil:
		u.ReadUnits += units(c.ReadCapacityUnits)
		u.WriteUnits += units(c.WriteCapacityUnits)
	default:
		u.WriteUnits += units(c.CapacityUnits)
	}
}

func units(u *float64) float64 {
	if u == nil {
		return 0
	}
	return *u
}

// Sum adds up calls of one kind, or of all.
type Sum struct {
	Calls      int
	ReadUnits  float64
	WriteUnits float64
	Repeats    int
	Throttled  int
	Refused    int
}

func (s *Sum) add(o Sum) {
	s.Calls += o.Calls
	s.ReadUnits += o.ReadUnits
	s.WriteUnits += o.WriteUnits
	s.Repeats += o.Repeats
	s.Throttled += o.Throttled
	s.Refused += o.Refused
}

// Tally adds up usages. Its Count method is a meter for Options. The zero value is ready;
// it is safe for concurrent use.
type Tally struct {
	mu   sync.Mutex // guards sums
	sums map[Call]Sum
}

// Count adds one call.
func (t *Tally) Count(u Usage) {
	one := Sum{Calls: 1, ReadUnits: u.ReadUnits, WriteUnits: u.WriteUnits, Repeats: u.Repeats, Throttled: u.Throttled}
	if u.Refused {
		one.Refused = 1
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sums == nil {
		t.sums = make(map[Call]Sum)
	}
	s := t.sums[u.Call]
	s.add(one)
	t.sums[u.Call] = s
}

// Sums are the sums so far, by kind. The caller owns the map.
func (t *Tally) Sums() map[Call]Sum {
	t.mu.Lock()
	defer t.mu.Unlock()
	sums := make(map[Call]Sum, len(t.sums))
	maps.Copy(sums, t.sums)
	return sums
}

// Total is the sum over all kinds so far.
func (t *Tally) Total() Sum {
	var total Sum
	for _, s := range t.Sums() {
		total.add(s)
	}
	return total
}

// Reset forgets everything and returns what there was, so that consecutive counts lose
// and double nothing.
func (t *Tally) Reset() map[Call]Sum {
	t.mu.Lock()
	defer t.mu.Unlock()
	sums := t.sums
	t.sums = nil
	return sums
}

// String is a table with a line a kind and one for all.
func (t *Tally) String() string {
	sums := t.Sums()
	var total Sum
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, s Sum) {
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%d\t%d\t%d\t\n", name, s.Calls, s.ReadUnits, s.WriteUnits, s.Refused, s.Repeats, s.Throttled)
	}
	fmt.Fprintln(w, "call\tcalls\tread units\twrite units\trefused\trepeats\tthrottled\t")
	for _, call := range slices.SortedFunc(maps.Keys(sums), cmp.Compare[Call]) {
		total.add(sums[call])
		line(string(call), sums[call])
	}
	line("total", total)
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

package cost

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"muster"
	"muster/store/memory"
)

// bill is capacity in DynamoDB's units.
type bill struct{ Reads, Writes float64 }

func (b bill) plus(o bill) bill  { return bill{b.Reads + o.Reads, b.Writes + o.Writes} }
func (b bill) minus(o bill) bill { return bill{b.Reads - o.Reads, b.Writes - o.Writes} }
func (b bill) each(n int) bill   { return bill{b.Reads / float64(n), b.Writes / float64(n)} }

func (b bill) times(n int) bill { return bill{b.Reads * float64(n), b.Writes * float64(n)} }

func units(bytes, block int) (n float64) { return float64(max(1, (bytes+block-1)/block)) }

// Sizes of what one unit pays for, in bytes. Source: DynamoDB Developer Guide, "Read/write
// capacity mode".
const (
	writeBlock = 1024
	readBlock  = 4096 // strongly consistent
)

// metered is a store that knows what it has cost.
type metered interface {
	muster.Store
	total() bill
}

// meter counts what its calls would cost in DynamoDB, as package dynamo makes them: a
// Write of one op is a put or a delete, one of several a transaction at twice the price.
type meter struct {
	*memory.Store
	// asLocal counts as DynamoDB Local reports, which differs in two things: a list that is
	// empty costs nothing, and a transaction costs twice the sum of the different amounts
	// that its records cost. Ten records of less than a kilobyte are 4 units, not 20.
	asLocal bool

	mu      sync.Mutex // guards what follows
	spent   bill
	refused int // writes whose versions did not hold; DynamoDB charges them, too
}

func newMeter(now func() time.Time) *meter { return &meter{Store: memory.New(now)} }

func (m *meter) total() bill {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spent
}

func (m *meter) add(b bill) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spent = m.spent.plus(b)
}

func (m *meter) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	rec, err := m.Store.Get(ctx, key)
	m.add(bill{Reads: units(itemBytes(rec), readBlock)})
	return rec, err
}

func (m *meter) List(ctx context.Context, partition string, opts muster.ListOptions) ([]muster.Record, error) {
	records, err := m.Store.List(ctx, partition, opts)
	bytes := 0
	for _, rec := range records {
		bytes += itemBytes(rec)
	}
	if len(records) > 0 || !m.asLocal {
		m.add(bill{Reads: units(bytes, readBlock)})
	}
	return records, err
}

func (m *meter) Write(ctx context.Context, ops ...muster.Op) error {
	var cost bill
	amounts := make(map[float64]bool)
	for _, op := range ops {
		size := m.size(ctx, op.Key)
		if op.Kind == muster.Put {
			size = max(size, itemBytes(muster.Record{Key: op.Key, Value: op.Value, Version: max(1, op.Version+1), ExpiresAt: op.ExpiresAt}))
		}
		switch {
		case len(ops) > 1 && m.asLocal:
			if amount := 2 * units(size, writeBlock); !amounts[amount] {
				cost.Writes, amounts[amount] = cost.Writes+2*amount, true
			}
		case len(ops) > 1:
			cost.Writes += 2 * units(size, writeBlock)
		case op.Kind == muster.Check:
			cost.Reads += units(size, readBlock)
		default:
			cost.Writes += units(size, writeBlock)
		}
	}
	err := m.Store.Write(ctx, ops...)
	if errors.Is(err, muster.ErrConflict) {
		m.mu.Lock()
		m.refused++
		m.mu.Unlock()
	}
	m.add(cost)
	return err
}

// size is that of the item at key; 0: there is none.
func (m *meter) size(ctx context.Context, key muster.Key) int {
	rec, err := m.Store.Get(ctx, key)
	if err != nil {
		return 0
	}
	return itemBytes(rec)
}

// itemBytes is the size of a record as the item that package dynamo makes of it: names
// and values of its attributes. Source: DynamoDB Developer Guide, "DynamoDB item sizes and
// formats".
func itemBytes(r muster.Record) int {
	if r.Partition == "" {
		return 0
	}
	size := len("PK") + len(r.Partition) + len("SK") + len(r.Sort) + len("d") + len(r.Value) + len("v") + numberBytes(r.Version) + len("w") + 8
	if !r.ExpiresAt.IsZero() {
		size += len("ttl") + numberBytes(r.ExpiresAt.Unix())
	}
	return size
}

// numberBytes is the size of a whole number: a byte for two significant digits, and one.
func numberBytes(n int64) int {
	digits := strings.TrimRight(strconv.FormatInt(n, 10), "0")
	return (len(digits)+1)/2 + 1
}

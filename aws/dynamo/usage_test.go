package dynamo

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

func TestATallyAddsUp(t *testing.T) {
	var tally Tally
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			tally.Count(Usage{Call: CallGet, ReadUnits: 0.5})
			tally.Count(Usage{Call: CallTransaction, ReadUnits: 1, WriteUnits: 4, Repeats: 2, Throttled: 1, Refused: true})
		})
	}
	wg.Wait()
	want := map[Call]Sum{
		CallGet:         {Calls: 10, ReadUnits: 5},
		CallTransaction: {Calls: 10, ReadUnits: 10, WriteUnits: 40, Repeats: 20, Throttled: 10, Refused: 10},
	}
	if got := tally.Sums(); !maps.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	if got, want := tally.Total(), (Sum{Calls: 20, ReadUnits: 15, WriteUnits: 40, Repeats: 20, Throttled: 10, Refused: 10}); got != want {
		t.Errorf("in total: got %+v, want %+v", got, want)
	}
	const table = `
         call  calls  read units  write units  refused  repeats  throttled
          get     10         5.0          0.0        0        0          0
  transaction     10        10.0         40.0       10       20         10
        total     20        15.0         40.0       10       20         10
`
	if got := "\n" + tally.String(); got != table {
		t.Errorf("got%s\nwant%s", got, table)
	}
	if got := tally.Reset(); !maps.Equal(got, want) || tally.Total() != (Sum{}) {
		t.Errorf("reset returned %+v and left %+v", got, tally.Total())
	}
}

// What docs/dynamodb.md says of prices, by DynamoDB Local's own count.
func TestCallsCostWhatTheyShould(t *testing.T) {
	ctx := context.Background()
	o := localOptions(t)
	var tally Tally
	o.Meter = tally.Count
	s := openLocal(t, o)
	at := func(sort string) muster.Key { return muster.Key{Partition: "p", Sort: sort} }
	for _, test := range []struct {
		name        string
		do          func() error
		call        Call
		read, write float64
	}{
		{"a small record written alone", func() error { return s.Write(ctx, muster.Op{Key: at("a"), Value: make([]byte, 900)}) }, CallWrite, 0, 1},
		{"and over any version", func() error { return s.Write(ctx, muster.Op{Key: at("a"), Version: muster.AnyVersion}) }, CallWrite, 0, 1},
		{"a record of 3 kB", func() error { return s.Write(ctx, muster.Op{Key: at("large"), Value: make([]byte, 3000)}) }, CallWrite, 0, 3},
		{"two small records at once", func() error { return s.Write(ctx, muster.Op{Key: at("b")}, muster.Op{Key: at("c")}) }, CallTransaction, 0, 4},
		{"one of which only asserts", func() error {
			return s.Write(ctx, muster.Op{Key: at("d")}, muster.Op{Kind: muster.Check, Key: at("b"), Version: 1})
		}, CallTransaction, 0, 4},
		{"an assertion alone", func() error { return s.Write(ctx, muster.Op{Kind: muster.Check, Key: at("b"), Version: 1}) }, CallCheck, 1, 0},
		{"a delete", func() error { return s.Write(ctx, muster.Op{Kind: muster.Delete, Key: at("d"), Version: 1}) }, CallWrite, 0, 1},
		{"a small record read", func() error { _, err := s.Get(ctx, at("a")); return err }, CallGet, 1, 0},
		{"four small records listed", func() error { _, err := s.List(ctx, "p", muster.ListOptions{}); return err }, CallList, 1, 0},
		{"a batch of two", func() error {
			return s.Load(ctx, []muster.Record{{Key: at("e"), Version: 1}, {Key: at("f"), Version: 1}})
		}, CallLoad, 0, 2},
	} {
		tally.Reset()
		if err := test.do(); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		want := map[Call]Sum{test.call: {Calls: 1, ReadUnits: test.read, WriteUnits: test.write}}
		if got := tally.Sums(); !maps.Equal(got, want) {
			t.Errorf("%s: cost %+v, want %+v", test.name, got, want)
		}
	}
	tally.Reset()
	if err := s.Write(ctx, muster.Op{Key: at("a")}); muster.KindOf(err) != muster.Conflict {
		t.Fatal(err)
	}
	if got := tally.Total(); got.Refused != 1 || got.Calls != 1 {
		t.Errorf("a refusal is counted as %+v", got)
	}
}

// deaf loses the answer to the first request of each kind that is listed, after it was
// carried out.
type deaf struct {
	inner http.RoundTripper

	mu   sync.Mutex // guards lose
	lose map[string]bool
}

func (d *deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	d.mu.Lock()
	lose := d.lose[operation]
	delete(d.lose, operation)
	d.mu.Unlock()
	answer, err := d.inner.RoundTrip(r)
	if err != nil || !lose {
		return answer, err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

func TestAWriteWhoseAnswerIsLostHasHappenedOnce(t *testing.T) {
	ctx := context.Background()
	o := localOptions(t)
	openLocal(t, o)
	ear := &deaf{inner: o.HTTPClient.Transport, lose: map[string]bool{}}
	o.HTTPClient = &http.Client{Transport: ear}
	var tally Tally
	o.Meter = tally.Count
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	a, b := muster.Key{Partition: "p", Sort: "a"}, muster.Key{Partition: "p", Sort: "b"}
	for i, test := range []struct {
		lost string
		ops  []muster.Op
		a, b int64 // versions afterwards; 0: absent
	}{
		{"PutItem", []muster.Op{{Key: a}}, 1, 0},
		{"PutItem", []muster.Op{{Key: a, Version: 1}}, 2, 0},
		{"UpdateItem", []muster.Op{{Key: a, Version: muster.AnyVersion}}, 3, 0},
		{"UpdateItem", []muster.Op{{Key: b, Version: muster.AnyVersion}}, 3, 1},
		{"TransactWriteItems", []muster.Op{{Key: a, Version: 3}, {Key: b, Version: muster.AnyVersion}}, 4, 2},
		{"TransactWriteItems", []muster.Op{{Kind: muster.Delete, Key: a, Version: 4}, {Key: b, Version: 2}}, 0, 3},
		{"DeleteItem", []muster.Op{{Kind: muster.Delete, Key: b, Version: muster.AnyVersion}}, 0, 0},
	} {
		ear.mu.Lock()
		ear.lose = map[string]bool{test.lost: true}
		ear.mu.Unlock()
		tally.Reset()
		if err := s.Write(ctx, test.ops...); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
		if got := tally.Total().Repeats; got != 1 {
			t.Errorf("write %d: %d repeats, want 1", i, got)
		}
		for k, want := range map[muster.Key]int64{a: test.a, b: test.b} {
			if r, err := s.Get(ctx, k); r.Version != want || err != nil && want > 0 {
				t.Errorf("write %d: %v is at version %d with error %v, want %d", i, k, r.Version, err, want)
			}
		}
	}
}

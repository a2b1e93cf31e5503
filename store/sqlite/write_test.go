package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

// heldClock counts how often the writer asks for the time, which it does once in each
// transaction, and makes it wait while it is held.
type heldClock struct {
	mu    sync.Mutex // held: the writer waits inside a transaction
	calls atomic.Int64
}

func (c *heldClock) Now() time.Time {
	c.calls.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(1_800_000_000, 0)
}

func openInternal(t *testing.T, now func() time.Time) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{Path: filepath.Join(t.TempDir(), "muster.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func putOf(sort string, size int, version int64) muster.Op {
	return muster.Op{Key: muster.Key{Partition: "p", Sort: sort}, Value: make([]byte, size), Version: version}
}

// until waits for a condition that other goroutines bring about.
func until(condition func() bool) {
	for !condition() {
		runtime.Gosched()
	}
}

// busy makes the writer wait inside the transaction of a Write; release lets it go on
// and returns what became of that Write.
func busy(t *testing.T, s *Store, clock *heldClock) (release func() error) {
	t.Helper()
	clock.mu.Lock()
	before := clock.calls.Load()
	first := make(chan error, 1)
	go func() { first <- s.Write(context.Background(), putOf("first", 1, 0)) }()
	until(func() bool { return clock.calls.Load() > before })
	return func() error {
		clock.mu.Unlock()
		return <-first
	}
}

func TestWritesThatWaitTogetherShareATransaction(t *testing.T) {
	clock := &heldClock{}
	s := openInternal(t, clock.Now)
	if err := s.Write(context.Background(), putOf("taken", 1, 0)); err != nil {
		t.Fatal(err)
	}
	release := busy(t, s, clock)
	const clients = 64
	var wg sync.WaitGroup
	errs := make([]error, clients)
	for i := range clients {
		wg.Go(func() {
			ops := []muster.Op{putOf(fmt.Sprint("own ", i), 1, 0)}
			if i%4 == 0 {
				ops = append(ops, putOf("taken", 1, 0)) // a conflict
			}
			errs[i] = s.Write(context.Background(), ops...)
		})
	}
	until(func() bool { return len(s.writer.queue) == clients })
	before := clock.calls.Load()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if n := clock.calls.Load() - before; n != 1 {
		t.Errorf("%d transactions, want 1", n)
	}
	for i, err := range errs {
		conflict := i%4 == 0
		if errors.Is(err, muster.ErrConflict) != conflict || !conflict && err != nil {
			t.Errorf("client %d: got error %v, should it conflict: %v", i, err, conflict)
		}
		_, err := s.Get(context.Background(), muster.Key{Partition: "p", Sort: fmt.Sprint("own ", i)})
		if found := err == nil; found == conflict {
			t.Errorf("client %d: its record is there: %v, should its write conflict: %v", i, found, conflict)
		}
	}
}

// Later Writes of one transaction see what earlier ones of it did.
func TestWritesOfOneTransactionConflictWithEachOther(t *testing.T) {
	clock := &heldClock{}
	s := openInternal(t, clock.Now)
	release := busy(t, s, clock)
	var wg sync.WaitGroup
	var won, lost atomic.Int64
	const clients = 20
	for range clients {
		wg.Go(func() {
			switch err := s.Write(context.Background(), putOf("lock", 1, 0)); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, muster.ErrConflict):
				lost.Add(1)
			}
		})
	}
	until(func() bool { return len(s.writer.queue) == clients })
	if err := release(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != clients-1 {
		t.Errorf("%d won and %d lost, want 1 and %d", won.Load(), lost.Load(), clients-1)
	}
}

func TestAWriteThatWaitsCanBeWithdrawn(t *testing.T) {
	clock := &heldClock{}
	s := openInternal(t, clock.Now)
	release := busy(t, s, clock)
	ctx, cancel := context.WithCancel(context.Background())
	second := make(chan error, 1)
	go func() { second <- s.Write(ctx, putOf("second", 1, 0)) }()
	until(func() bool { return len(s.writer.queue) == 1 })
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("the second write: got error %v, want context.Canceled", err)
	}
	if err := release(); err != nil {
		t.Errorf("the first write: %v", err)
	}
	if err := s.Write(context.Background(), putOf("second", 1, 0)); err != nil {
		t.Errorf("the second record is there although it was withdrawn: %v", err)
	}
}

func TestAWriteThatHasBegunReportsItsOutcome(t *testing.T) {
	clock := &heldClock{}
	s := openInternal(t, clock.Now)
	ctx, cancel := context.WithCancel(context.Background())
	clock.mu.Lock()
	outcome := make(chan error, 1)
	go func() { outcome <- s.Write(ctx, putOf("s", 1, 0)) }()
	until(func() bool { return clock.calls.Load() > 0 })
	cancel()
	clock.mu.Unlock()
	if err := <-outcome; err != nil {
		t.Errorf("got error %v, want the outcome: nil", err)
	}
}

func TestABatchIsBounded(t *testing.T) {
	w := &writer{queue: make(chan *request, queueLength)}
	large := []muster.Op{putOf("s", batchMaxBytes/4, 0)}
	for range 9 {
		w.queue <- &request{ops: large}
	}
	if n := len(w.gather(<-w.queue)); n != 4 {
		t.Errorf("a batch of large writes has %d, want 4", n)
	}
	for range 2 * batchMaxWrites {
		w.queue <- &request{ops: []muster.Op{putOf("s", 1, 0)}}
	}
	for range 5 {
		<-w.queue // the rest of the large ones
	}
	if n := len(w.gather(<-w.queue)); n != batchMaxWrites {
		t.Errorf("a batch has %d writes, want %d", n, batchMaxWrites)
	}
}

func TestAFullDiskFailsOnlyWhatDoesNotFit(t *testing.T) {
	clock := &heldClock{}
	s := openInternal(t, clock.Now)
	ctx := context.Background()
	limit := func(pages int) {
		t.Helper()
		if err := s.writer.conn.exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(40) // 160 kB

	release := busy(t, s, clock)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			size := 1000
			if i == 3 {
				size = 300_000
			}
			errs[i] = s.Write(ctx, putOf(fmt.Sprintf("small %d", i), 10, 0), putOf(fmt.Sprint(i), size, 0))
		})
	}
	until(func() bool { return len(s.writer.queue) == len(errs) })
	if err := release(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	for i, err := range errs {
		if i != 3 && err != nil {
			t.Errorf("write %d fits and fails: %v", i, err)
		}
	}
	if muster.KindOf(errs[3]) != muster.Unavailable {
		t.Errorf("the large write: got error %v, want kind unavailable", errs[3])
	}
	records, err := s.List(ctx, "p", muster.ListOptions{})
	if err != nil || len(records) != 11 { // two for each of five writes, and the first
		t.Errorf("%d records and error %v, want 11: a write happened by half", len(records), err)
	}

	limit(400)
	if err := s.Write(ctx, putOf("small 3", 10, 0), putOf("3", 300_000, 0)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestWhatExpiresMakesRoomOnAFullDisk(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := openInternal(t, func() time.Time { return now })
	ctx := context.Background()
	if err := s.writer.conn.exec(ctx, "PRAGMA max_page_count = 40"); err != nil {
		t.Fatal(err)
	}
	op := putOf("old", 120_000, 0)
	op.ExpiresAt = now.Add(time.Minute)
	if err := s.Write(ctx, op); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(ctx, putOf("new", 120_000, 0)); muster.KindOf(err) != muster.Unavailable {
		t.Fatalf("got error %v, want a full disk", err)
	}
	now = now.Add(time.Minute)
	if err := s.Write(ctx, putOf("new", 120_000, 0)); err != nil {
		t.Fatalf("after the old record expired: %v", err)
	}
}

func TestExpiredRecordsLeaveTheFileAsOthersAreWritten(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := openInternal(t, func() time.Time { return now })
	ctx := context.Background()
	write := func(sort string, expiresAt time.Time) {
		t.Helper()
		op := putOf(sort, 1, muster.AnyVersion)
		op.ExpiresAt = expiresAt
		if err := s.Write(ctx, op); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int {
		t.Helper()
		n, err := s.readers.all[0].conn.number(ctx, "SELECT count(*) FROM record")
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
	const old = 2 * sweepEachCommit
	for i := range old {
		write(fmt.Sprint("old ", i), now.Add(time.Minute))
	}
	write("kept", now.Add(time.Hour))
	now = now.Add(time.Minute)
	for i, want := range []int{old + 1 - sweepEachCommit, 1, 1} {
		write("kept", now.Add(time.Hour))
		if got := count(); got != want {
			t.Errorf("after write %d the file holds %d records, want %d", i, got, want)
		}
	}
}

func TestErrorsOfTheDiskAreUnavailableAndKeepTheirDetailToTheLog(t *testing.T) {
	s := openInternal(t, time.Now)
	if err := s.writer.conn.exec(context.Background(), "PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	err := s.Write(context.Background(), putOf("s", 1, 0))
	var e *muster.Error
	if !errors.As(err, &e) || e.Kind != muster.Unavailable || e.Message != "the store cannot be written" || e.Err == nil {
		t.Errorf("got error %v", err)
	}
}

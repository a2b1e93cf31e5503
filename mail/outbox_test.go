package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
	"muster/store/memory"
)

// office is an outbox over a store in memory, with a sender that does as it is told.
type office struct {
	store  muster.Store
	outbox *Outbox
	sender *desk
}

// desk is a sender that remembers, and fails with fault.
type desk struct {
	mu    sync.Mutex // guards what follows
	sent  []Message
	tries int
	fault error // nil: it sends
}

func (d *desk) Send(_ context.Context, m Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.fault != nil {
		return d.fault
	}
	d.sent = append(d.sent, m)
	return nil
}

func (d *desk) all() []Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Message(nil), d.sent...)
}

// failWith has sends fail from now on, or succeed with nil, and counts tries anew.
func (d *desk) failWith(fault error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.tries = fault, 0
}

func (d *desk) tried() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tries
}

func newOffice(t *testing.T, store muster.Store) *office {
	t.Helper()
	templates, err := NewTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	ids := 0
	o := &office{store: store, sender: &desk{}}
	o.outbox = NewOutbox(OutboxOptions{
		Store: store, Sender: o.sender, Templates: templates, Game: "Tower Clash",
		Reveal: func(ref string) (string, string, error) {
			return "CODE-" + ref, "https://game.example/#" + ref, nil
		},
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
		NewID: func() string {
			mu.Lock()
			defer mu.Unlock()
			ids++
			return fmt.Sprintf("letter-%d", ids)
		},
	})
	return o
}

// post makes a letter durable; sent says whether the replica lives to hand it on.
func (o *office) post(t *testing.T, l Letter, sent bool) {
	t.Helper()
	op, send, err := o.outbox.Post(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.store.Write(context.Background(), op); err != nil {
		t.Fatal(err)
	}
	if sent {
		send()
	}
}

func (o *office) waiting(t *testing.T) (n int) {
	t.Helper()
	for shard := range shards {
		records, err := o.store.List(context.Background(), partition(shard), muster.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n += len(records)
	}
	return n
}

// running runs outboxes in a bubble of simulated time until check has returned.
func running(t *testing.T, check func(t *testing.T, start func(*office))) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		check(t, func(o *office) { wg.Go(func() { _ = o.outbox.Run(ctx) }) }) // Run has no error
		cancel()
		wg.Wait()
	})
}

func confirmation(to string) Letter {
	return Letter{To: to, About: ConfirmAddress, Ref: "1234", Until: time.Now().Add(time.Hour)}
}

func TestALetterIsSentAtOnceAndForgotten(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		start(o)
		o.post(t, confirmation("ann@example.com"), true)
		synctest.Wait()
		all := o.sender.all()
		if len(all) != 1 || all[0].To != "ann@example.com" || !strings.Contains(all[0].Text, "CODE-1234") ||
			!strings.Contains(all[0].Text, "https://game.example/#1234") || !strings.Contains(all[0].Text, "60 minutes") {
			t.Errorf("sent: %+v", all)
		}
		if n := o.waiting(t); n != 0 {
			t.Errorf("%d letters are kept", n)
		}
	})
}

func TestALetterToNobodyIsForgotten(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		start(o)
		o.post(t, confirmation(""), true)
		synctest.Wait()
		if len(o.sender.all()) != 0 || o.waiting(t) != 0 {
			t.Errorf("sent %d, kept %d", len(o.sender.all()), o.waiting(t))
		}
	})
}

func TestALetterOutlivesItsReplica(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		store := memory.New(time.Now)
		newOffice(t, store).post(t, confirmation("ann@example.com"), false) // it dies here
		other, third := newOffice(t, store), newOffice(t, store)
		start(other)
		start(third)
		time.Sleep(leaseFor + 2*sweepEvery)
		synctest.Wait()
		if n := len(other.sender.all()) + len(third.sender.all()); n != 1 || other.waiting(t) != 0 {
			t.Errorf("sent %d times, %d kept", n, other.waiting(t))
		}
	})
}

func TestAServerThatIsDownIsTriedAgainUntilTheLetterIsWorthless(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		down := errors.New("connection refused")
		o.sender.failWith(down)
		start(o)
		o.post(t, confirmation("ann@example.com"), true)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if tries := o.sender.tried(); tries < 4 || tries > 12 {
			t.Errorf("%d tries in 20 minutes", tries)
		}
		o.sender.failWith(nil)
		time.Sleep(retryMost + sweepEvery)
		synctest.Wait()
		if len(o.sender.all()) != 1 || o.waiting(t) != 0 {
			t.Errorf("sent %d, kept %d", len(o.sender.all()), o.waiting(t))
		}
		o.sender.failWith(down)
		o.post(t, confirmation("bob@example.com"), true)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if tries := o.sender.tried(); tries > 15 || o.waiting(t) != 0 {
			t.Errorf("%d tries, %d kept after it is worthless", tries, o.waiting(t))
		}
	})
}

func TestARefusalIsFinal(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		o.sender.failWith(fmt.Errorf("no such mailbox: %w", ErrRefused))
		start(o)
		o.post(t, confirmation("ann@example.com"), true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if tries := o.sender.tried(); tries != 1 || o.waiting(t) != 0 {
			t.Errorf("%d tries, %d kept", tries, o.waiting(t))
		}
	})
}

func TestTooManyLettersAreRefusedUntilThereIsRoom(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		o.sender.failWith(errors.New("connection refused"))
		start(o)
		synctest.Wait() // the first look for letters is over: the next is when time passes
		for i := range 2 * shards * maxPerShard {
			op, _, err := o.outbox.Post(confirmation(fmt.Sprintf("p%d@example.com", i)))
			if err != nil {
				t.Fatal(err)
			}
			if err := o.store.Write(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * sweepEvery)
		synctest.Wait()
		_, _, err := o.outbox.Post(confirmation("ann@example.com"))
		var refused *muster.Error
		if !errors.As(err, &refused) || refused.Code != "mail.crowded" || refused.Kind != muster.Unavailable {
			t.Errorf("a letter too many: %v", err)
		}
		time.Sleep(time.Hour) // all are worthless
		synctest.Wait()
		if _, _, err := o.outbox.Post(confirmation("ann@example.com")); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}

func TestNoSecretStandsInWhatIsKept(t *testing.T) {
	o := newOffice(t, memory.New(time.Now))
	o.post(t, confirmation("ann@example.com"), false)
	for shard := range shards {
		records, err := o.store.List(context.Background(), partition(shard), muster.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			if strings.Contains(string(rec.Value), "CODE") || strings.Contains(rec.Sort, "ann") {
				t.Errorf("%s: %s", rec.Sort, rec.Value)
			}
		}
	}
}

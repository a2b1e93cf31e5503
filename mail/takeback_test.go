package mail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"muster"
	"muster/store/memory"
)

// addressees lists to whom letters wait, in order.
func (o *office) addressees(t *testing.T) []string {
	t.Helper()
	var all []string
	for shard := range shards {
		records, err := o.store.List(context.Background(), partition(shard), muster.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			letter, err := letterOf(rec)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, letter.To)
		}
	}
	slices.Sort(all)
	return all
}

func TestLettersOfWhoIsGoneAreTakenBack(t *testing.T) {
	ann, address := muster.MailOfPlayer("p-ann"), muster.MailOfAddress("ann@example.com")
	for name, c := range map[string]struct {
		owner  muster.MailOwner
		before time.Duration // after the first letters; zero: all
		left   []string
	}{
		"a player's, whatever address they go to":      {ann, 0, []string{"ann@example.com", "bob@example.com", "late@example.com"}},
		"those to an address, whosever they are":       {address, 0, []string{"bob@example.com", "late@example.com", "old@example.com"}},
		"those to an address that were there before":   {address, time.Minute, []string{"bob@example.com", "late@example.com", "old@example.com"}},
		"none of an address that all came later":       {muster.MailOfAddress("late@example.com"), time.Minute, []string{"ann@example.com", "ann@example.com", "bob@example.com", "late@example.com", "old@example.com"}},
		"all of an address, those that came later too": {muster.MailOfAddress("late@example.com"), 0, []string{"ann@example.com", "ann@example.com", "bob@example.com", "old@example.com"}},
		"none of somebody to whom nobody ever wrote":   {muster.MailOfPlayer("nobody"), 0, []string{"ann@example.com", "ann@example.com", "bob@example.com", "late@example.com", "old@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, memory.New(time.Now))
				start := time.Now()
				for _, l := range []Letter{
					{To: "ann@example.com", Owner: ann, Room: Notices},
					{To: "old@example.com", Owner: ann, Room: Notices},
					{To: "ann@example.com", Room: SignUps}, // of a version that named no owner
					{To: "bob@example.com", Owner: muster.MailOfPlayer("p-bob"), Room: Codes},
				} {
					l.About, l.Until = ConfirmAddress, start.Add(time.Hour)
					o.post(t, l, false)
				}
				time.Sleep(2 * time.Minute)
				o.post(t, Letter{To: "late@example.com", About: ConfirmAddress, Until: start.Add(time.Hour)}, false)
				var before time.Time
				if c.before > 0 {
					before = start.Add(c.before)
				}
				for range 2 { // it may be repeated
					if err := o.outbox.TakeBack(t.Context(), c.owner, before); err != nil {
						t.Fatal(err)
					}
				}
				if left := o.addressees(t); !slices.Equal(left, c.left) {
					t.Errorf("left are those to %q, want %q", left, c.left)
				}
			})
		})
	}
}

func TestManyLettersAreTakenBack(t *testing.T) {
	o := newOffice(t, memory.New(time.Now))
	ann := muster.MailOfPlayer("p-ann")
	for i := range 3 * maxPerShard {
		l := letterIn(Notices, fmt.Sprintf("p%d@example.com", i))
		if i%2 == 0 {
			l.Owner = ann
		}
		o.post(t, l, false)
	}
	if err := o.outbox.TakeBack(t.Context(), ann, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n := o.waiting(t); n != 3*maxPerShard/2 {
		t.Errorf("%d letters wait", n)
	}
}

func TestALetterThatCannotBeReadKeepsNoOtherFromBeingTakenBack(t *testing.T) {
	o := newOffice(t, memory.New(time.Now))
	ann := muster.MailOfPlayer("p-ann")
	for shard := range shards {
		broken := muster.Op{Kind: muster.Put, Key: muster.Key{Partition: partition(shard), Sort: "0"}, Value: []byte("{"), ExpiresAt: time.Now().Add(time.Hour)}
		if err := o.store.Write(t.Context(), broken); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		l := letterIn(Notices, fmt.Sprintf("p%d@example.com", i))
		l.Owner = ann
		o.post(t, l, false)
	}
	if err := o.outbox.TakeBack(t.Context(), ann, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n := o.waiting(t); n != shards { // the broken ones, until they expire
		t.Errorf("%d letters wait, want %d", n, shards)
	}
}

// A letter that is taken back while it is tried is not kept for another try.
func TestALetterThatIsTakenBackIsNotTriedAgain(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		o.sender.failWith(errors.New("connection refused"))
		start(o)
		l := confirmation("ann@example.com")
		o.post(t, l, true)
		synctest.Wait()
		if tries := o.sender.tried(); tries != 1 {
			t.Fatalf("%d tries", tries)
		}
		if err := o.outbox.TakeBack(t.Context(), muster.MailOfAddress("ann@example.com"), time.Time{}); err != nil {
			t.Fatal(err)
		}
		o.sender.failWith(nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		if tries := o.sender.tried(); tries != 0 || o.waiting(t) != 0 {
			t.Errorf("%d further tries, %d kept", tries, o.waiting(t))
		}
	})
}

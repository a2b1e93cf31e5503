package mail

import (
	"context"
	"fmt"
	"net"
	"net/mail"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster"
	"muster/store/memory"
)

// silentDesk is a server of mails that takes connections and never answers, and remembers
// what it was to send.
type silentDesk struct {
	mu    sync.Mutex
	asked []Message // guarded by mu
}

func (d *silentDesk) Send(ctx context.Context, m Message) error {
	d.mu.Lock()
	d.asked = append(d.asked, m)
	d.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (d *silentDesk) askedFor(to string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.asked {
		if m.To == to {
			return true
		}
	}
	return false
}

// letterIn is a letter of a room.
func letterIn(room Room, to string) Letter {
	l := confirmation(to)
	l.Room = room
	return l
}

// wantRooms fails unless exactly the rooms that are named take letters.
func wantRooms(t *testing.T, o *Outbox, open ...Room) {
	t.Helper()
	takes := map[Room]bool{}
	for _, room := range open {
		takes[room] = true
	}
	for room := range numRooms {
		for _, to := range []string{"ann@example.com", ""} { // whether it is for somebody or for nobody
			_, _, err := o.Post(letterIn(room, to))
			if refused := muster.KindOf(err) == muster.Unavailable && err != nil; refused == takes[room] {
				t.Errorf("room %d takes a letter to %q: %v, want %v", room, to, err == nil, takes[room])
			}
		}
	}
}

// With a server that is down nothing leaves. Whoever registers fills half of the outbox, and
// neither resets nor notices.
func TestSignUpsThatCannotBeSentCrowdOutNothingElse(t *testing.T) {
	ctx := context.Background()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	down, err := NewSMTP(SMTPOptions{Address: closed.Addr().String(), Security: Insecure, From: mail.Address{Address: "no-reply@game.example"}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, memory.New(time.Now))
	o.outbox.o.Sender = down
	fill := func(room Room) {
		for i := range 2 * maxPerShard * len(shardsOf[room]) {
			o.post(t, letterIn(room, fmt.Sprintf("p%d@example.com", i)), true)
		}
		for _, in := range o.outbox.rooms {
			if err := o.outbox.sweep(ctx, in); err != nil {
				t.Fatal(err)
			}
		}
		h, _ := o.outbox.next(ctx)
		if err := o.outbox.deliver(ctx, h); err != nil { // it fails, and is noted to be tried again
			t.Fatal(err)
		}
	}
	fill(SignUps)
	wantRooms(t, o.outbox, Codes, Notices)
	fill(Codes)
	wantRooms(t, o.outbox, Notices)
	fill(Notices)
	wantRooms(t, o.outbox)
}

func TestANoticeWaitsForOneTryOfASignUpAtMost(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		server := &silentDesk{}
		o.outbox.o.Sender = server
		start(o)
		for i := range 200 {
			o.post(t, letterIn(SignUps, fmt.Sprintf("p%d@example.com", i)), true)
		}
		time.Sleep(3 * sweepEvery)
		o.post(t, letterIn(Codes, "bob@example.com"), true)
		o.post(t, letterIn(Notices, "ann@example.com"), true)
		time.Sleep(sendWithin)
		synctest.Wait()
		if !server.askedFor("ann@example.com") || !server.askedFor("bob@example.com") {
			t.Error("two hundred sign-ups go before a notice or a code")
		}
	})
}

func TestHowManyWaitIsKnownWhileTheServerIsSilent(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		o.outbox.o.Sender = &silentDesk{}
		start(o)
		synctest.Wait()
		for i := range 2 * maxPerShard * len(shardsOf[SignUps]) {
			o.post(t, letterIn(SignUps, fmt.Sprintf("p%d@example.com", i)), false)
		}
		time.Sleep(leaseFor + 2*sweepEvery) // they are taken over, far more than are sent
		synctest.Wait()
		wantRooms(t, o.outbox, Codes, Notices)
		time.Sleep(time.Hour) // all are worthless
		synctest.Wait()
		wantRooms(t, o.outbox, SignUps, Codes, Notices)
	})
}

func TestLettersToNobodyTakeNoRoomAndOneChangeLikeOthers(t *testing.T) {
	running(t, func(t *testing.T, start func(*office)) {
		o := newOffice(t, memory.New(time.Now))
		o.outbox.o.Sender = &silentDesk{}
		start(o)
		for i := range 2 * shards * maxPerShard {
			o.post(t, letterIn(Room(i%int(numRooms)), ""), true)
		}
		time.Sleep(2 * sweepEvery)
		synctest.Wait()
		wantRooms(t, o.outbox, SignUps, Codes, Notices)
		if n := o.waiting(t); n != 0 {
			t.Errorf("%d letters to nobody wait", n)
		}
		op, _, err := o.outbox.Post(letterIn(Codes, ""))
		if err != nil || op.Kind != muster.Put || op.ExpiresAt.After(time.Now().Add(leaseFor+2*time.Second)) {
			t.Errorf("a letter to nobody: %+v, %v", op, err)
		}
	})
}

package mail

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"muster/store/memory"
)

// leaving is an office whose letters are left to rounds, and one that makes the rounds.
func leaving(t *testing.T) (posts, rounds *office) {
	t.Helper()
	store := memory.New(time.Now)
	posts, rounds = newOffice(t, store), newOffice(t, store)
	posts.outbox.o.Leave = true
	return posts, rounds
}

func TestARoundSendsWhatWasLeftToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		posts, rounds := leaving(t)
		for range 5 {
			posts.post(t, Letter{To: "ann@game.example", About: ResetPassword, Ref: "1", Until: time.Now().Add(time.Hour)}, true)
		}
		posts.post(t, Letter{About: ResetPassword, Until: time.Now().Add(time.Hour)}, true) // to nobody
		if err := rounds.outbox.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sent := rounds.sender.all(); len(sent) != 5 {
			t.Errorf("%d letters were sent, want 5", len(sent))
		}
		if n := posts.waiting(t); n != 0 {
			t.Errorf("%d letters wait", n)
		}
		if err := rounds.outbox.Round(t.Context()); err != nil || len(rounds.sender.all()) != 5 {
			t.Errorf("another round: %v, %d letters", err, len(rounds.sender.all()))
		}
	})
}

func TestARoundTriesAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		posts, rounds := leaving(t)
		rounds.sender.failWith(errors.New("down"))
		posts.post(t, Letter{To: "ann@game.example", About: ResetPassword, Ref: "1", Until: time.Now().Add(time.Hour)}, true)
		for _, want := range []int{1, 1} { // the second comes too early
			if err := rounds.outbox.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := rounds.sender.tried(); got != want {
				t.Errorf("tried %d times, want %d", got, want)
			}
		}
		rounds.sender.failWith(nil)
		<-time.After(time.Minute)
		if err := rounds.outbox.Round(t.Context()); err != nil || len(rounds.sender.all()) != 1 {
			t.Errorf("later: %v, %d sent", err, len(rounds.sender.all()))
		}
	})
}

func TestARoundTakesUpNothingWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		posts, rounds := leaving(t)
		posts.post(t, Letter{To: "ann@game.example", About: ResetPassword, Ref: "1", Until: time.Now().Add(time.Hour)}, true)
		ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
		defer cancel()
		_ = rounds.outbox.Round(ctx) // the store may say so or not
		if got := rounds.sender.tried(); got != 0 {
			t.Errorf("tried %d times", got)
		}
	})
}

func TestWhoSendsNothingLearnsThatTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		posts, _ := leaving(t)
		letter := Letter{To: "ann@game.example", About: ResetPassword, Ref: "1", Room: Notices, Until: time.Now().Add(time.Hour)}
		for range maxPerShard {
			posts.post(t, letter, true)
		}
		if err := posts.outbox.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := posts.outbox.Post(letter); err == nil {
			t.Error("another letter is taken")
		}
	})
}

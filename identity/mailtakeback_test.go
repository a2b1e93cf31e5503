package identity

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/mail"
)

// withOutbox has letters wait in a real outbox, from which nobody sends.
func (d *desk) withOutbox(t *testing.T) {
	t.Helper()
	templates, err := mail.NewTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.post.real = mail.NewOutbox(mail.OutboxOptions{
		Store: d.store, Templates: templates, Game: "Tower Clash", Reveal: d.codes.Reveal,
		Now: d.site.clock, NewID: d.site.nextID, Log: slog.New(slog.DiscardHandler),
	})
}

// mentions lists the kinds of records in which a word stands.
func (d *desk) mentions(t *testing.T, word string) []string {
	t.Helper()
	var kinds []string
	err := d.site.store.(muster.Copier).Scan(context.Background(), func(page []muster.Record) error {
		for _, rec := range page {
			if strings.Contains(rec.Partition+rec.Sort+string(rec.Value), word) {
				kind, _, _ := strings.Cut(rec.Partition, "#")
				kinds = append(kinds, kind)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func (d *desk) erase(t *testing.T) {
	t.Helper()
	if err := d.rules.ErasePlayers(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestNothingThatWaitsOutlivesAnAccount(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	if _, err := d.Register(ctx, annMail, annWords); err != nil { // never completed
		t.Fatal(err)
	}
	grant := d.signUp(t, annMail, annWords)
	ann := d.caller(t, grant)
	bob := d.caller(t, d.signUp(t, "bob@example.com", annWords))
	d.withOutbox(t)
	ask := func(_ muster.CodeSent, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ask(d.Forgot(ctx, annMail))
	ask(d.Register(ctx, annMail, "five words of somebody else"))
	ask(d.ChangeAddress(ctx, ann, annWords, "ann@example.org"))
	ask(d.ChangeAddress(ctx, ann, annWords, "bob@example.com")) // his letter says that he has an account
	if err := d.Change(ctx, ann, annWords, "five better words of mine"); err != nil {
		t.Fatal(err)
	}
	ask(d.Forgot(ctx, "bob@example.com"))
	ask(d.ChangeAddress(ctx, bob, annWords, annMail)) // bob's, but for the letter to ann

	d.site.pass(time.Second)
	d.deleteAccount(t, ann.Player)
	d.site.pass(time.Second)
	again, err := d.Register(ctx, annMail, annWords) // at once, before anything is erased
	if err != nil {
		t.Fatal(err)
	}
	d.erase(t)
	for word, want := range map[string][]string{
		"ann@example.org": nil,
		// What is left of the address is bob's request and the new registration with its letter.
		annMail:                   {"MAIL", "MAILCODE"},
		string(ann.Player):        {"AUD", "DENY", "DUE", "P"},
		"bob@example.com":         {"ID", "MAIL", "MAILCODE", "P"},
		mailRequestName(again.ID): {"MAILBOX", "MAILCODE"},
	} {
		if got := d.mentions(t, word); !slices.Equal(got, want) {
			t.Errorf("%s stands in %q, want %q", word, got, want)
		}
	}
	if _, err := d.Verify(ctx, muster.MailProof{ID: again.ID, Code: d.code(t, again.ID)}, ""); err != nil {
		t.Errorf("who registers again gets %v", err)
	}
}

func TestWhatCameMeanwhileIsTakenBackLater(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	ann := d.caller(t, d.signUp(t, annMail, annWords))
	d.withOutbox(t)
	d.deleteAccount(t, ann.Player)
	d.erase(t)
	// As a call does that found the account before, and goes on now.
	late, err := d.open(ctx, mailRequest{Use: useReset, Address: annMail, Player: ann.Player, Owner: muster.MailOfPlayer(ann.Player), About: mail.ResetPassword}, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	d.site.pass(30 * time.Minute)
	d.erase(t)
	if got := d.mentions(t, annMail); got != nil {
		t.Errorf("the address stands in %q", got)
	}
	wantRefusal(t, d.Resend(ctx, late.ID), muster.Unauthenticated, "credential.invalid")
}

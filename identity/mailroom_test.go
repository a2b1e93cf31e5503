package identity

import (
	"context"
	"testing"

	"muster/mail"
)

func TestWhatAnybodyCanAskForWaitsApartFromWhatOwnersNeed(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	ann := d.signUp(t, annMail, annWords)
	guest := d.caller(t, d.site.guest(t))
	for _, c := range []struct {
		name string
		call func() error
		room mail.Room
	}{
		{"a registration", func() error { _, err := d.Register(ctx, "bob@example.com", annWords); return err }, mail.SignUps},
		{"one of a known address", func() error { _, err := d.Register(ctx, annMail, annWords); return err }, mail.SignUps},
		{"an address for a guest", func() error { _, err := d.Link(ctx, guest, "bob@example.com", annWords, ""); return err }, mail.SignUps},
		{"a forgotten password", func() error { _, err := d.Forgot(ctx, annMail); return err }, mail.Codes},
		{"one of an unknown address", func() error { _, err := d.Forgot(ctx, "bob@example.com"); return err }, mail.Codes},
		{"another address", func() error {
			_, err := d.ChangeAddress(ctx, d.caller(t, ann), annWords, "ann@example.org")
			return err
		}, mail.Codes},
		{"a password that was changed", func() error { return d.Change(ctx, d.caller(t, ann), annWords, "five better words of mine") }, mail.Notices},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.call(); err != nil {
				t.Fatal(err)
			}
			if l := d.post.last(t); l.Room != c.room {
				t.Errorf("its letter waits in room %d, not %d", l.Room, c.room)
			}
		})
	}
}

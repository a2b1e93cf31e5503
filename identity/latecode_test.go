package identity

import (
	"context"
	"testing"
	"time"

	"muster"
)

func TestACodeAloneSignsInForTenMinutes(t *testing.T) {
	for _, c := range []struct {
		name     string
		after    time.Duration
		password string
		kind     muster.Kind
		code     string // of the refusal; empty: it signs in
	}{
		{"at once", 0, "", 0, ""},
		{"after ten minutes", codeAloneFor, "", 0, ""},
		{"later", codeAloneFor + time.Second, "", muster.Invalid, "password.missing"},
		{"later, with the password that was chosen", codeAloneFor + time.Second, annWords, 0, ""},
		{"later, with another password", codeAloneFor + time.Second, "words of somebody else", muster.Unauthenticated, "credential.invalid"},
		{"at the end of the hour, with the password", DefaultVerifyFor - time.Second, annWords, 0, ""},
		{"after the hour, with the password", DefaultVerifyFor, annWords, muster.Unauthenticated, "credential.invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			d := newDesk(t, nil)
			sent, err := d.Register(ctx, annMail, annWords)
			if err != nil {
				t.Fatal(err)
			}
			proof := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
			d.site.pass(c.after)
			_, err = d.Verify(ctx, proof, c.password)
			if c.code != "" {
				wantRefusal(t, err, c.kind, c.code, c.password, proof.Code)
			} else if err != nil {
				t.Fatal(err)
			}
			if c.code == "password.missing" {
				if _, err := d.Verify(ctx, proof, annWords); err != nil {
					t.Errorf("the code was used up by the question: %v", err)
				}
			}
		})
	}
}

func TestALateCodeDoesNotHelpToGuessAPassword(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, nil)
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	proof := muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}
	d.site.pass(codeAloneFor + time.Second)
	for range maxTries {
		_, err := d.Verify(ctx, proof, "words of somebody else")
		wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
	}
	_, err = d.Verify(ctx, proof, annWords)
	wantRefusal(t, err, muster.Unauthenticated, "credential.invalid")
}

func TestAShortCodeNeedsNoPassword(t *testing.T) {
	ctx := context.Background()
	d := newDesk(t, func(o *PasswordOptions) { o.VerifyFor = 10 * time.Minute })
	sent, err := d.Register(ctx, annMail, annWords)
	if err != nil {
		t.Fatal(err)
	}
	d.site.pass(10*time.Minute - time.Second)
	if _, err := d.Verify(ctx, muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, ""); err != nil {
		t.Error(err)
	}
}

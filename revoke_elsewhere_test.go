package muster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"muster"
)

// elsewhere is a caller with a token of another issuer, of a sign-in there some time ago.
func (r *rig) elsewhere(p muster.PlayerID, ago time.Duration) muster.Caller {
	return muster.Caller{Player: p, Scope: muster.PlayerScope, SignedInAt: r.clock.now().Add(-ago).Truncate(time.Second)}
}

// admission is the code with which the holder of such a token is refused; empty: they are not.
func (r *rig) admission(c muster.Caller) string {
	var e *muster.Error
	if errors.As(r.AdmitBearer(context.Background(), c.Player, c.SignedInAt), &e) {
		return e.Code
	}
	return ""
}

func TestSigningOutEverywhereEndsTokensOfOtherIssuers(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(r *rig, p muster.PlayerID) error{
		"signing out everywhere": func(r *rig, p muster.PlayerID) error { return r.SignOutEverywhere(ctx, p) },
		"another password": func(r *rig, p muster.PlayerID) error {
			along := func(context.Context) ([]muster.Op, error) { return nil, nil }
			return r.ReplaceSecret(ctx, p, guestOf("ann"), muster.NewSecret{Hash: []byte("new"), SignOut: true}, along)
		},
		"a second factor that is turned on": func(r *rig, p muster.PlayerID) error {
			_, err := r.ChangeFactor(ctx, p, guestOf("ann"), muster.FactorChange{
				Change: func(context.Context, *muster.SecondFactor) (*muster.SecondFactor, error) {
					return &muster.SecondFactor{}, nil
				},
				Along: nothingAlong, SignOut: true,
			})
			return err
		},
		"a ban that is lifted": func(r *rig, p muster.PlayerID) error {
			_, err := r.Ban(operator(), p, muster.BanRequest{Reason: "aimbot"})
			r.clock.advance(time.Second)
			return errors.Join(err, r.Unban(operator(), p))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(false)
			ann, bob := r.guest("ann"), r.guest("bob")
			before, others := r.elsewhere(ann, time.Hour), r.elsewhere(bob, time.Hour)
			silent := muster.Caller{Player: ann, Scope: muster.PlayerScope} // does not say when
			if r.refusal(before) != "" || r.admission(before) != "" {
				t.Fatalf("refused from the start: %q, %q", r.refusal(before), r.admission(before))
			}
			if err := end(r, ann); err != nil {
				t.Fatal(err)
			}
			r.clock.advance(2 * time.Second)
			later := r.elsewhere(ann, time.Second)
			for _, c := range []struct {
				name   string
				caller muster.Caller
				code   string
			}{
				{"of a sign-in before", before, "token.revoked"},
				{"of one after it", later, ""},
				{"of another player", others, ""},
				{"that does not say of when it is", silent, ""},
			} {
				if code := r.admission(c.caller); code != c.code {
					t.Errorf("a token %s is admitted with %q, want %q", c.name, code, c.code)
				}
				if code := r.refusal(c.caller); code != c.code {
					t.Errorf("a token %s is refused with %q, want %q", c.name, code, c.code)
				}
			}
			other := r.beside()
			if err := other.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
			if code := other.refusal(before); code != "token.revoked" {
				t.Errorf("another replica refuses it with %q", code)
			}
			r.clock.advance(25 * time.Hour) // what is held in memory is over
			if code := r.admission(before); code != "token.revoked" {
				t.Errorf("a day later it is admitted with %q", code)
			}
		})
	}
}

func TestSocketsOfTokensOfOtherIssuersClose(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	own, before := r.signIn(t, ann, "phone"), r.elsewhere(ann, time.Hour)
	r.inbox.take()
	if err := r.SignOutEverywhere(context.Background(), ann); err != nil {
		t.Fatal(err)
	}
	news := r.inbox.take()
	if len(news) != 1 {
		t.Fatalf("told were %+v", news)
	}
	told, ok := muster.RevocationOf(news[0])
	if !ok || !told.Covers(own) || !told.Covers(before) {
		t.Errorf("the revocation is %+v", told)
	}
	r.clock.advance(2 * time.Second)
	if told.Covers(r.elsewhere(ann, time.Second)) {
		t.Error("a later sign-in elsewhere is covered")
	}
	if err := r.EndSignIn(context.Background(), ann, "phone", muster.ByPlayer); muster.KindOf(err) != muster.NotFound {
		t.Fatal(err)
	}
}

func TestALogoutOfOneDeviceLeavesTokensOfOtherIssuers(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	r.signIn(t, ann, "phone")
	before := r.elsewhere(ann, time.Hour)
	if err := r.EndSignIn(context.Background(), ann, "phone", muster.ByPlayer); err != nil {
		t.Fatal(err)
	}
	if r.refusal(before) != "" || r.admission(before) != "" {
		t.Errorf("refused with %q, %q", r.refusal(before), r.admission(before))
	}
}

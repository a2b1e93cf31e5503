package lambda_test

import (
	"context"
	"errors"
	"testing"

	"muster"
	"muster/aws/lambda"
)

// people is a fake of accounts: identities it knows, and players it bans.
type people map[string]muster.PlayerID

func (p people) FindIdentity(_ context.Context, id muster.Identity) (muster.PlayerID, []byte, error) {
	if id.Subject == "unlucky" {
		return "", nil, errors.New("store")
	}
	known, there := p[id.Provider+"/"+id.Subject]
	if !there {
		return "", nil, muster.Errorf(muster.NotFound, "record.not_found", "not found")
	}
	return known, nil, nil
}

func (p people) EnsurePlayer(_ context.Context, id muster.Identity, _ []byte) (muster.PlayerID, bool, error) {
	if id.Subject == "unlucky" {
		return "", false, errors.New("store")
	}
	known, there := p[id.Provider+"/"+id.Subject]
	if !there {
		known = "made"
	}
	return known, !there, nil
}

func admit(_ context.Context, p muster.PlayerID) error {
	if p == "banned" {
		return muster.Errorf(muster.Denied, "account.banned", "banned")
	}
	return nil
}

func TestCallersBySignature(t *testing.T) {
	const dev, otherPool, serverARN = "login.example", "eu-central-1:0b", "arn:aws:sts::123456789012:assumed-role/GameServer/i-1"
	signers := lambda.Signers{
		Pools: []lambda.Pools{
			{IdentityPools: []string{pool}, Provider: "cognito-identity", Guests: true, DeveloperProvider: dev},
			{IdentityPools: []string{otherPool}, Provider: "partners"},
		},
		Accounts: people{"cognito-identity/known": "p1", "cognito-identity/wicked": "banned", "partners/known": "p2"}, Admit: admit,
		Server: func(account, arn string) bool { return account == "123456789012" && arn == serverARN },
	}
	of := func(id, in string, logins ...string) lambda.Signer {
		return lambda.Signer{Account: "123456789012", ARN: loginARN, UserID: "AROA:x", IdentityID: id, IdentityPool: in, Logins: logins}
	}
	ours := func(p string) []string { return []string{"authenticated", dev, dev + ":" + pool + ":" + p} }
	for name, c := range map[string]struct {
		signer lambda.Signer
		want   muster.Caller
		kind   muster.Kind // of the refusal
	}{
		"a login":                        {of("known", pool, "authenticated"), muster.Caller{Player: "p1", Scope: muster.PlayerScope}, 0},
		"somebody new":                   {of("new", pool, "authenticated"), muster.Caller{Player: "made", Scope: muster.PlayerScope}, 0},
		"no login":                       {of("known", pool, "unauthenticated"), muster.Caller{Player: "p1", Scope: muster.GuestScope}, 0},
		"a pool with another way in":     {of("known", otherPool, "authenticated"), muster.Caller{Player: "p2", Scope: muster.PlayerScope}, 0},
		"no login where guests may not":  {of("known", otherPool, "unauthenticated"), muster.Caller{}, muster.Denied},
		"a pool of others":               {of("known", "eu-central-1:0c", "authenticated"), muster.Caller{}, muster.Denied},
		"a player of ours":               {of("x", pool, ours("p3")...), muster.Caller{Player: "p3", Scope: muster.PlayerScope}, 0},
		"a banned player of ours":        {of("x", pool, ours("banned")...), muster.Caller{}, muster.Denied},
		"a banned identity":              {of("wicked", pool, "authenticated"), muster.Caller{}, muster.Denied},
		"a game server":                  {lambda.Signer{Account: "123456789012", ARN: serverARN, UserID: "AROA:i-1"}, muster.Caller{Scope: muster.ServerScope, Key: "AROA:i-1"}, 0},
		"another role":                   {lambda.Signer{Account: "123456789012", ARN: serverARN + "2"}, muster.Caller{}, muster.Denied},
		"a player under a server's role": {lambda.Signer{Account: "123456789012", ARN: serverARN, IdentityID: "x", IdentityPool: "other"}, muster.Caller{}, muster.Denied},
		"a store that is down":           {of("unlucky", pool, "authenticated"), muster.Caller{}, muster.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := signers.Caller(t.Context(), c.signer)
			if got != c.want || (err == nil) != (c.want != muster.Caller{}) {
				t.Fatalf("caller %+v, %v; want %+v", got, err, c.want)
			}
			if err != nil && muster.KindOf(err) != c.kind {
				t.Errorf("refused as %v: %v", muster.KindOf(err), err)
			}
			var e *muster.Error
			if errors.As(err, &e) && e.Code != "auth.signer" && e.Code != "account.banned" {
				t.Errorf("refused with %s", e.Code)
			}
		})
	}
	if _, err := (&lambda.Signers{}).Caller(t.Context(), lambda.Signer{ARN: serverARN}); muster.KindOf(err) != muster.Denied {
		t.Errorf("where nobody's signature counts: %v", err)
	}
}

// purse is a fake of limits: of each action it has as many as it says.
type purse map[muster.Action]int

func (p purse) Spend(_ context.Context, what muster.Action) error {
	if p[what]--; p[what] < 0 {
		return muster.LimitExceeded(0)
	}
	return nil
}

func (purse) Guess(ctx context.Context, _ muster.Identity, _ func(context.Context) (bool, error), check func(context.Context) error) error {
	return check(ctx)
}

func TestSignersMakeAsManyPlayersAsTheirAddressMay(t *testing.T) {
	left := purse{muster.ActGuest: 1, muster.ActSignIn: 1}
	signers := lambda.Signers{
		Pools:    []lambda.Pools{{IdentityPools: []string{pool}, Provider: "cognito-identity", Guests: true}},
		Accounts: people{"cognito-identity/known": "p1"}, Limits: left, Admit: admit,
	}
	call := func(id, login string) error {
		_, err := signers.Caller(t.Context(), lambda.Signer{ARN: loginARN, IdentityID: id, IdentityPool: pool, Logins: []string{login}})
		return err
	}
	for range 3 {
		for _, login := range []string{"authenticated", "unauthenticated"} {
			if err := call("known", login); err != nil {
				t.Errorf("somebody known: %v", err)
			}
		}
	}
	if left[muster.ActGuest] != 1 || left[muster.ActSignIn] != 1 {
		t.Errorf("who is known was counted: %v", left)
	}
	for _, login := range []string{"authenticated", "unauthenticated"} {
		if err := call("new", login); err != nil {
			t.Errorf("somebody new, %s: %v", login, err)
		}
		err := call("another", login)
		var refused *muster.Error
		if !errors.As(err, &refused) || refused.Kind != muster.Exhausted || refused.Code != "limit.exceeded" {
			t.Errorf("one too many, %s: %v", login, err)
		}
	}
}

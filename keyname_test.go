package muster_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"muster"
)

func TestKeysShowNothingPersonalAndNoSecret(t *testing.T) {
	shown := map[muster.Key]string{
		{Partition: "P#p-1", Sort: "SLOT"}:                    "P#p-1/SLOT",
		{Partition: "DUE#ticket#3", Sort: "2026-03-01Z#t-1"}:  "DUE#ticket#3/2026-03-01Z#t-1",
		{Partition: "READY", Sort: "-"}:                       "READY/-",
		{Partition: "OPEN#duel#0"}:                            "OPEN#duel#0",
		{Partition: "ID#email#ada@example.com", Sort: "ID"}:   "ID#924304",
		{Partition: "ID#email#ada@example.org", Sort: "ID"}:   "ID#573b8f",
		{Partition: "a kind of tomorrow#ada", Sort: "secret"}: "a kind of tomorrow#1d71ac",
	}
	for key, want := range shown {
		if got := key.Redacted(); got != want {
			t.Errorf("%q is shown as %q, want %q", key, got, want)
		}
	}
	for _, partition := range []string{
		"ID#steam#7656-ada", "CODE#ada", "NAME#ada", "SC#ada", "WT#ada", "NONCE#ada", "ONCE#steam#ada", "CONSENT#apple#ada", "LETTERS#ada",
		"FACTOR#ada", "FACTORS#ada", "MAILCODE#ada", "MAILBOX#address:ada", "RL#account#ada",
	} {
		if got := (muster.Key{Partition: partition, Sort: "ada"}).Redacted(); strings.Contains(got, "ada") {
			t.Errorf("%q", got)
		}
	}
}

// burning is a store of which nothing can be read.
type burning struct{ muster.Store }

func (burning) Get(context.Context, muster.Key) (muster.Record, error) {
	return muster.Record{}, errors.New("disk on fire")
}

// damaged is one whose records are no JSON.
type damaged struct{ muster.Store }

func (damaged) Get(_ context.Context, k muster.Key) (muster.Record, error) {
	return muster.Record{Key: k, Value: []byte("{"), Version: 1}, nil
}

func TestTroubleWithTheStoreTellsTheLogNoAddressAndNoCode(t *testing.T) {
	ctx := t.Context()
	for what, store := range map[string]func(muster.Store) muster.Store{
		"unreadable": func(s muster.Store) muster.Store { return burning{s} },
		"undecoded":  func(s muster.Store) muster.Store { return damaged{s} },
	} {
		r := newRigWith(false, func(o *muster.Options) { o.Store = store(o.Store) })
		_, _, found := r.FindIdentity(ctx, annByMail())
		_, way := r.FindWay(ctx, annByMail())
		_, signUp := r.SignUp(ctx, annByMail(), []byte("hash"), nothingAlong)
		_, party := r.JoinParty(ctx, "p-1", "37M7-2J78")
		_, session := r.JoinByCode(ctx, "p-1", muster.JoinRequest{Code: "37M72J7837"})
		for call, err := range map[string]error{"find": found, "way": way, "sign up": signUp, "party": party, "session": session} {
			if err == nil {
				t.Errorf("%s, %s: no error", what, call)
				continue
			}
			for _, told := range []string{annByMail().Subject, "ann@", "37M7"} {
				if strings.Contains(err.Error(), told) {
					t.Errorf("%s, %s: %v", what, call, err)
				}
			}
		}
	}
}

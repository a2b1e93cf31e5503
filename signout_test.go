package muster_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"muster"
)

func TestSignInsEndInTheWriteOfAnother(t *testing.T) {
	for name, used := range map[string]bool{"with tokens that are good": true, "with tokens that are over": false} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			r := newRig(false)
			ann := r.guest("ann")
			first, second, stays := r.signIn(t, ann, "first"), r.signIn(t, ann, "second"), r.signIn(t, ann, "stays")
			r.inbox.take()
			ops, ended, err := r.EndSignIns(ann, []muster.SignInRef{{ID: "first"}, {ID: "second"}}, used)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.signIns(t, ann)) != 3 || r.refusal(first) != "" {
				t.Error("they have ended before anything was written")
			}
			if err := r.store.Write(ctx, ops...); err != nil {
				t.Fatal(err)
			}
			ended(ctx)
			if left := r.signIns(t, ann); !slices.Equal(left, []string{"stays"}) {
				t.Errorf("left are %v", left)
			}
			if r.refusal(first) != "token.revoked" || r.refusal(second) != "token.revoked" || r.refusal(stays) != "" {
				t.Errorf("refused: %q, %q, and what stays %q", r.refusal(first), r.refusal(second), r.refusal(stays))
			}
			if told := r.inbox.take(); len(told) != 1 || told[0].Type != muster.NoticeRevoked {
				t.Errorf("told was %+v", told)
			}
			other := r.beside()
			if err := other.LearnRevocations(ctx); err != nil {
				t.Fatal(err)
			}
			if refused := other.refusal(first) != ""; refused != used {
				t.Errorf("another replica finds it in the store: %v, want %v", refused, used)
			}
		})
	}
}

func TestNobodyIsToldOfWhatEndedWithEveryonesSignIns(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	before := muster.SignInRef{ID: "before", At: r.clock.now()}
	unknown := muster.SignInRef{ID: "unknown"}
	r.clock.advance(time.Minute)
	_ = must[muster.EveryoneView](t)(r.SignOutEveryone(ctx))
	r.clock.advance(time.Minute)
	after := muster.SignInRef{ID: "after", At: r.clock.now()}
	r.inbox.take()
	for name, c := range map[string]struct {
		ends      []muster.SignInRef
		ops, told int
	}{
		"all of it from before":          {[]muster.SignInRef{before}, 1, 0},
		"one from after":                 {[]muster.SignInRef{before, after}, 3, 1},
		"one of which nobody knows when": {[]muster.SignInRef{unknown}, 2, 1},
	} {
		ops, ended, err := r.EndSignIns(ann, c.ends, true)
		if err != nil {
			t.Fatal(err)
		}
		ended(ctx)
		if told := r.inbox.take(); len(ops) != c.ops || len(told) != c.told {
			t.Errorf("%s: %d operations and %d messages, want %d and %d", name, len(ops), len(told), c.ops, c.told)
		}
	}
}

func TestSignInsBeyondThoseOfOneWriteEndTogetherWithTheirTokens(t *testing.T) {
	const many = 200
	ctx := t.Context()
	r := newRig(false)
	ann := r.guest("ann")
	opened := r.clock.now().Format(time.RFC3339Nano)
	callers := make([]muster.Caller, many)
	for i := range callers {
		callers[i] = r.signIn(t, ann, fmt.Sprintf("s-%03d", i))
		key := muster.Key{Partition: muster.PlayerPartition(ann), Sort: muster.SignInPrefix + callers[i].Family}
		op := muster.Op{Kind: muster.Put, Key: key, Value: []byte(`{"opened":"` + opened + `"}`), Version: muster.AnyVersion}
		if err := r.store.Write(ctx, op); err != nil {
			t.Fatal(err)
		}
	}
	r.clock.advance(time.Second)
	if err := r.SignOutEverywhere(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if left := r.signIns(t, ann); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	other := r.beside()
	if err := other.LearnRevocations(ctx); err != nil {
		t.Fatal(err)
	}
	for _, c := range callers {
		if r.refusal(c) != "token.revoked" || other.refusal(c) != "token.revoked" {
			t.Errorf("%s is refused with %q, and %q at another replica", c.Family, r.refusal(c), other.refusal(c))
		}
	}
}

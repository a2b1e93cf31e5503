package muster_test

import (
	"context"
	"slices"
	"testing"

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
			ops, ended, err := r.EndSignIns(ann, []string{"first", "second"}, used)
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

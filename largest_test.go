package muster_test

import (
	"fmt"
	"strings"
	"testing"

	"muster"
)

// largest writes the largest account that there may be: its ways in, players who became part of
// it, and more sign-ins than end in one Write.
func (r *rig) largest(t *testing.T, p muster.PlayerID, ways, merged int) (signIns []muster.Caller) {
	t.Helper()
	put := func(partition, sort, value string) {
		t.Helper()
		op := muster.Op{Kind: muster.Put, Key: muster.Key{Partition: partition, Sort: sort}, Value: []byte(value)}
		if err := r.store.Write(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	var ids, others []string
	for i := range ways {
		provider := fmt.Sprintf("platform-%d", i)
		ids = append(ids, fmt.Sprintf(`{"provider":%q,"subject":%q,"linkedAt":"2026-01-01T00:00:00Z"}`, provider, p))
		put("ID#"+provider+"#"+string(p), "ID", fmt.Sprintf(`{"player":%q,"linkedAt":"2026-01-01T00:00:00Z"}`, p))
	}
	for i := range merged {
		other := fmt.Sprintf("%s-%d", p, i)
		others = append(others, fmt.Sprintf(`{"id":%q,"at":"2026-01-01T00:00:00Z"}`, other))
		put("P#"+other, "A", fmt.Sprintf(`{"id":%q,"status":"merged","mergedInto":%q}`, other, p))
	}
	put("P#"+string(p), "A", fmt.Sprintf(`{"id":%q,"identities":[%s],"merged":[%s]}`, p, strings.Join(ids, ","), strings.Join(others, ",")))
	name := "Largest"
	if _, err := r.UpdateProfile(t.Context(), p, muster.ProfileChange{DisplayName: &name}, muster.Precondition{}); err != nil {
		t.Fatal(err)
	}
	for i := range muster.MaxWriteOps {
		signIns = append(signIns, r.signIn(t, p, fmt.Sprintf("s-%03d", i)))
	}
	return signIns
}

func TestTheLargestAccountIsDeletedInOneWrite(t *testing.T) {
	r := newRig(false)
	signIns := r.largest(t, "ann", 10, 10)
	if err := r.DeleteAccount(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	for _, c := range signIns {
		if code := r.refusal(c); code != "account.deleted" {
			t.Errorf("the token of %s is refused with %q", c.Family, code)
		}
		wantError(t, r.Admit(t.Context(), "ann", muster.SignInRef{ID: c.Family}), muster.Unauthenticated, "account.deleted")
	}
}

func TestTheLargestAccountIsMergedInOneWrite(t *testing.T) {
	r := newRig(false)
	into := r.guest("into")
	signIns := r.largest(t, "ann", 9, 9)
	_ = must[muster.LinksView](t)(r.Merge(t.Context(), into, "ann", []byte("new")))
	for _, c := range signIns {
		if code := r.refusal(c); code != "account.merged" {
			t.Errorf("the token of %s is refused with %q", c.Family, code)
		}
		wantError(t, r.Admit(t.Context(), "ann", muster.SignInRef{ID: c.Family}), muster.Unauthenticated, "account.deleted")
	}
}

package muster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"muster"
)

func TestAnOperatorExportsWhatThePlayerWould(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	texts := [2]map[string]any{}
	for i, export := range []func() (func(*bytes.Buffer) error, error){
		func() (func(*bytes.Buffer) error, error) {
			write, err := r.Export(ctx, ann)
			return func(b *bytes.Buffer) error { return write(b) }, err
		},
		func() (func(*bytes.Buffer) error, error) {
			write, err := r.ExportPlayer(operatorNamed(t, "kim"), ann)
			return func(b *bytes.Buffer) error { return write(b) }, err
		},
	} {
		write, err := export()
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := write(&text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text.Bytes(), &texts[i]); err != nil {
			t.Fatal(err)
		}
	}
	delete(texts[0], "audit")
	delete(texts[1], "audit") // has this export, too: it is recorded before it is written
	mine, theirs := must[[]byte](t)(json.Marshal(texts[0])), must[[]byte](t)(json.Marshal(texts[1]))
	if !bytes.Equal(mine, theirs) {
		t.Errorf("the player gets %s, the operator %s", mine, theirs)
	}
	entry := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 1, "")).Entries[0]
	if entry.Event != muster.AuditExported || entry.By != "operator" || entry.Actor == "" || entry.Detail["operator"] != "kim" {
		t.Errorf("recorded is %+v", entry)
	}
}

func TestAnOperatorDeletesAnAccountEvenOfWhoIsBanned(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.player(t, "steam", "76561197960287930")
	phone := r.signIn(t, ann, "phone")
	_ = must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "aimbot"}))
	if err := r.DeletePlayer(operatorNamed(t, "kim"), ann); err != nil {
		t.Fatal(err)
	}
	if code := r.refusal(phone); code != "account.deleted" {
		t.Errorf("the token is refused with %q", code)
	}
	if _, _, err := r.FindIdentity(ctx, muster.Identity{Provider: "steam", Subject: "76561197960287930"}); muster.KindOf(err) != muster.NotFound {
		t.Errorf("the identity leads somewhere: %v", err)
	}
	entries := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 10, "")).Entries
	at := slices.IndexFunc(entries, func(e muster.AuditView) bool { return e.Event == muster.AuditDeleted })
	if at < 0 || entries[at].By != "operator" || entries[at].Detail["operator"] != "kim" {
		t.Errorf("recorded is %+v", entries)
	}
	wantError(t, r.DeletePlayer(operator(), ann), muster.NotFound, "player.not_found")
	_, err := r.ExportPlayer(operator(), ann)
	wantError(t, err, muster.NotFound, "player.not_found")
}

func TestWhatOperatorsDoToAMergedPlayerNamesTheOther(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann, bob := r.player(t, "steam", "1"), r.player(t, "epic", "2")
	_ = must[muster.LinksView](t)(r.Merge(ctx, ann, bob, nil))
	_, exported := r.ExportPlayer(operator(), bob)
	for call, err := range map[string]error{
		"sign-out": r.SignPlayerOut(operator(), bob), "export": exported, "deletion": r.DeletePlayer(operator(), bob),
	} {
		wantError(t, err, muster.Conflict, "player.merged")
		if t.Failed() {
			t.Fatal(call)
		}
	}
	wantError(t, r.SignPlayerOut(operator(), "nobody"), muster.NotFound, "player.not_found")
}

func TestTheNameOfTheOperatorIsRecordedWhateverTheyDo(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	kim := operatorNamed(t, "kim")
	_ = must[muster.BanView](t)(r.Ban(kim, ann, muster.BanRequest{Reason: "aimbot", Operator: "kim"}))
	if err := r.Unban(kim, ann); err != nil {
		t.Fatal(err)
	}
	if err := r.SignPlayerOut(kim, ann); err != nil {
		t.Fatal(err)
	}
	entries := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 10, "")).Entries
	if len(entries) != 3 {
		t.Fatalf("recorded is %+v", entries)
	}
	for _, entry := range entries {
		if entry.Detail["operator"] != "kim" {
			t.Errorf("recorded is %+v", entry)
		}
	}
	for _, name := range []string{"k\x00m", string(make([]byte, 101))} {
		_, err := muster.WithOperator(ctx, name)
		wantError(t, err, muster.Invalid, "operator.invalid")
	}
	player := muster.WithCaller(must[context.Context](t)(muster.WithOperator(ctx, "kim")), muster.Caller{Player: ann, Scope: muster.PlayerScope})
	if err := r.SignOutEverywhere(player, ann); err != nil {
		t.Fatal(err)
	}
	for _, entry := range must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 10, "")).Entries {
		if entry.By == "player" && entry.Detail["operator"] != "" {
			t.Errorf("a player's own call names an operator: %+v", entry)
		}
	}
}

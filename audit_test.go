package muster_test

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestAuditRecordsSayWhoFromWhereAndWhat(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	request := muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr("::ffff:192.0.2.7"), UserAgent: "Game/1"})
	player := muster.WithCaller(request, muster.Caller{Player: ann, Scope: muster.PlayerScope, Family: "f"})
	for _, c := range []struct {
		name string
		ctx  context.Context
		want muster.AuditView
	}{
		{"a player", player, muster.AuditView{By: "player", Actor: string(ann), From: "192.0.2.7", Device: "Game/1"}},
		{"who just proves who they are", request, muster.AuditView{By: "player", Actor: string(ann), From: "192.0.2.7", Device: "Game/1"}},
		{"an operator", operator(), muster.AuditView{By: "operator", Actor: "0123456789abcdef", From: "192.0.2.9", Device: "curl/8"}},
		{"a game server", muster.WithCaller(request, muster.Caller{Scope: muster.ServerScope, Key: "ab"}), muster.AuditView{By: "server", Actor: "ab", From: "192.0.2.7", Device: "Game/1"}},
		{"the program itself", context.Background(), muster.AuditView{By: "system"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.clock.advance(time.Second)
			detail := map[string]string{"provider": "steam", "empty": "", "long": strings.Repeat("x", 300)}
			ops, err := muster.AuditOps(c.ctx, r.clock.now(), muster.Audit{Player: ann, Event: muster.AuditLinked, Detail: detail})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the same again changes nothing
				if err := r.store.Write(context.Background(), ops...); err != nil {
					t.Fatal(err)
				}
			}
			got := must[muster.AuditPage](t)(r.AuditTrail(context.Background(), ann, 1, "")).Entries[0]
			if got.By != c.want.By || got.Actor != c.want.Actor || got.From != c.want.From || got.Device != c.want.Device {
				t.Errorf("recorded is %+v", got)
			}
			if !got.At.Equal(r.clock.now()) || len(got.Detail["long"]) != 200 || !slices.Equal(slices.Sorted(maps.Keys(got.Detail)), []string{"long", "provider"}) {
				t.Errorf("recorded is %+v", got)
			}
		})
	}
	if page := must[muster.AuditPage](t)(r.AuditTrail(context.Background(), ann, 100, "")); len(page.Entries) != 5 || page.Next != "" {
		t.Errorf("there are %d records, next %q", len(page.Entries), page.Next)
	}
}

// Whoever answers with wrong codes has a password, and may be anybody.
func TestWrongCodesAreNobodysDoingButThatOfWhoIsKnown(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	request := muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "Game/1"})
	for name, c := range map[string]struct {
		ctx  context.Context
		want muster.AuditView
	}{
		"who is not known": {request, muster.AuditView{By: "system", From: "192.0.2.7", Device: "Game/1"}},
		"another player":   {muster.WithCaller(request, muster.Caller{Player: "mallory", Scope: muster.PlayerScope}), muster.AuditView{By: "player", Actor: "mallory", From: "192.0.2.7", Device: "Game/1"}},
	} {
		r.clock.advance(time.Second)
		ops, err := muster.AuditOps(c.ctx, r.clock.now(), muster.Audit{Player: ann, Event: muster.AuditFactorRefused})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.store.Write(context.Background(), ops...); err != nil {
			t.Fatal(err)
		}
		got := must[muster.AuditPage](t)(r.AuditTrail(context.Background(), ann, 1, "")).Entries[0]
		if got.By != c.want.By || got.Actor != c.want.Actor || got.From != c.want.From || got.Device != c.want.Device {
			t.Errorf("%s: recorded is %+v", name, got)
		}
	}
}

func TestTheAuditTrailHasPagesAndAnEnd(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	if page := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 0, "")); len(page.Entries) != 0 {
		t.Errorf("at first there is %+v", page)
	}
	for range 5 {
		r.clock.advance(time.Hour)
		if err := r.SignOutEverywhere(operator(), ann); err != nil {
			t.Fatal(err)
		}
	}
	var times []time.Time
	for before, more := "", true; more; {
		page := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 2, before))
		for _, e := range page.Entries {
			times = append(times, e.At)
		}
		before = page.Next
		more = before != ""
	}
	if len(times) != 5 || !slices.IsSortedFunc(times, func(a, b time.Time) int { return b.Compare(a) }) {
		t.Errorf("the records are of %v", times)
	}
	r.clock.advance(401 * 24 * time.Hour)
	if page := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 0, "")); len(page.Entries) != 0 {
		t.Errorf("after 401 days there is %+v", page)
	}
	for _, id := range []muster.PlayerID{"nobody", "", "../x"} {
		_, err := r.AuditTrail(ctx, id, 0, "")
		wantError(t, err, muster.NotFound, "player.not_found")
	}
}

func TestOfADeletedPlayerOnlyTheDeletionStaysRecorded(t *testing.T) {
	ctx := muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "Game/1"})
	r := newRig(false)
	ann := r.guest("ann")
	if err := r.SignOutEverywhere(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(time.Second)
	if err := r.DeleteAccount(ctx, ann); err != nil {
		t.Fatal(err)
	}
	r.erase(t)
	page := must[muster.AuditPage](t)(r.AuditTrail(ctx, ann, 0, ""))
	if len(page.Entries) != 1 || page.Entries[0].Event != muster.AuditDeleted || page.Entries[0].From != "" || page.Entries[0].Device != "" {
		t.Errorf("left is %+v", page.Entries)
	}
}

func TestAnExportHoldsTheAuditTrailWithoutOperators(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	if err := r.SignOutEverywhere(operator(), ann); err != nil {
		t.Fatal(err)
	}
	write, err := r.Export(context.Background(), ann)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := write(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), `"event":"signedOutEverywhere","by":"operator"}`) || strings.Contains(text.String(), "192.0.2.9") {
		t.Errorf("the export is %s", text.String())
	}
}

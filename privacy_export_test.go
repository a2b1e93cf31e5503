package muster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"muster"
)

// exported is what a test reads of an export.
type exported struct {
	Account struct {
		SignedOutAt time.Time `json:"signedOutAt"`
	} `json:"account"`
	SignIns  []muster.SignInView  `json:"signIns"`
	Consents []muster.ConsentView `json:"consents"`
	Ban      *struct {
		Reason       string
		At, Until    time.Time
		By, Operator string
	} `json:"ban"`
	Matches []json.RawMessage `json:"matches"`
	Audit   []struct {
		muster.AuditView
		Player muster.PlayerID `json:"player"`
	} `json:"audit"`
}

// export reads the export of a player, which has to be one document.
func (r *rig) export(t *testing.T, p muster.PlayerID) (e exported, text string) {
	t.Helper()
	write, err := r.Export(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if err := write(&body); err != nil {
		t.Fatal(err)
	}
	text = body.String()
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return e, text
}

func TestAnExportHasEverythingThatWasRecorded(t *testing.T) {
	const many = 2500
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	entries := make([]muster.Audit, 50)
	for i := range many / len(entries) {
		r.clock.advance(time.Second)
		for j := range entries {
			entries[j] = muster.Audit{Player: ann, Event: muster.AuditSignIn, Detail: map[string]string{"signIn": fmt.Sprint(i, "-", j)}}
		}
		ops, err := muster.AuditOps(ctx, r.clock.now(), entries...)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.store.Write(ctx, ops...); err != nil {
			t.Fatal(err)
		}
	}
	if e, _ := r.export(t, ann); len(e.Audit) != many {
		t.Errorf("of %d records %d are in the export", many, len(e.Audit))
	}
}

func TestAnExportHasWhatWasRecordedOfMergedPlayers(t *testing.T) {
	phone := muster.WithClient(context.Background(), muster.Client{Address: netip.MustParseAddr("192.0.2.44"), UserAgent: "Game/1"})
	r := newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	_ = must[muster.LinksView](t)(r.Link(phone, bob, steam("bob"), nil))
	_ = must[muster.LinksView](t)(r.Merge(phone, ann, bob, nil))
	e, text := r.export(t, ann)
	var own, his []muster.AuditEvent
	for _, entry := range e.Audit {
		switch entry.Player {
		case "":
			own = append(own, entry.Event)
		case bob:
			his = append(his, entry.Event)
		}
	}
	if fmt.Sprint(own, his) != "[merged] [merged linked]" && fmt.Sprint(own, his) != "[merged] [linked merged]" {
		t.Errorf("recorded are %v and of the merged player %v", own, his)
	}
	if !strings.Contains(text, `"event":"linked","by":"player","actor":"`+string(bob)+`","from":"192.0.2.44"`) {
		t.Errorf("the export is %s", text)
	}
}

func TestAnExportHasDevicesConsentsAndTheBan(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	r := newRigWith(false, func(o *muster.Options) {
		o.TakeBack = func(context.Context, muster.Identity) error { return nil }
		o.ConsentOf = func(_ context.Context, id muster.Identity) (muster.ConsentView, error) {
			if id != steam("ann") {
				return muster.ConsentView{}, muster.ErrNotFound
			}
			return muster.ConsentView{Provider: "steam", GivenAt: at, ExpiresAt: at.Add(400 * 24 * time.Hour)}, nil
		}
		o.SignIns = func(context.Context, muster.PlayerID) ([]muster.SignInView, error) {
			return []muster.SignInView{{ID: "f", Device: "Game/1", DeviceID: "phone-of-ann"}}, nil
		}
	})
	ann := r.guest("ann")
	_ = must[muster.LinksView](t)(r.Link(context.Background(), ann, steam("ann"), nil))
	_ = must[muster.LinksView](t)(r.Link(context.Background(), ann, by("discord"), nil))
	if e, text := r.export(t, ann); e.Ban != nil || len(e.Matches) != 0 || !strings.Contains(text, `"matches":[],"audit":[{`) {
		t.Errorf("the export is %s", text)
	}
	_ = must[muster.BanView](t)(r.Ban(operator(), ann, muster.BanRequest{Reason: "aimbot", Until: r.clock.now().Add(time.Hour), Operator: "kim"}))
	r.clock.advance(2 * time.Hour)
	e, text := r.export(t, ann)
	if len(e.SignIns) != 1 || e.SignIns[0].DeviceID != "phone-of-ann" {
		t.Errorf("sign-ins are %+v", e.SignIns)
	}
	if len(e.Consents) != 1 || e.Consents[0].Provider != "steam" || !e.Consents[0].GivenAt.Equal(at) {
		t.Errorf("consents are %+v", e.Consents)
	}
	if e.Ban == nil || e.Ban.Reason != "aimbot" || e.Ban.Until.IsZero() || e.Account.SignedOutAt.IsZero() {
		t.Errorf("the ban is %+v, the account %+v", e.Ban, e.Account)
	}
	if strings.Contains(text, "kim") || strings.Contains(text, "0123456789abcdef") {
		t.Errorf("the export names the operator: %s", text)
	}
}

func TestAnExportHasWhatWasSaidInPartiesAndOfSessions(t *testing.T) {
	ctx := context.Background()
	r := lobby(nil)
	ann, bob := r.guest("ann"), r.guest("bob")
	squad := muster.ModeName("squad")
	must[muster.PartyView](t)(r.CreateParty(ctx, ann, muster.PartySettings{Mode: &squad}))
	must[muster.PartyView](t)(r.ReportReady(ctx, ann, muster.PartyReport{Ready: true, LatencyInMs: map[string]int{"custom-local": 4242}, Preferences: map[string]string{"map": "tower"}}))
	must[muster.PartyView](t)(r.CreateParty(ctx, bob, muster.PartySettings{}))
	asked := must[muster.PartyView](t)(r.Invite(ctx, bob, ann))
	if err := r.DeclineInvite(ctx, ann, asked.ID); err != nil {
		t.Fatal(err)
	}
	must[muster.SessionPlacementView](t)(r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby", Name: "den of cats", Private: true, LatencyInMs: map[string]int{"custom-local": 777}}))
	_, text := r.export(t, ann)
	for _, want := range []string{"4242", "tower", "777", "den of cats", `"declinedInvites":[{"party":"` + string(asked.ID)} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the export: %s", want, text)
		}
	}
}

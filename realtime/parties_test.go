package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"muster"
)

// fakeParties remembers the last call, with whom it was for and what it said.
type fakeParties struct{ last string }

func (f *fakeParties) call(format string, args ...any) (muster.PartyView, error) {
	f.last = fmt.Sprintf(format, args...)
	return muster.PartyView{ID: "c-1"}, nil
}

func (f *fakeParties) Party(_ context.Context, me muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s reads", me)
}

func (f *fakeParties) CreateParty(_ context.Context, me muster.PlayerID, want muster.PartySettings) (muster.PartyView, error) {
	return f.call("%s creates %s %t", me, *want.Mode, *want.Open)
}

func (f *fakeParties) ChangeParty(_ context.Context, me muster.PlayerID, want muster.PartySettings) (muster.PartyView, error) {
	return f.call("%s changes %t", me, *want.Open)
}

func (f *fakeParties) JoinParty(_ context.Context, me muster.PlayerID, code string) (muster.PartyView, error) {
	return f.call("%s joins %s", me, code)
}

func (f *fakeParties) LeaveParty(_ context.Context, me muster.PlayerID) error {
	_, err := f.call("%s leaves", me)
	return err
}

func (f *fakeParties) Kick(_ context.Context, me, who muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s kicks %s", me, who)
}

func (f *fakeParties) PassLead(_ context.Context, me, to muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s passes the lead to %s", me, to)
}

func (f *fakeParties) ReportReady(_ context.Context, me muster.PlayerID, said muster.PartyReport) (muster.PartyView, error) {
	return f.call("%s is ready %t %v %v", me, said.Ready, said.LatencyInMs, said.Preferences)
}

func (f *fakeParties) Invite(_ context.Context, me, who muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s invites %s", me, who)
}

func (f *fakeParties) WithdrawInvite(_ context.Context, me, who muster.PlayerID) (muster.PartyView, error) {
	return f.call("%s withdraws %s", me, who)
}

func (f *fakeParties) Invites(_ context.Context, me muster.PlayerID) ([]muster.InviteView, error) {
	_, err := f.call("%s lists", me)
	return nil, err
}

func (f *fakeParties) AcceptInvite(_ context.Context, me muster.PlayerID, id muster.PartyID) (muster.PartyView, error) {
	return f.call("%s accepts %s", me, id)
}

func (f *fakeParties) DeclineInvite(_ context.Context, me muster.PlayerID, id muster.PartyID) error {
	_, err := f.call("%s declines %s", me, id)
	return err
}

func TestPartyRequestsReachTheRulesInThePlayersName(t *testing.T) {
	parties := &fakeParties{}
	o := Options{Play: &fakePlay{}, Parties: parties}
	seen := map[string]bool{}
	for _, c := range []struct{ kind, data, heard, answer string }{
		{"party.get", ``, "ada reads", `party`},
		{"party.create", `{"mode":"duel","open":false}`, "ada creates duel false", `party`},
		{"party.change", `{"open":true}`, "ada changes true", `party`},
		{"party.join", `{"code":"K7QM-2XWD"}`, "ada joins K7QM-2XWD", `party`},
		{"party.leave", ``, "ada leaves", `{"party":null}`},
		{"party.kick", `{"playerId":"bob"}`, "ada kicks bob", `party`},
		{"party.lead", `{"playerId":"bob"}`, "ada passes the lead to bob", `party`},
		{"party.ready", `{"ready":true,"latencyInMs":{"a":3},"preferences":{"map":"x"}}`, "ada is ready true map[a:3] map[map:x]", `party`},
		{"party.invite", `{"playerId":"bob"}`, "ada invites bob", `party`},
		{"party.withdraw", `{"playerId":"bob"}`, "ada withdraws bob", `party`},
		{"invites.list", ``, "ada lists", `{"invites":[]}`},
		{"invites.accept", `{"partyId":"c-1"}`, "ada accepts c-1", `party`},
		{"invites.decline", `{"partyId":"c-1"}`, "ada declines c-1", `{}`},
	} {
		t.Run(c.kind, func(t *testing.T) {
			seen[c.kind] = true
			answer, err := o.serve(t.Context(), "ada", request{Type: c.kind, Data: json.RawMessage(c.data)})
			if err != nil || parties.last != c.heard {
				t.Fatalf("the rules heard %q (%v), want %q", parties.last, err, c.heard)
			}
			got, err := json.Marshal(answer)
			want := c.answer
			if want == "party" {
				text, _ := json.Marshal(muster.PartyView{ID: "c-1"})
				want = `{"party":` + string(text) + `}`
			}
			if err != nil || string(got) != want {
				t.Errorf("the answer is %s, want %s", got, want)
			}
		})
	}
	for kind := range partyCalls {
		if !seen[kind] {
			t.Errorf("%s is not tested", kind)
		}
	}
}

func TestPartyRequestsThatCannotBe(t *testing.T) {
	o := Options{Play: &fakePlay{}, Parties: &fakeParties{}}
	without := Options{Play: &fakePlay{}}
	for _, c := range []struct {
		name, kind, data, code string
		o                      *Options
	}{
		{"no code", "party.join", `{}`, "request.invalid", &o},
		{"no player", "party.kick", ``, "request.invalid", &o},
		{"no party", "invites.accept", `{"playerId":"bob"}`, "request.invalid", &o},
		{"another shape", "party.ready", `{"ready":"yes"}`, "request.invalid", &o},
		{"a code spelt otherwise", "party.join", `{"Code":"K7QM-2XWD"}`, "request.invalid", &o},
		{"a setting that there is not", "party.create", `{"mode":"duel","opne":false}`, "request.unknown_member", &o},
		{"a setting spelt otherwise", "party.change", `{"Open":false}`, "request.unknown_member", &o},
		{"what other calls take", "party.create", `{"code":"x"}`, "request.unknown_member", &o},
		{"an unknown type", "party.steal", `{}`, "request.unknown_type", &o},
		{"no parties at all", "party.get", ``, "request.unknown_type", &without},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.o.serve(t.Context(), "ada", request{Type: c.kind, Data: json.RawMessage(c.data)})
			var e *muster.Error
			if !errors.As(err, &e) || e.Kind != muster.Invalid || e.Code != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

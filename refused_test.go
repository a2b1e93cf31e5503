package muster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"muster"
)

func TestWhatGameLiftLacksIsTheOperatorsFault(t *testing.T) {
	ctx := context.Background()
	lacks := func() (bool, error) { return false, muster.Errorf(muster.NotFound, "gamelift.not_found", "no") }
	t.Run("a queue", func(t *testing.T) {
		r := lobby(nil)
		ann := r.guest("ann")
		r.lift.placeErr = lacks
		_, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby"})
		wantError(t, err, muster.Unavailable, "mode.unavailable")
		r.start(t, ann, duel()) // she is free
	})
	t.Run("a matchmaking configuration", func(t *testing.T) {
		r := newRig(false)
		ann := r.guest("ann")
		r.lift.startErr = lacks
		_, _, err := r.StartTicket(ctx, ann, duel(), "")
		wantError(t, err, muster.Unavailable, "mode.unavailable")
		r.lift.startErr = nil
		r.start(t, ann, duel())
	})
}

func TestARefusedTicketNamesWhatItWasRefusedFor(t *testing.T) {
	r := newRigWith(false, withAttribute(muster.AttributeSource{From: muster.FromPlayer, Field: "f"}))
	ann := r.guest("ann")
	r.lift.startErr = func() (bool, error) {
		return false, &muster.Error{
			Kind: muster.Invalid, Code: "gamelift.invalid_request", Message: "GameLift refused the request",
			Err: fmt.Errorf(`arn:secret: the attribute "x" of player %q is a string, not a number.`, ann),
		}
	}
	_, _, err := r.StartTicket(context.Background(), ann, duel(), "")
	wantError(t, err, muster.Invalid, "gamelift.invalid_request")
	e, _ := errors.AsType[*muster.Error](err)
	if fmt.Sprint(e.Details["attributes"], e.Details["playerIds"]) != fmt.Sprintf("[x] [%s]", ann) || e.Details["ticketId"] == nil || strings.Contains(e.Message, "secret") {
		t.Errorf("the refusal is %+v", e)
	}
}

func TestNoPartyIsSetToAModeThatNobodyQueuesFor(t *testing.T) {
	ctx, r := context.Background(), lobby(nil)
	ann, mode := r.guest("ann"), muster.ModeName("lobby")
	_, err := r.CreateParty(ctx, ann, muster.PartySettings{Mode: &mode})
	wantError(t, err, muster.Denied, "party.no_matchmaking")
	must[muster.PartyView](t)(r.CreateParty(ctx, ann, muster.PartySettings{}))
	_, err = r.ChangeParty(ctx, ann, muster.PartySettings{Mode: &mode})
	wantError(t, err, muster.Denied, "party.no_matchmaking")
}

func TestARefusalNamesWhatIsAllowed(t *testing.T) {
	ctx, r := context.Background(), lobby(nil)
	ann := r.guest("ann")
	create := func(properties map[string]string) error {
		_, err := r.CreateSession(ctx, ann, muster.SessionRequest{Mode: "lobby", Properties: properties})
		return err
	}
	browse := func(q muster.SessionQuery) error {
		q.Mode, q.Limit = "lobby", 20
		_, err := r.OpenSessions(ctx, q)
		return err
	}
	for _, c := range []struct {
		name       string
		err        error
		code, says string
	}{
		{"a property that nobody has", create(map[string]string{"x": "y"}), "session.property", "allowed: map"},
		{"a value that is not offered", create(map[string]string{"map": "moon"}), "session.property", "allowed: harbour, tower"},
		{"a property for game servers", create(map[string]string{"round": "1"}), "session.property", "allowed: map"},
		{"browsing by a property that nobody has", browse(muster.SessionQuery{Properties: map[string]string{"foo": "y"}}), "session.property", "allowed: map, round"},
		{"browsing by a value that is not offered", browse(muster.SessionQuery{Properties: map[string]string{"map": "moon"}}), "session.property", "allowed: harbour, tower"},
		{"browsing a location that nobody has", browse(muster.SessionQuery{Location: "moon"}), "session.location", "allowed: custom-local"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, c.err, muster.Invalid, c.code)
			if !strings.Contains(c.err.Error(), c.says) {
				t.Errorf("%q does not say %q", c.err, c.says)
			}
		})
	}
	if err := browse(muster.SessionQuery{Properties: map[string]string{"map": "tower", "round": "7"}, Location: "custom-local"}); err != nil {
		t.Errorf("a filter that nothing fits today: %v", err)
	}
}

func TestTheExportSpellsRatingsAsTheRatingsDo(t *testing.T) {
	ctx, r := context.Background(), newRig(false)
	ann, bob := r.guest("ann"), r.guest("bob")
	r.play(t, ann, bob)
	write, err := r.Export(ctx, ann)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Ratings map[string]map[string]any `json:"ratings"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := must[[]muster.RatingView](t)(r.Ratings(ctx, ann))[0]
	has := got.Ratings["duel"]
	if has["skill"] != float64(want.Skill) || has["mu"] != want.Mu || has["sigma"] != want.Sigma || has["games"] != float64(want.Games) || has["Mu"] != nil {
		t.Errorf("the export has %v, ratings are %+v", has, want)
	}
}

func TestACursorThatIsNoneIsRefusedByEveryList(t *testing.T) {
	ctx, r := context.Background(), lobby(nil)
	ann := r.guest("ann")
	page := func(cursor string) map[string]error {
		_, sessions := r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", Limit: 5, After: cursor})
		_, matches := r.Matches(ctx, ann, 5, cursor)
		_, audit := r.AuditTrail(ctx, ann, 5, cursor)
		_, board := r.Leaderboard(ctx, muster.LeaderboardQuery{Mode: "duel", Limit: 5, After: cursor})
		return map[string]error{"session.cursor": sessions, "history.cursor": matches, "audit.cursor": audit, "leaderboard.cursor": board}
	}
	for _, cursor := range []string{"rubbish", "2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00.000Z#", "2026-03-01#x", "2026-03-01T12:00:00.000Z#\xff", "2026-03-01T12:00:00.000Z#" + strings.Repeat("x", 2000)} {
		for code, err := range page(cursor) {
			t.Run(code+" "+cursor[:min(len(cursor), 30)], func(t *testing.T) { wantError(t, err, muster.Invalid, code) })
		}
	}
	for code, err := range page("2026-03-01T12:00:00.000Z#x") {
		if err != nil && code != "leaderboard.cursor" {
			t.Errorf("%s: %v", code, err)
		}
	}
}

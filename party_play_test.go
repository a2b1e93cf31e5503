package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

func squadTicket(mode muster.ModeName) muster.TicketRequest {
	return muster.TicketRequest{Mode: mode}
}

// party makes a party of players of these names for a mode; the first leads it.
func (r *rig) party(t *testing.T, mode muster.ModeName, names ...string) (muster.PartyView, []muster.PlayerID) {
	t.Helper()
	ctx := context.Background()
	ids := make([]muster.PlayerID, 0, len(names))
	for _, name := range names {
		ids = append(ids, r.guest(name))
	}
	view, err := r.CreateParty(ctx, ids[0], muster.PartySettings{Mode: &mode})
	for _, id := range ids[1:] {
		if err == nil {
			view, err = r.JoinParty(ctx, id, view.Code)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	r.inbox.take()
	return view, ids
}

// who writes the members of a party, the leader with a star.
func who(v muster.PartyView) string {
	names := make([]string, 0, len(v.Members))
	for _, m := range v.Members {
		name := string(m.PlayerID)
		if m.PlayerID == v.Leader {
			name = "*" + name
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// told is what each player was last told of a type since the last time.
func told[T any](notices []muster.Notice, kind string) map[muster.PlayerID]T {
	latest := map[muster.PlayerID]T{}
	for _, n := range notices {
		if n.Type == kind {
			latest[n.Player] = n.Data.(T)
		}
	}
	return latest
}

func TestAPartyFromCodeToMatchAndOnToTheNext(t *testing.T) {
	r := newRig(true)
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann", "bob")
	ann, bob, eve := ids[0], ids[1], r.guest("eve")
	if party.State != muster.PartyIdle || party.MaxSize != 4 || len(party.Members) != 2 || party.Leader != ann {
		t.Fatalf("the party is %+v", party)
	}
	if _, err := r.ReportReady(ctx, bob, muster.PartyReport{Ready: true, LatencyInMs: map[string]int{"custom-local": 7, "moon": 1}, Preferences: map[string]string{"map": "tower"}}); err != nil {
		t.Fatal(err)
	}
	r.inbox.take()
	ticket := r.start(t, ann, squadTicket("squad"))
	sent := r.lift.tickets[ticket.ID].players
	if len(sent) != 2 || sent[0].ID != ann || sent[1].ID != bob {
		t.Fatalf("GameLift was told of %+v", sent)
	}
	if fmt.Sprint(sent[1].LatencyInMs) != "map[custom-local:7]" || *sent[1].Attributes["map"].S != "tower" || *sent[0].Attributes["map"].S != "harbour" {
		t.Errorf("bob goes as %+v, ann as %+v", sent[1], sent[0])
	}
	notices := r.inbox.take()
	for _, p := range ids {
		if v := told[muster.TicketView](notices, "ticket")[p]; v.ID != ticket.ID || v.PartyID != party.ID {
			t.Errorf("%s was told of ticket %+v", p, v)
		}
		if v := told[muster.PartyNews](notices, "party")[p].Party; v == nil || v.State != muster.PartyQueued || v.TicketID != ticket.ID {
			t.Errorf("%s was told of party %+v", p, v)
		}
	}

	other := r.start(t, eve, squadTicket("squad"))
	r.mustDeliver(t)
	for p, id := range map[muster.PlayerID]muster.TicketID{ann: ticket.ID, bob: ticket.ID, eve: other.ID} {
		if view := must[muster.TicketView](t)(r.AnswerMatch(ctx, p, id, true)); p == bob && view.Match != nil && view.Match.PlayerCount != 3 {
			t.Errorf("the match has %d players, want 3", view.Match.PlayerCount)
		}
	}
	r.mustDeliver(t)
	seats := map[muster.SeatID]bool{}
	for _, p := range ids {
		snapshot := must[muster.Snapshot](t)(r.Snapshot(ctx, p)) // as after a reconnect
		if snapshot.Seat == nil || r.lift.seats[snapshot.Seat.PlayerSessionID].Player != p || snapshot.Seat.Team != "red" {
			t.Fatalf("the seat of %s is %+v", p, snapshot.Seat)
		}
		seats[snapshot.Seat.PlayerSessionID] = true
		if snapshot.Party == nil || snapshot.Party.State != muster.PartyPlaying || who(*snapshot.Party) != who(party) {
			t.Errorf("in the match the party of %s is %+v", p, snapshot.Party)
		}
	}
	if len(seats) != 2 {
		t.Errorf("two players have %d seats", len(seats))
	}
	if _, _, err := r.StartTicket(ctx, ann, squadTicket("squad"), ""); err == nil {
		t.Error("the leader started anew while seated")
	}

	session := must[muster.SeatView](t)(r.Seat(ctx, ann)).SessionID
	if _, err := r.ReportResult(ctx, session, muster.ResultReport{Teams: []muster.ResultTeam{
		{Name: "red", Rank: 1, Players: []muster.ResultPlayer{{PlayerID: ann}, {PlayerID: bob}}},
		{Name: "blue", Rank: 2, Players: []muster.ResultPlayer{{PlayerID: eve}}},
	}}); err != nil {
		t.Fatal(err)
	}
	after := must[muster.PartyView](t)(r.Party(ctx, bob))
	if after.State != muster.PartyIdle || who(after) != who(party) || after.Members[1].Ready {
		t.Errorf("after the match the party is %+v", after)
	}
	again := r.start(t, ann, squadTicket("squad"))
	if players := r.lift.tickets[again.ID].players; len(players) != 2 || fmt.Sprint(players[1].LatencyInMs) != "map[custom-local:7]" {
		t.Errorf("the next ticket has %+v", players)
	}
}

// all is every record of the store.
func (r *rig) all(t interface{ Fatal(args ...any) }) []muster.Record {
	var all []muster.Record
	err := r.store.Scan(context.Background(), func(page []muster.Record) error {
		all = append(all, page...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInvitesReachTheInvitedOnly(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann", "bob")
	eve, zoe := r.guest("eve"), r.guest("zoe")
	view := must[muster.PartyView](t)(r.Invite(ctx, ids[1], eve))
	if len(view.Invites) != 1 || view.Invites[0].PlayerID != eve || view.Invites[0].By != ids[1] {
		t.Errorf("the party shows %+v", view.Invites)
	}
	news := told[muster.InviteNews](r.inbox.take(), "invites")
	if len(news) != 1 || len(news[eve].Invites) != 1 || news[eve].Invites[0].PartyID != party.ID || news[eve].Invites[0].From != ids[1] {
		t.Errorf("told were %+v", news)
	}
	if snapshot := must[muster.Snapshot](t)(r.Snapshot(ctx, eve)); len(snapshot.Invites) != 1 || snapshot.Party != nil {
		t.Errorf("after a reconnect eve knows %+v", snapshot)
	}
	_, err := r.AcceptInvite(ctx, zoe, party.ID)
	wantError(t, err, muster.NotFound, "party.no_invite")
	if err := r.DeclineInvite(ctx, zoe, party.ID); err != nil {
		t.Errorf("declining what there is not: %v", err)
	}
	if err := r.DeclineInvite(ctx, eve, party.ID); err != nil {
		t.Fatal(err)
	}
	notices := r.inbox.take()
	if list, told := told[muster.InviteNews](notices, "invites")[eve]; !told || len(list.Invites) != 0 {
		t.Errorf("eve's other devices were told %+v", list)
	}
	if v := told[muster.PartyNews](notices, "party")[ids[0]].Party; v == nil || !v.Invites[0].Declined {
		t.Errorf("the party was told %+v", v)
	}
	_, err = r.AcceptInvite(ctx, eve, party.ID)
	wantError(t, err, muster.NotFound, "party.no_invite")
	_, err = r.Invite(ctx, ids[0], eve)
	wantError(t, err, muster.Conflict, "party.invite_declined")
	r.clock.advance(15 * time.Minute)
	must[muster.PartyView](t)(r.Invite(ctx, ids[0], eve))
	closed := false
	must[muster.PartyView](t)(r.ChangeParty(ctx, ids[0], muster.PartySettings{Open: &closed}))
	_, err = r.JoinParty(ctx, eve, party.Code)
	wantError(t, err, muster.NotFound, "party.no_code")
	if in := must[muster.PartyView](t)(r.AcceptInvite(ctx, eve, party.ID)); len(in.Members) != 3 || len(in.Invites) != 0 {
		t.Errorf("eve is in %+v", in)
	}
	must[muster.PartyView](t)(r.Invite(ctx, eve, zoe))
	must[muster.PartyView](t)(r.WithdrawInvite(ctx, ids[0], zoe))
	if list := must[[]muster.InviteView](t)(r.Invites(ctx, zoe)); len(list) != 0 {
		t.Errorf("zoe is invited to %+v", list)
	}
	_, err = r.Invite(ctx, ids[0], "nobody")
	wantError(t, err, muster.NotFound, "player.not_found")
}

func TestWrongCodesLookAlikeAndAreFew(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann")
	shut := false
	must[muster.PartyView](t)(r.ChangeParty(ctx, ids[0], muster.PartySettings{Open: &shut}))
	eve := r.guest("eve")
	var first error
	for i, code := range []string{party.Code, "22222222", "x", "", "22222222\xff", "2222-2223", "2222 2224", "22222225", "22222226", "22222227"} {
		_, err := r.JoinParty(ctx, eve, code)
		wantError(t, err, muster.NotFound, "party.no_code")
		if i == 0 {
			first = err
		}
		if err.Error() != first.Error() {
			t.Errorf("%q is refused with %v, a closed party with %v", code, err, first)
		}
	}
	_, err := r.JoinParty(ctx, eve, party.Code)
	wantError(t, err, muster.Exhausted, "party.too_many_codes")
	_, err = r.JoinParty(ctx, r.guest("zoe"), party.Code)
	wantError(t, err, muster.NotFound, "party.no_code")
	r.clock.advance(time.Minute)
	_, err = r.JoinParty(ctx, eve, "22222222")
	wantError(t, err, muster.NotFound, "party.no_code")
	if view := must[muster.PartyView](t)(r.JoinParty(ctx, ids[0], party.Code)); view.ID != party.ID {
		t.Errorf("a member's own code leads to %+v", view)
	}
}

func TestAPlayerIsInOneParty(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	one, ids := r.party(t, "squad", "ann", "bob")
	two, others := r.party(t, "squad", "cat")
	_, err := r.JoinParty(ctx, ids[1], two.Code)
	wantError(t, err, muster.Conflict, "party.already_in")
	_, err = r.CreateParty(ctx, ids[1], muster.PartySettings{})
	wantError(t, err, muster.Conflict, "party.already_in")
	// Who is alone in a party gives it up, and what belongs to it is gone.
	eve := r.guest("eve")
	must[muster.PartyView](t)(r.Invite(ctx, others[0], eve))
	r.inbox.take()
	if in := must[muster.PartyView](t)(r.JoinParty(ctx, others[0], one.Code)); in.ID != one.ID || len(in.Members) != 3 {
		t.Errorf("cat is in %+v", in)
	}
	if list, was := told[muster.InviteNews](r.inbox.take(), "invites")[eve]; !was || len(list.Invites) != 0 {
		t.Errorf("eve was told %+v", list)
	}
	_, err = r.JoinParty(ctx, eve, two.Code)
	wantError(t, err, muster.NotFound, "party.no_code")
	// But not while that party queues.
	three, _ := r.party(t, "squad", "dan")
	r.start(t, r.guest("dan"), squadTicket("squad"))
	_, err = r.JoinParty(ctx, r.guest("dan"), one.Code)
	wantError(t, err, muster.Conflict, "party.already_in")
	_, err = r.JoinParty(ctx, eve, three.Code)
	wantError(t, err, muster.Conflict, "party.queued")
}

func TestReadinessNeedsAModeForPreferences(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	ann := r.guest("ann")
	if view := must[muster.PartyView](t)(r.CreateParty(ctx, ann, muster.PartySettings{})); view.Mode != "" || view.MaxSize != 4 || !view.Open {
		t.Errorf("a party without a mode is %+v", view)
	}
	_, err := r.ReportReady(ctx, ann, muster.PartyReport{Preferences: map[string]string{"map": "tower"}})
	wantError(t, err, muster.Conflict, "party.no_mode")
	mode := muster.ModeName("squad")
	must[muster.PartyView](t)(r.ChangeParty(ctx, ann, muster.PartySettings{Mode: &mode}))
	_, err = r.ReportReady(ctx, ann, muster.PartyReport{Preferences: map[string]string{"map": "moon"}})
	wantError(t, err, muster.Invalid, "ticket.preference_invalid")
	must[muster.PartyView](t)(r.ReportReady(ctx, ann, muster.PartyReport{Preferences: map[string]string{"map": "tower"}}))
	unknown := muster.ModeName("chess")
	_, err = r.ChangeParty(ctx, ann, muster.PartySettings{Mode: &unknown})
	wantError(t, err, muster.NotFound, "mode.unknown")
	_, err = r.CreateParty(ctx, r.guest("bob"), muster.PartySettings{Mode: &unknown})
	wantError(t, err, muster.NotFound, "mode.unknown")
}

func TestAStrangerGetsNowhere(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann", "bob")
	eve := r.guest("eve")
	yes := true
	for name, call := range map[string]func() error{
		"read":     func() error { _, err := r.Party(ctx, eve); return err },
		"change":   func() error { _, err := r.ChangeParty(ctx, eve, muster.PartySettings{Open: &yes}); return err },
		"kick":     func() error { _, err := r.Kick(ctx, eve, ids[1]); return err },
		"lead":     func() error { _, err := r.PassLead(ctx, eve, eve); return err },
		"ready":    func() error { _, err := r.ReportReady(ctx, eve, muster.PartyReport{Ready: true}); return err },
		"invite":   func() error { _, err := r.Invite(ctx, eve, ids[0]); return err },
		"withdraw": func() error { _, err := r.WithdrawInvite(ctx, eve, ids[0]); return err },
	} {
		t.Run(name, func(t *testing.T) { wantError(t, call(), muster.NotFound, "party.none") })
	}
	for _, id := range []muster.PartyID{party.ID, "", "\xff", "a/b", muster.PartyID(strings.Repeat("x", 5000))} {
		_, err := r.AcceptInvite(ctx, eve, id)
		wantError(t, err, muster.NotFound, "party.no_invite")
	}
	// A stranger in a party of their own is one all the same.
	r.party(t, "squad", "eve")
	for name, call := range map[string]func() error{
		"kick":     func() error { _, err := r.Kick(ctx, eve, ids[1]); return err },
		"lead":     func() error { _, err := r.PassLead(ctx, eve, ids[1]); return err },
		"withdraw": func() error { _, err := r.WithdrawInvite(ctx, eve, ids[0]); return err },
	} {
		if err := call(); muster.KindOf(err) != muster.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if view := must[muster.PartyView](t)(r.Party(ctx, ids[0])); who(view) != who(party) || view.Version != party.Version {
		t.Errorf("the party is %+v", view)
	}
}

func TestNoViewShowsLatenciesOrSeatsOfOthers(t *testing.T) {
	r := newRig(false)
	ctx := context.Background()
	_, ids := r.party(t, "squad", "ann", "bob")
	if _, err := r.ReportReady(ctx, ids[1], muster.PartyReport{Ready: true, LatencyInMs: map[string]int{"custom-local": 4321}}); err != nil {
		t.Fatal(err)
	}
	r.start(t, ids[0], squadTicket("squad"))
	r.start(t, r.guest("eve"), squadTicket("squad"))
	r.mustDeliver(t)
	for _, n := range r.inbox.take() {
		text, err := json.Marshal(n.Data)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "4321") || strings.Contains(string(text), "custom-local\":") {
			t.Errorf("%s was told a latency: %s", n.Player, text)
		}
		for id, seat := range r.lift.seats {
			if strings.Contains(string(text), string(id)) && seat.Player != n.Player {
				t.Errorf("%s was told the seat of %s", n.Player, seat.Player)
			}
		}
	}
	view, err := json.Marshal(must[muster.PartyView](t)(r.Party(ctx, ids[0])))
	if err != nil || strings.Contains(string(view), "psess") || strings.Contains(string(view), "4321") {
		t.Errorf("the party shows %s", view)
	}
}

// counted counts the ops of every Write.
type counted struct {
	muster.Store
	mu     sync.Mutex
	writes [][]muster.Op // guarded by mu
}

func (c *counted) Write(ctx context.Context, ops ...muster.Op) error {
	c.mu.Lock()
	c.writes = append(c.writes, slices.Clone(ops))
	c.mu.Unlock()
	return c.Store.Write(ctx, ops...)
}

func TestAPartyCostsFewSmallRecords(t *testing.T) {
	store := &counted{}
	r := newRigWith(false, func(o *muster.Options) { store.Store = o.Store; o.Store = store })
	ctx := context.Background()
	party, ids := r.party(t, "squad", "ann", "bob", "cat")
	for _, id := range ids {
		must[muster.PartyView](t)(r.ReportReady(ctx, id, muster.PartyReport{Ready: true, LatencyInMs: map[string]int{"custom-local": 12}}))
	}
	for _, c := range []struct {
		name string
		do   func() error
		ops  []int // of each Write
	}{
		{"joining: the party and a pointer", func() error { _, err := r.JoinParty(ctx, r.guest("dan"), party.Code); return err }, []int{2}},
		{"saying nothing new", func() error { _, err := r.ReportReady(ctx, ids[0], muster.PartyReport{Ready: true}); return err }, nil},
		{"reading", func() error { _, err := r.Party(ctx, ids[0]); return err }, nil},
		{"connecting", func() error { _, err := r.Snapshot(ctx, ids[0]); return err }, nil},
		{"starting: the due record; four slots, the ticket, the party", func() error { _, _, err := r.StartTicket(ctx, ids[0], squadTicket("squad"), ""); return err }, []int{1, 6}},
		{"the end of a ticket: the ticket and four slots", func() error {
			_, err := r.CancelTicket(ctx, ids[0], must[muster.PartyView](t)(r.Party(ctx, ids[0])).TicketID)
			return err
		}, []int{5}},
		{"leaving: the party and a pointer", func() error { return r.LeaveParty(ctx, ids[0]) }, []int{2}},
	} {
		store.writes = nil
		r.guest("dan") // made before it is counted
		store.writes = nil
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var made []int
		for _, ops := range store.writes {
			made = append(made, len(ops))
			for _, op := range ops {
				if strings.HasPrefix(op.Key.Partition, "PTY#") && len(op.Value) > 1000 {
					t.Errorf("%s: the party takes %d bytes: %s", c.name, len(op.Value), op.Value)
				}
			}
		}
		if !slices.Equal(made, c.ops) {
			t.Errorf("%s: Writes of %v ops, want %v", c.name, made, c.ops)
		}
	}
}

package muster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster"
)

// failer is what a check complains to: a test, or a random one.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// What the checks read of the records.
type (
	storedParty struct {
		ID      muster.PartyID
		Code    string
		Mode    muster.ModeName
		Leader  muster.PlayerID
		Members []struct{ ID muster.PlayerID }
		Invites []struct {
			Player    muster.PlayerID
			Declined  bool
			ExpiresAt time.Time
		}
		Ticket muster.TicketID
	}
	storedSlot struct {
		Kind   string
		Ticket muster.TicketID
	}
	storedTicket struct {
		Status  muster.TicketStatus
		Party   muster.PartyID
		Players []struct{ ID muster.PlayerID }
	}
)

// records is everything in the store that has to do with parties, decoded.
type records struct {
	parties  map[muster.PartyID]storedParty
	pointers map[string]muster.PartyID // by player
	codes    map[string]muster.PartyID
	invites  map[string][]muster.InviteView // by player
	slots    map[string]storedSlot
	tickets  map[string]storedTicket
}

func (r *rig) records(t failer) records {
	all := records{
		parties: map[muster.PartyID]storedParty{}, pointers: map[string]muster.PartyID{}, codes: map[string]muster.PartyID{},
		invites: map[string][]muster.InviteView{}, slots: map[string]storedSlot{}, tickets: map[string]storedTicket{},
	}
	for _, rec := range r.all(t) {
		kind, id, _ := strings.Cut(rec.Partition, "#")
		var p storedParty
		var to struct{ Party muster.PartyID }
		var list struct{ Invites []muster.InviteView }
		var slot storedSlot
		var ticket storedTicket
		var err error
		switch {
		case kind == "PTY":
			err = json.Unmarshal(rec.Value, &p)
			all.parties[muster.PartyID(id)] = p
		case kind == "CODE":
			err = json.Unmarshal(rec.Value, &to)
			all.codes[id] = to.Party
		case rec.Sort == "PARTY":
			err = json.Unmarshal(rec.Value, &to)
			all.pointers[id] = to.Party
		case rec.Sort == "INVITES":
			err = json.Unmarshal(rec.Value, &list)
			all.invites[id] = list.Invites
		case rec.Sort == "SLOT":
			err = json.Unmarshal(rec.Value, &slot)
			all.slots[id] = slot
		case kind == "T" && rec.Sort == "META":
			err = json.Unmarshal(rec.Value, &ticket)
			all.tickets[id] = ticket
		}
		if err != nil {
			t.Fatal(rec.Partition, rec.Sort, err)
		}
	}
	return all
}

// checkParties holds the invariants of parties against all that is stored.
func (r *rig) checkParties(t failer) {
	t.Helper()
	all := r.records(t)
	now := r.clock.now()
	home := map[muster.PlayerID]muster.PartyID{}
	for id, p := range all.parties {
		if all.codes[p.Code] != id {
			t.Errorf("the code %s of party %s leads to %q", p.Code, id, all.codes[p.Code])
		}
		limit := map[muster.ModeName]int{"duel": 1, "pairs": 2}[p.Mode]
		if limit == 0 {
			limit = 4
		}
		if len(p.Members) == 0 || len(p.Members) > limit {
			t.Errorf("party %s of mode %q has %d members", id, p.Mode, len(p.Members))
		}
		leads := false
		for _, m := range p.Members {
			leads = leads || m.ID == p.Leader
			if other, twice := home[m.ID]; twice {
				t.Errorf("player %s is in the parties %s and %s", m.ID, other, id)
			}
			home[m.ID] = id
			if all.pointers[string(m.ID)] != id {
				t.Errorf("member %s of party %s points to %q", m.ID, id, all.pointers[string(m.ID)])
			}
		}
		if !leads {
			t.Errorf("party %s is led by %s, who is not in it", id, p.Leader)
		}
		all.checkQueued(t, p)
		for _, i := range p.Invites {
			listed := slices.ContainsFunc(all.invites[string(i.Player)], func(v muster.InviteView) bool { return v.PartyID == id && v.ExpiresAt.After(now) })
			if open := !i.Declined && i.ExpiresAt.After(now); open != listed {
				t.Errorf("an invite of party %s for %s counts: %t; it is on their list: %t", id, i.Player, open, listed)
			}
		}
	}
	for player, id := range all.pointers {
		if _, lives := all.parties[id]; lives && home[muster.PlayerID(player)] != id {
			t.Errorf("%s points to party %s and is not in it", player, id)
		}
	}
	for code, id := range all.codes {
		if p, lives := all.parties[id]; lives && p.Code != code {
			t.Errorf("the code %s leads to party %s, whose code is %s", code, id, p.Code)
		}
	}
	all.checkLists(t, now)
	all.checkTickets(t, home)
}

// checkTickets: who waits on a party's ticket is in the party. Only once a session is
// starting may they have left.
func (all *records) checkTickets(t failer, home map[muster.PlayerID]muster.PartyID) {
	t.Helper()
	for id, ticket := range all.tickets {
		if _, lives := all.parties[ticket.Party]; !lives || ticket.Status.Final() || ticket.Status == muster.Placing {
			continue
		}
		for _, p := range ticket.Players {
			if home[p.ID] != ticket.Party {
				t.Errorf("ticket %s of party %s is %s with %s, who is in party %q", id, ticket.Party, ticket.Status, p.ID, home[p.ID])
			}
		}
	}
}

// checkQueued: while a party's ticket is under way, every member is on it and on no other.
func (all *records) checkQueued(t failer, p storedParty) {
	t.Helper()
	ticket, there := all.tickets[string(p.Ticket)]
	if !there || ticket.Status.Final() {
		return
	}
	for _, m := range p.Members {
		if slot := all.slots[string(m.ID)]; slot.Kind != "ticket" || slot.Ticket != p.Ticket {
			t.Errorf("party %s is on ticket %s (%s), and its member %s in %+v", p.ID, p.Ticket, ticket.Status, m.ID, slot)
		}
		if !slices.ContainsFunc(ticket.Players, func(q struct{ ID muster.PlayerID }) bool { return q.ID == m.ID }) {
			t.Errorf("party %s is on ticket %s without its member %s", p.ID, p.Ticket, m.ID)
		}
	}
}

// checkLists: what a player is invited to is a party that invites them.
func (all *records) checkLists(t failer, now time.Time) {
	t.Helper()
	for player, list := range all.invites {
		for _, v := range list {
			if !v.ExpiresAt.After(now) {
				continue
			}
			invites := slices.ContainsFunc(all.parties[v.PartyID].Invites, func(i struct {
				Player    muster.PlayerID
				Declined  bool
				ExpiresAt time.Time
			},
			) bool {
				return string(i.Player) == player && !i.Declined
			})
			if !invites {
				t.Errorf("%s is invited to party %s, which does not invite them", player, v.PartyID)
			}
		}
	}
}

// history is a random one of players, parties, tickets and events.
type history struct {
	*rig
	players []muster.PlayerID
	flying  []muster.Event
	luck    int // of starts; see randomParties
}

// allow fails on an error that no history explains.
func (h *history) allow(rt *rapid.T, err error) {
	rt.Helper()
	switch muster.KindOf(err) {
	case muster.Conflict, muster.Unavailable, muster.NotFound, muster.Denied, muster.Exhausted:
		return
	}
	if err != nil && !strings.Contains(err.Error(), "party.kick_self") && !strings.Contains(err.Error(), "preference") {
		rt.Fatalf("unexpected: %v", err)
	}
}

func TestPartiesHoldTogetherWhateverHappens(t *testing.T) {
	for _, c := range []struct {
		name       string
		acceptance bool
		luck       int // the least; a start fails with less than 3
	}{
		{"matches are made", false, 3},
		{"matches are accepted", true, 3},
		{"matches are made, starts fail", false, 0},
		{"matches are accepted, starts fail", true, 0},
	} {
		t.Run(c.name, func(t *testing.T) { randomParties(t, c.acceptance, c.luck) })
	}
}

func randomParties(t *testing.T, acceptance bool, luck int) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{rig: newRig(acceptance), luck: luck}
		for i := range 6 {
			h.players = append(h.players, h.guest(fmt.Sprint("player", i)))
		}
		h.begin(rt)
		actions := h.partyActions()
		maps.Copy(actions, h.inviteActions())
		maps.Copy(actions, h.playActions())
		maps.Copy(actions, h.worldActions())
		actions[""] = func(rt *rapid.T) { h.checkParties(rt) }
		rt.Repeat(actions)
		h.calm(rt)
		h.checkNoneIsStuck(rt)
	})
}

// any is one of the players.
func (h *history) any(rt *rapid.T, role string) muster.PlayerID {
	return rapid.SampledFrom(h.players).Draw(rt, role)
}

func anyMode(rt *rapid.T) muster.ModeName {
	return rapid.SampledFrom([]muster.ModeName{"squad", "squad-ready", "pairs", "duel"}).Draw(rt, "mode")
}

// partyOf is the party of a player, or the zero value.
func (h *history) partyOf(rt *rapid.T, p muster.PlayerID) muster.PartyView {
	v, err := h.Party(context.Background(), p)
	h.allow(rt, err)
	return v
}

// partyActions are about who is in a party and what it is set to.
func (h *history) partyActions() map[string]func(*rapid.T) {
	ctx := context.Background()
	return map[string]func(*rapid.T){
		"create": func(rt *rapid.T) {
			want := muster.PartySettings{}
			if m := anyMode(rt); rapid.Bool().Draw(rt, "with mode") {
				want.Mode = &m
			}
			_, err := h.CreateParty(ctx, h.any(rt, "who"), want)
			h.allow(rt, err)
		},
		"join": func(rt *rapid.T) {
			_, err := h.JoinParty(ctx, h.any(rt, "who"), h.partyOf(rt, h.any(rt, "whose")).Code)
			h.allow(rt, err)
		},
		"leave": func(rt *rapid.T) { h.allow(rt, h.LeaveParty(ctx, h.any(rt, "who"))) },
		"erase": func(rt *rapid.T) { h.allow(rt, h.LeavePartyFor(ctx, h.any(rt, "who"))) },
		"kick": func(rt *rapid.T) {
			_, err := h.Kick(ctx, h.any(rt, "who"), h.any(rt, "whom"))
			h.allow(rt, err)
		},
		"lead": func(rt *rapid.T) {
			_, err := h.PassLead(ctx, h.any(rt, "who"), h.any(rt, "whom"))
			h.allow(rt, err)
		},
		"ready": func(rt *rapid.T) {
			_, err := h.ReportReady(ctx, h.any(rt, "who"), muster.PartyReport{Ready: rapid.Bool().Draw(rt, "ready"), LatencyInMs: map[string]int{"custom-local": 5}})
			h.allow(rt, err)
		},
		"change": func(rt *rapid.T) {
			m, open := anyMode(rt), rapid.Bool().Draw(rt, "open")
			_, err := h.ChangeParty(ctx, h.any(rt, "who"), muster.PartySettings{Mode: &m, Open: &open})
			h.allow(rt, err)
		},
	}
}

func (h *history) inviteActions() map[string]func(*rapid.T) {
	ctx := context.Background()
	return map[string]func(*rapid.T){
		"invite": func(rt *rapid.T) {
			_, err := h.Invite(ctx, h.any(rt, "who"), h.any(rt, "whom"))
			h.allow(rt, err)
		},
		"answer an invite": func(rt *rapid.T) {
			p, id := h.any(rt, "who"), h.partyOf(rt, h.any(rt, "whose")).ID
			if rapid.Bool().Draw(rt, "yes") {
				_, err := h.AcceptInvite(ctx, p, id)
				h.allow(rt, err)
			} else {
				h.allow(rt, h.DeclineInvite(ctx, p, id))
			}
		},
		"withdraw": func(rt *rapid.T) {
			_, err := h.WithdrawInvite(ctx, h.any(rt, "who"), h.any(rt, "whom"))
			h.allow(rt, err)
		},
	}
}

// playActions are what players do with tickets.
func (h *history) playActions() map[string]func(*rapid.T) {
	ctx := context.Background()
	ticketOf := func(rt *rapid.T, p muster.PlayerID) muster.TicketID {
		snapshot, err := h.Snapshot(ctx, p)
		h.allow(rt, err)
		if snapshot.Ticket == nil {
			return ""
		}
		return snapshot.Ticket.ID
	}
	return map[string]func(*rapid.T){
		"start": func(rt *rapid.T) {
			h.lift.startErr = lossy(rapid.IntRange(h.luck, 6).Draw(rt, "luck"))
			p, m := h.any(rt, "who"), anyMode(rt)
			if v := h.partyOf(rt, p); v.Mode != "" {
				m = v.Mode
			}
			_, _, err := h.StartTicket(ctx, p, squadTicket(m), "")
			if muster.KindOf(err) != muster.Invalid {
				h.allow(rt, err)
			}
		},
		"cancel": func(rt *rapid.T) {
			p := h.any(rt, "who")
			_, err := h.CancelTicket(ctx, p, ticketOf(rt, p))
			h.allow(rt, err)
		},
		"answer a match": func(rt *rapid.T) {
			p := h.any(rt, "who")
			_, err := h.AnswerMatch(ctx, p, ticketOf(rt, p), rapid.IntRange(0, 4).Draw(rt, "answer") > 0)
			h.allow(rt, err)
		},
	}
}

// worldActions are what happens to players.
func (h *history) worldActions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"events come": h.fly,
		"a proposal expires": func(*rapid.T) {
			for _, id := range slices.Sorted(maps.Keys(h.lift.matches)) {
				if m := h.lift.matches[id]; !m.decided {
					h.lift.decide(m, "TimedOut")
					return
				}
			}
		},
		"a session ends": func(*rapid.T) { h.endSession() },
		"GameLift comes and goes": func(rt *rapid.T) {
			h.lift.down = rapid.IntRange(0, 3).Draw(rt, "down") == 0
		},
		"time passes": func(rt *rapid.T) {
			h.clock.advance(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 12 * time.Second, time.Minute, 16 * time.Minute, 25 * time.Hour}).Draw(rt, "for"))
			h.allow(rt, h.Reconcile(context.Background()))
		},
	}
}

// begin lets some of the players be in parties already.
func (h *history) begin(rt *rapid.T) {
	ctx := context.Background()
	mode := muster.ModeName("squad")
	for _, ids := range [][]muster.PlayerID{h.players[:3], h.players[3:5]} {
		var code string
		for _, id := range ids[:rapid.IntRange(0, len(ids)).Draw(rt, "members")] {
			v, err := h.JoinParty(ctx, id, code)
			if code == "" {
				v, err = h.CreateParty(ctx, id, muster.PartySettings{Mode: &mode})
			}
			if err != nil {
				rt.Fatal(err)
			}
			code = v.Code
		}
	}
}

// lossy is what becomes of a start: mostly it works.
func lossy(luck int) func() (bool, error) {
	return map[int]func() (bool, error){
		0: func() (bool, error) { return false, errDown },
		1: func() (bool, error) { return true, errDown },
		2: func() (bool, error) { return false, muster.Errorf(muster.Invalid, "gamelift.invalid", "refused") },
	}[luck]
}

// fly lands one of the events that are on their way, any one; some are lost or doubled.
func (h *history) fly(rt *rapid.T) {
	for _, ev := range h.lift.take() {
		switch rapid.IntRange(0, 5).Draw(rt, "fate") {
		case 0:
		case 1:
			h.flying = append(h.flying, ev, ev)
		default:
			h.flying = append(h.flying, ev)
		}
	}
	if len(h.flying) == 0 {
		return
	}
	i := rapid.IntRange(0, len(h.flying)-1).Draw(rt, "which")
	h.allow(rt, h.ApplyEvent(context.Background(), h.flying[i]))
	h.flying = slices.Delete(h.flying, i, i+1)
}

// endSession ends the oldest session; its server vanishes without a result.
func (h *history) endSession() {
	for _, id := range slices.Sorted(maps.Keys(h.lift.sessions)) {
		if session := h.lift.sessions[id]; session.Live {
			session.Live = false
			for _, seat := range h.lift.seats {
				seat.Live = seat.Live && seat.Session != id
			}
			return
		}
	}
}

// calm ends everything at GameLift without telling anybody, and gives the reconciler its
// time.
func (h *history) calm(rt *rapid.T) {
	h.lift.down, h.lift.startErr, h.flying = false, nil, nil
	for range 75 {
		h.lift.timeOut() // those, too, of which GameLift is told only now
		for range h.lift.sessions {
			h.endSession()
		}
		h.clock.advance(time.Second)
		if err := h.Reconcile(context.Background()); err != nil {
			rt.Fatal(err)
		}
	}
	h.checkParties(rt)
}

// checkNoneIsStuck: once everything is over, every party can queue again, and so can
// every player without one.
func (h *history) checkNoneIsStuck(rt *rapid.T) {
	ctx := context.Background()
	for _, p := range h.players {
		view, err := h.Party(ctx, p)
		if muster.KindOf(err) == muster.NotFound && err != nil {
			if _, _, err := h.StartTicket(ctx, p, duel(), ""); err != nil {
				rt.Errorf("player %s, in no party, cannot start: %v", p, err)
			}
			continue
		}
		if err != nil || view.State != muster.PartyIdle {
			rt.Errorf("the party of %s is %s (%v)", p, view.State, err)
			continue
		}
		if _, err := h.ReportReady(ctx, p, muster.PartyReport{Ready: true}); err != nil {
			rt.Errorf("%s cannot be ready: %v", p, err)
		}
	}
	for id, p := range h.records(rt).parties {
		mode := p.Mode
		if mode == "" {
			mode = "squad"
		}
		if _, _, err := h.StartTicket(ctx, p.Leader, squadTicket(mode), ""); err != nil {
			rt.Errorf("party %s cannot start: %v", id, err)
		}
	}
	h.checkParties(rt)
}

package model

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"muster"
)

// liftConfigs are the matchmaking configurations at GameLift; options has a mode of the
// same name for each.
func liftConfigs() map[string]liftConfig {
	return map[string]liftConfig{
		"duel":  {size: 1, acceptance: true, seasons: true, timeout: 2 * time.Minute},
		"pairs": {size: 2, timeout: 3 * time.Minute},
		"raid":  {size: 1, standalone: true, seasons: true, timeout: 2 * time.Minute},
	}
}

// options is how the service is configured.
func (w *world) options() muster.Options {
	low, high := 0.0, 5000.0
	var modes []muster.Mode
	for _, name := range slices.Sorted(maps.Keys(liftConfigs())) {
		size := liftConfigs()[name].size
		mode := muster.Mode{
			Name: muster.ModeName(name), Title: name, Configuration: name,
			Teams: []muster.ModeTeam{{Name: "red", MinPlayers: size, MaxPlayers: size}, {Name: "blue", MinPlayers: size, MaxPlayers: size}},
			Attributes: map[string]muster.AttributeSource{
				"skill": {From: muster.FromRating, Min: &low, Max: &high},
				"map":   {From: muster.FromClient, Choices: []string{"harbour", "tower"}},
			},
		}
		if liftConfigs()[name].seasons {
			mode.Competition = seasons()
		}
		if liftConfigs()[name].standalone {
			mode.Kind, mode.Sessions = muster.Standalone, &muster.SessionOptions{Queue: "queue"}
		}
		modes = append(modes, mode)
	}
	modes = append(modes, muster.Mode{
		Name: "arena", Title: "arena", Kind: muster.Queue,
		Sessions: &muster.SessionOptions{Queue: "queue", MaxPlayers: 3, Create: muster.CreateByPlayers, Browse: true, Spectators: 1},
	})
	return muster.Options{
		Rating: system{}, Modes: modes, Locations: []string{"custom-local"},
		Profile: muster.ProfileOptions{Names: muster.NamesUnique},
		Data:    []muster.Namespace{{Name: "settings", Write: muster.PlayerWrites}, {Name: "careful", Write: muster.PlayerWrites, RequireMatch: true}},
	}
}

// seasons turn while a history lasts. Who is idle for long grows uncertain.
func seasons() muster.Competition {
	return muster.Competition{CarryOver: 0.5, DecayAfter: time.Hour, Seasons: []muster.Season{
		{Name: "first", StartsAt: beginning.Add(5 * time.Second)},
		{Name: "second", StartsAt: beginning.Add(15 * time.Second)},
		{Name: "third", StartsAt: beginning.Add(30 * time.Second)},
		{Name: "fourth", StartsAt: beginning.Add(time.Minute)},
		{Name: "fifth", StartsAt: beginning.Add(10 * time.Hour)},
		{Name: "sixth", StartsAt: beginning.Add(40 * time.Hour)},
	}}
}

// system is a rating system in which order matters: who wins against the strong gains
// more.
type system struct{}

func (system) Name() string                      { return "model" }
func (system) Adopt(s muster.Skill) muster.Skill { return s }
func (system) New() muster.Skill                 { return muster.Skill{Mu: 25, Sigma: 8} }
func (system) Points(s muster.Skill) int         { return int(math.Round(60 * s.Mu)) }

func (system) Idle(s muster.Skill, idle time.Duration) muster.Skill {
	s.Sigma += idle.Hours() / 100
	return s
}

func (system) Rate(m muster.RatedMatch) [][]muster.Skill {
	sum, n := 0.0, 0.0
	best := m.Teams[0].Rank
	for _, team := range m.Teams {
		best = min(best, team.Rank)
		for _, p := range team.Players {
			sum, n = sum+p.Skill.Mu, n+1
		}
	}
	after := make([][]muster.Skill, len(m.Teams))
	for i, team := range m.Teams {
		for _, p := range team.Players {
			s := p.Skill
			gain := -1.0
			if team.Rank == best {
				gain = 1
			}
			s.Mu += gain + (sum/n-s.Mu)/10
			after[i] = append(after[i], s)
		}
	}
	return after
}

func playerActions() []action {
	return []action{
		{"a player comes", 4, func(w *world, r *replica) {
			if len(w.players) < 14 {
				w.signIn(r, fmt.Sprint("guest-", len(w.players)))
			}
		}},
		{"a player comes back", 2, func(w *world, r *replica) {
			if p, ok := w.somebody(); ok {
				w.signIn(r, w.subjects[p])
			}
		}},
		{"a player takes a name", 2, func(w *world, r *replica) {
			p, ok := w.somebody()
			if !ok {
				return
			}
			name := names[w.rand.IntN(len(names))]
			w.names[p].write(name, func() error {
				view, err := r.UpdateProfile(context.Background(), p, muster.ProfileChange{DisplayName: &name}, muster.Precondition{})
				w.allow(err, "rename", muster.Conflict) // another has the name
				w.shown(p, view)
				return err
			})
		}},
		{"a player looks", 6, func(w *world, r *replica) {
			p, ok := w.somebody()
			if !ok {
				return
			}
			snap, err := r.Snapshot(context.Background(), p)
			w.allow(err, "snapshot")
			w.shown(p, snap)
		}},
	}
}

// signIn makes or finds the player of a subject.
func (w *world) signIn(r *replica, subject string) {
	ctx := context.Background()
	for p, gone := range w.left {
		if w.subjects[p] == subject && !gone.done {
			return // who asked to be deleted waits for the answer
		}
	}
	before := maps.Clone(w.subjects)
	p, created, err := r.EnsurePlayer(ctx, muster.Identity{Provider: muster.GuestProvider, Subject: subject}, []byte("hash"))
	w.allow(err, "sign in")
	if err != nil {
		return
	}
	if w.left[p] != nil {
		w.fail("subject %s leads to %s, who was deleted", subject, p)
	}
	for known, s := range w.subjects {
		if s == subject && known != p && w.left[known] == nil {
			w.fail("subject %s is %s and was %s", subject, p, known)
		}
	}
	if created {
		if _, known := before[p]; known || w.created[p] {
			w.fail("%s was made twice", p)
		}
		w.created[p] = true
	}
	if _, known := w.subjects[p]; known {
		return // found meanwhile, perhaps before the store's answer to who made it
	}
	view, err := r.Player(ctx, p)
	w.allow(err, "read a new player")
	if err != nil {
		return // the next sign-in finds it
	}
	if _, known := w.subjects[p]; known || w.left[p] != nil {
		return // signed in, and perhaps deleted, meanwhile
	}
	w.players = append(w.players, p)
	w.subjects[p] = subject
	w.names[p] = &register{may: []string{view.DisplayName}}
	w.documents[p] = map[string]*documentFact{}
	for _, namespace := range namespaces {
		w.documents[p][namespace] = &documentFact{register: register{may: []string{""}}, replaced: map[string]string{}}
	}
}

func ticketActions() []action {
	return []action{
		{"a player queues", 22, func(w *world, r *replica) { w.queue(r) }},
		{"a player answers", 14, func(w *world, r *replica) {
			w.answer(r, w.rand.IntN(6) > 0)
		}},
		{"a player cancels", 2, func(w *world, r *replica) {
			if len(w.tickets) == 0 {
				return
			}
			t := w.recentTicket()
			view, err := r.CancelTicket(context.Background(), t.player, t.id)
			w.allow(err, "cancel", muster.Conflict, muster.NotFound)
			w.shown(t.player, view)
		}},
		{"somebody else looks at a ticket", 1, func(w *world, r *replica) {
			p, ok := w.somebody()
			if !ok || len(w.tickets) == 0 {
				return
			}
			t := w.recentTicket()
			known := w.lift.tickets[t.id]
			if known == nil || slices.ContainsFunc(known.players, func(m muster.MatchmakingPlayer) bool { return m.ID == p }) {
				return
			}
			if _, err := r.Ticket(context.Background(), p, t.id); muster.KindOf(err) != muster.NotFound {
				w.allow(err, "a stranger's look at a ticket")
				if err == nil {
					w.fail("%s sees ticket %s of %s", p, t.id, t.player)
				}
			}
		}},
	}
}

// queue asks for a match, perhaps twice with the same key.
func (w *world) queue(r *replica) {
	p, ok := w.somebody()
	if !ok {
		return
	}
	modes := sorted(liftConfigs())
	mode := muster.ModeName(modes[w.rand.IntN(len(modes))])
	if favourite := modes[w.seed%uint64(len(modes))]; w.rand.IntN(2) == 0 { // so that there are many matches of it
		mode = muster.ModeName(favourite)
	}
	req := muster.TicketRequest{Mode: mode, LatencyInMs: map[string]int{"custom-local": w.rand.IntN(100)}}
	key := ""
	if w.rand.IntN(2) == 0 {
		w.keys++
		key = fmt.Sprint("key-", w.keys)
	}
	view, created, err := r.StartTicket(context.Background(), p, req, key)
	w.allow(err, "queue", muster.Conflict, muster.Invalid, muster.Denied)
	if err == nil {
		w.shown(p, view)
		if !created {
			w.fail("a new key %q gave an old ticket", key)
		}
		w.tickets = append(w.tickets, ticketFact{p, view.ID, w.now})
	}
	if key == "" || w.rand.IntN(2) == 0 {
		return
	}
	if w.rand.IntN(2) == 0 && w.acting < len(w.replicas) {
		r = w.idle()
	}
	again, created, err2 := r.StartTicket(context.Background(), p, req, key)
	w.allow(err2, "queue again", muster.Conflict, muster.Invalid, muster.Denied, muster.NotFound)
	if err2 != nil {
		return
	}
	w.shown(p, again)
	if err == nil && (created || again.ID != view.ID) {
		w.fail("key %q gave ticket %s and then %s", key, view.ID, again.ID)
	}
	if err != nil {
		w.tickets = append(w.tickets, ticketFact{p, again.ID, w.now})
	}
}

// recentTicket is one of the last.
func (w *world) recentTicket() ticketFact {
	return w.tickets[len(w.tickets)-1-w.rand.IntN(min(12, len(w.tickets)))]
}

// answer lets a player answer a proposal that they are shown.
func (w *world) answer(r *replica, accept bool) {
	ctx := context.Background()
	for range min(6, len(w.tickets)) {
		t := w.recentTicket()
		view, err := r.Ticket(ctx, t.player, t.id)
		w.allow(err, "look at a ticket", muster.NotFound)
		if err == nil && view.Status == muster.RequiresAcceptance && view.Match.You == "pending" {
			_, err := r.AnswerMatch(ctx, t.player, t.id, accept)
			w.allow(err, "answer", muster.Conflict)
			return
		}
	}
}

func resultActions() []action {
	return []action{
		{"a result is judged", 2, func(w *world, r *replica) {
			ids := slices.Sorted(maps.Keys(w.reports))
			if len(ids) == 0 {
				return
			}
			id := ids[w.rand.IntN(len(ids))]
			judge, says := r.VoidResult, "void"
			if w.rand.IntN(3) == 0 {
				judge, says = r.RestoreResult, "counts"
			}
			w.verdicts[id].write(says, func() error {
				_, err := judge(context.Background(), id, muster.ResultVerdict{Reason: "a dispute", Operator: "model"})
				w.allow(err, "judge a result", muster.Conflict) // after too many verdicts
				return err
			})
		}},
		{"ratings are counted again", 2, func(w *world, r *replica) {
			w.allow(r.Recount(context.Background()), "recount")
		}},
		{"a session ends", 16, func(w *world, r *replica) { w.endSession(r) }},
		{"a result is repeated", 2, func(w *world, r *replica) {
			for _, id := range slices.Sorted(maps.Keys(w.reports)) {
				if w.rand.IntN(len(w.reports)) > 0 {
					continue
				}
				view, err := r.ReportResult(context.Background(), id, w.reports[id])
				w.allow(err, "repeat a result")
				if err == nil && !view.Repeated {
					w.fail("the result of %s was taken twice", id)
				}
				other := w.reports[id]
				other.Teams = slices.Clone(other.Teams)
				other.Teams[0].Score++
				if _, err := r.ReportResult(context.Background(), id, other); err == nil {
					w.fail("another result of %s was taken", id)
				} else {
					w.allow(err, "another result", muster.Conflict)
				}
				return
			}
		}},
	}
}

// endSession ends a session: its server reports until it is heard, or vanishes.
func (w *world) endSession(r *replica) {
	live := []muster.SessionID{}
	for _, id := range slices.Sorted(maps.Keys(w.lift.sessions)) {
		if w.lift.sessions[id].Live && w.lift.sessions[id].Teams != nil {
			live = append(live, id)
		}
	}
	if len(live) == 0 {
		return
	}
	id := live[w.rand.IntN(len(live))]
	if w.lift.sessions[id].Configuration == "pairs" && w.rand.IntN(4) > 0 {
		return // they last longer, so that players walk out and others come
	}
	if w.rand.IntN(10) == 0 {
		w.lift.end(id)
		return // crashed
	}
	w.tried[id], w.lift.closing[id] = true, true
	report := w.report(id)
	_, err := r.ReportResult(context.Background(), id, report)
	if muster.KindOf(err) == muster.NotFound && err != nil && w.unwanted(r, id) {
		return
	}
	w.allow(err, "report a result")
	if err == nil {
		w.reports[id] = report
		if w.verdicts[id] == nil {
			w.verdicts[id] = &register{may: []string{"counts"}}
		}
		w.lift.end(id)
	}
}

// unwanted says that a session was placed for a match whose tickets have all ended since:
// nobody plays in it.
func (w *world) unwanted(r *replica, id muster.SessionID) bool {
	s := w.lift.sessions[id]
	match := w.lift.matchOf(id)
	if match == "" {
		return false
	}
	for _, p := range slices.Sorted(maps.Keys(s.Teams)) {
		snap, err := r.Snapshot(context.Background(), p)
		if err != nil {
			return true // it cannot be said
		}
		waits := snap.Ticket != nil && snap.Ticket.Match != nil && snap.Ticket.Match.ID == match
		if waits || snap.Seat != nil && snap.Seat.SessionID == id {
			return false
		}
	}
	w.counts["unwanted sessions"]++
	return true
}

// report is a result of a session; the same one each time.
func (w *world) report(id muster.SessionID) muster.ResultReport {
	ranks := map[string]int{"red": 1, "blue": 2}
	switch len(id) % 3 * int(w.seed%3) % 3 {
	case 1:
		ranks = map[string]int{"red": 2, "blue": 1}
	case 2:
		ranks = map[string]int{"red": 1, "blue": 1}
	}
	teams := w.lift.sessions[id].Teams
	var report muster.ResultReport
	for _, name := range []string{"blue", "red"} {
		team := muster.ResultTeam{Name: name, Rank: ranks[name]}
		for _, p := range slices.Sorted(maps.Keys(teams)) {
			if teams[p] == name {
				team.Players = append(team.Players, muster.ResultPlayer{PlayerID: p})
			}
		}
		report.Teams = append(report.Teams, team)
	}
	return report
}

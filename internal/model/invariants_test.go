package model

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"muster"
)

// checkRest checks what must hold once the service has come to rest.
func (w *world) checkRest() {
	r := w.replicas[0]
	all := w.checkOwners(true)
	w.checkNames(all)
	w.checkSeats(r)
	w.checkTickets(r)
	w.checkParties(r)
	w.checkRatings(r)
	w.counts["results"] += len(w.reports)
	w.counts["players"] += len(w.players)
	w.counts["backfills"] += w.lift.filled
	for _, p := range w.players {
		w.checkPlayer(r, p)
		w.checkGames(p, all)
		w.checkDocuments(r, p)
	}
	w.checkErased()
}

// checkTickets: every ticket that was acknowledged is over, as it is at GameLift.
func (w *world) checkTickets(r *replica) {
	ctx := context.Background()
	for _, t := range w.tickets {
		if w.now.Sub(t.at) > 23*time.Hour {
			continue // tickets are kept for a day
		}
		view, err := r.Ticket(ctx, t.player, t.id)
		if muster.KindOf(err) == muster.NotFound && err != nil {
			w.fail("ticket %s of %s was acknowledged and is gone", t.id, t.player)
			continue
		}
		w.allow(err, "read a ticket at rest")
		w.shown(t.player, view)
		w.counts["tickets "+string(view.Status)]++
		known := w.lift.tickets[t.id]
		switch {
		case !view.Status.Final():
			w.fail("ticket %s of %s is still %s at rest", t.id, t.player, view.Status)
		case known != nil && known.Status != view.Status && !liftConfigs()[known.config].standalone:
			w.fail("ticket %s is %s, GameLift has it %s", t.id, view.Status, known.Status)
		}
	}
}

// checkRatings: what is stored is what the stored results lead to.
func (w *world) checkRatings(r *replica) {
	for _, mode := range slices.Sorted(maps.Keys(liftConfigs())) {
		report, err := r.Replay(context.Background(), muster.ModeName(mode), muster.ReplayOptions{})
		w.allow(err, "replay at rest")
		w.counts["ratings replayed"] += report.Agree
		if report.Different+report.Gaps+report.Inconsistent > 0 {
			w.fail("a replay of %s differs from what is stored: %+v", mode, report)
		}
	}
}

// checkPlayer: who they are, that they are free or in a session that lives, and that
// every result counts once.
func (w *world) checkPlayer(r *replica, p muster.PlayerID) {
	ctx := context.Background()
	me, err := r.Me(ctx, p)
	w.allow(err, "read a player at rest")
	if !slices.Contains(w.names[p].may, me.DisplayName) {
		w.fail("%s is called %q, not one of %q", p, me.DisplayName, w.names[p].may)
	}
	if a := me.Activity; a != nil {
		if a.Kind != "session" || w.lift.sessions[a.SessionID] == nil || !w.lift.sessions[a.SessionID].Live {
			w.fail("%s is stuck in %+v", p, *a)
		}
	}
}

// checkGames: every result of a player counts once, in whichever season.
func (w *world) checkGames(p muster.PlayerID, all census) {
	games := map[muster.ModeName]int{}
	for key, value := range all {
		rest, ok := strings.CutPrefix(key.Sort, "RATING#")
		if !ok || key.Partition != "P#"+string(p) {
			continue
		}
		mode, _, past := strings.Cut(rest, "#")
		n, _ := value["games"].(float64)
		games[muster.ModeName(mode)] += int(n)
		if past {
			w.counts["seasons left"]++
		}
	}
	for _, mode := range sorted(liftConfigs()) {
		sure, maybe := 0, 0
		for _, id := range sorted(w.tried) {
			s := w.lift.sessions[id]
			if _, in := s.Teams[p]; !in || w.lift.modeOf(s) != muster.ModeName(mode) {
				continue
			}
			switch v := w.verdicts[id]; {
			case v == nil:
				maybe++ // reported, and nobody said that it was heard
			case !slices.Contains(v.may, "void"):
				sure++
			case slices.Contains(v.may, "counts"):
				maybe++
			}
		}
		if n := games[muster.ModeName(mode)]; n < sure || n > sure+maybe {
			w.fail("%s has %d games in %s; %d results were acknowledged and %d more reported", p, n, mode, sure, maybe)
		}
	}
}

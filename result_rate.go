package muster

import (
	"math"
	"slices"
	"time"
)

// decide says what a result does to everybody, from the standings that its players
// bring: in which season it counts, when it was recorded, and their skills after it.
// Season and instant never go back for any player, whatever the clock says.
func (k ranking) decide(res *result, now time.Time) {
	place := k.placeAt(now)
	at := now
	for _, p := range res.rated() {
		place = max(place, k.place(p.Before.Season))
		if next := p.Before.LastAt.Add(time.Millisecond); next.After(at) {
			at = next
		}
	}
	res.Season, res.RecordedAt = k.named(place), at.UTC()
	k.rate(res)
}

// rate computes the outcomes and the skills after a result whose season and instant
// stand, from the standings before it. A voided one changes no skill.
func (k ranking) rate(res *result) {
	outcomes := res.outcomes()
	for i := range res.Teams {
		for j := range res.Teams[i].Players {
			p := &res.Teams[i].Players[j]
			p.Outcome = outcomes[i]
			switch {
			case p.Unrated:
				p.Outcome = NoContest
			case p.Left && res.Leavers == LeaversLose:
				p.Outcome = Loss
			}
			if !p.Unrated {
				p.After = k.entering(p.Before, res.Season, res.RecordedAt).Skill
			}
		}
	}
	res.VoidApplied = res.Voided
	if res.Voided {
		return
	}
	if match, players := res.match(); len(match.Teams) > 1 {
		k.apply(match, players)
		k.applyLosses(match, players, res.Leavers)
	}
}

// match is the result as a rating system sees it: with the skills in After, and with
// players of the same shape beside it.
func (r *result) match() (RatedMatch, [][]*playerResult) {
	var match RatedMatch
	var players [][]*playerResult
	for i := range r.Teams {
		side := &r.Teams[i]
		team := RatedTeam{Rank: side.Rank}
		var rated []*playerResult
		for j := range side.Players {
			p := &side.Players[j]
			if p.Unrated {
				continue
			}
			weight := 1.0
			if p.Played != nil {
				weight = *p.Played
			}
			team.Players = append(team.Players, RatedPlayer{Skill: p.After, Weight: weight})
			rated = append(rated, p)
		}
		if len(rated) > 0 {
			match.Teams, players = append(match.Teams, team), append(players, rated)
		}
	}
	return match, players
}

func (k ranking) apply(match RatedMatch, players [][]*playerResult) {
	for i, team := range k.system.Rate(match) {
		for j, after := range team {
			p := players[i][j]
			p.After = finite(after, p.After)
		}
	}
}

// applyLosses rates those who left, where that is a loss, by the match in which their
// team came last.
func (k ranking) applyLosses(match RatedMatch, players [][]*playerResult, rule LeaverRule) {
	if rule != LeaversLose {
		return
	}
	for i, team := range players {
		if !slices.ContainsFunc(team, func(p *playerResult) bool { return p.Left }) {
			continue
		}
		after := k.system.Rate(match.lost(i, team))
		for j, p := range team {
			if p.Left {
				p.After = finite(after[i][j], match.Teams[i].Players[j].Skill)
			}
		}
	}
}

// lost is the match as if a team had come last, and those of its players who left had
// played to the end: nobody loses less by going sooner.
func (m RatedMatch) lost(i int, players []*playerResult) RatedMatch {
	last := 0
	for _, team := range m.Teams {
		last = max(last, team.Rank)
	}
	team := RatedTeam{Rank: last + 1, Players: slices.Clone(m.Teams[i].Players)}
	for j, p := range players {
		if p.Left {
			team.Players[j].Weight = 1
		}
	}
	lost := RatedMatch{Teams: slices.Clone(m.Teams)}
	lost.Teams[i] = team
	return lost
}

// outcomes says what each team's rank means: the best alone wins, the best together
// draw, all others lose. A team that played alone wins with rank 1.
func (r *result) outcomes() []Outcome {
	best, shared, sides := math.MaxInt, 0, 0
	for _, side := range r.Teams {
		if len(side.Players) == 0 || side.Rank == 0 {
			continue
		}
		sides++
		switch {
		case side.Rank < best:
			best, shared = side.Rank, 1
		case side.Rank == best:
			shared++
		}
	}
	if sides == 1 {
		best = 1
	}
	all := make([]Outcome, len(r.Teams))
	for i, side := range r.Teams {
		switch {
		case side.Rank != best:
			all[i] = Loss
		case shared > 1:
			all[i] = Draw
		default:
			all[i] = Win
		}
	}
	return all
}

// after is a player's rating record as the result leaves it. A voided result counts as
// having been there, and nothing else.
func (k ranking) after(p *playerResult, res *result) rating {
	s := k.entering(p.Before, res.Season, res.RecordedAt)
	s.LastAt = res.RecordedAt
	if !res.VoidApplied {
		s = s.with(p)
	}
	s.Board, s.BoardWas = k.boardPlace(s).spot(), 0
	return s
}

// with is a standing after a match that counts.
func (s rating) with(p *playerResult) rating {
	s.Skill = p.After
	s.Games++
	switch p.Outcome {
	case Win:
		s.Wins++
	case Loss:
		s.Losses++
	case Draw:
		s.Draws++
	}
	return s
}

// leaves says that a standing is of a season that its player leaves for another.
func (k ranking) leaves(before rating, season SeasonName) bool {
	return before.played() && before.Season != season
}

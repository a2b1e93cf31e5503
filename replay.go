package muster

import (
	"errors"
	"time"
)

// replay computes a mode's ratings anew from its results, which it takes in order. It
// has no store and no clock.
type replay struct {
	ranking
	standings map[PlayerID]rating   // after the results so far
	past      map[standingID]rating // of seasons that their players have left
	// tolerant lets a gap in a player's results pass: what the next one says stands.
	tolerant bool
	gaps     int
	// whole is the instant from which on all results are taken in: one before it may be
	// missing.
	whole time.Time
}

// standingID names a player's standing in one season of a mode.
type standingID struct {
	Player PlayerID
	Season SeasonName
}

func newReplay(k ranking) *replay {
	return &replay{ranking: k, standings: make(map[PlayerID]rating), past: make(map[standingID]rating)}
}

// errGap says that a result does not follow the one before it of the same player: one
// between them was not seen yet, or the player was deleted and goes by an alias since.
var errGap = errors.New("a result is missing between two of one player")

// add takes the next result and brings what it says of ratings up to date; changed says
// that something was not. A player who was not met before stands where the result says
// they stood, unless it was their first: a replay can begin anywhere.
func (r *replay) add(res *result) (changed bool, err error) {
	rated := res.rated()
	for _, p := range rated {
		if s, met := r.standings[p.ID]; met && !s.LastAt.Equal(p.Before.LastAt) || !met && r.misses(p, res) {
			if !r.tolerant {
				return false, errGap
			}
			r.gaps++
			delete(r.standings, p.ID)
		}
	}
	before := make([]playerResult, len(rated))
	for i, p := range rated {
		before[i] = *p
		if s, met := r.standings[p.ID]; met {
			p.Before = s
		} else if !p.Before.played() {
			p.Before = r.fresh()
		} else {
			p.Before = r.adopted(p.Before)
		}
	}
	applied := res.VoidApplied
	r.rate(res)
	changed = applied != res.VoidApplied
	for i, p := range rated {
		was := &before[i]
		changed = changed || !was.Before.same(p.Before) || was.After != p.After || was.Outcome != p.Outcome
		if r.leaves(p.Before, res.Season) {
			r.past[standingID{p.ID, p.Before.Season}] = p.Before
		}
		r.standings[p.ID] = r.after(p, res)
	}
	return changed, nil
}

// misses says that a player who was not met before has an earlier result that should have
// been taken in.
func (r *replay) misses(p *playerResult, res *result) bool {
	return p.Before.played() && p.Before.Season == res.Season && !p.Before.LastAt.Before(r.whole)
}

// recounted takes over what a recount made of the result: what it did to each player's
// rating, and nothing else. whole is false when it names another player than what was
// recounted: one who was deleted meanwhile, by an alias that was not known.
func (r *result) recounted(from *result, named func(PlayerID) PlayerID) (whole bool) {
	players, computed := r.players(), from.players()
	if len(players) != len(computed) {
		return false // never: who played stands since the report
	}
	whole = true
	for i, p := range players {
		if named(p.ID) != computed[i].ID {
			whole = false
		}
		board, was := p.Before.Board, p.Before.BoardWas // what follows from the result begins there
		p.Before, p.After, p.Outcome = computed[i].Before, computed[i].After, computed[i].Outcome
		p.Before.Board, p.Before.BoardWas = board, was
	}
	r.VoidApplied = from.VoidApplied
	return whole
}

// standing is what a rating record of a season should say; known is false for one that
// the results do not reach.
func (r *replay) standing(id standingID) (s rating, known bool) {
	if s, known = r.standings[id.Player]; known && s.Season == id.Season {
		return s, true
	}
	s, known = r.past[id]
	return s, known
}

// ReplayOptions say what Backend.Replay does. The zero value compares all seasons.
type ReplayOptions struct {
	Season *SeasonName // nil: all
	From   time.Time   // results before it are taken as they are; zero: none
	Write  bool        // repair what differs

	// Different, if not nil, is told of every rating that differs.
	Different func(ReplayDifference)
	// Progress, if not nil, is told now and then how far the replay has come. Its error
	// ends the replay.
	Progress func(ReplayReport) error
}

// ReplayReport says what a replay found, or has found so far.
type ReplayReport struct {
	Mode    ModeName  `json:"mode"`
	Results int       `json:"results"` // taken in
	At      time.Time `json:"at"`      // instant of the last of them
	// Inconsistent are results whose own account of the ratings is wrong, Compared to
	// Repaired are ratings.
	Inconsistent int `json:"inconsistent"`
	Compared     int `json:"compared"`
	Agree        int `json:"agree"`
	Different    int `json:"different"`
	Repaired     int `json:"repaired"`
	// Gaps counts where a result between two of one player is not stored. The later one
	// was taken at its word.
	Gaps int `json:"gaps"`
}

// ReplayDifference is a stored rating that the results do not give. Stored is nil where
// there is no record.
type ReplayDifference struct {
	Player   PlayerID      `json:"player"`
	Season   SeasonName    `json:"season,omitempty"`
	Stored   *ReplayRating `json:"stored"`
	Replayed ReplayRating  `json:"replayed"`
	Repaired bool          `json:"repaired"`
}

// ReplayRating is a rating as its record holds it.
type ReplayRating struct {
	Mu         float64   `json:"mu"`
	Sigma      float64   `json:"sigma"`
	Volatility float64   `json:"volatility,omitempty"`
	Games      int       `json:"games"`
	Wins       int       `json:"wins"`
	Losses     int       `json:"losses"`
	Draws      int       `json:"draws"`
	LastAt     time.Time `json:"lastAt"`
}

func (r rating) replayed() ReplayRating {
	return ReplayRating{
		Mu: r.Mu, Sigma: r.Sigma, Volatility: r.Volatility,
		Games: r.Games, Wins: r.Wins, Losses: r.Losses, Draws: r.Draws, LastAt: r.LastAt,
	}
}

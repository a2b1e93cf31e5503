package muster

import (
	"context"
	"math"
	"time"
)

// rating is the record of a player's standing in a mode: in the season that they played
// last. When they play in a later one, it is kept under that season's name, and a new
// one takes its place. So one record is what all results of a player contend for, and
// decides their order.
type rating struct {
	Skill
	Games  int        `json:"games"`
	Wins   int        `json:"wins"`
	Losses int        `json:"losses"`
	Draws  int        `json:"draws"`
	Season SeasonName `json:"season,omitempty"`
	// LastAt is when the player's last result was recorded; zero: never. No two results
	// of a player in a mode have the same instant.
	LastAt time.Time `json:"lastAt,omitzero"`
	// Board is where the player's entry on the season's board stands, once what follows
	// from the last result is done: as the rules were then. BoardWas is where it stood
	// before it was moved without a result, and may still stand.
	Board    boardSpot `json:"board,omitempty"`
	BoardWas boardSpot `json:"boardWas,omitempty"`
	// Claim is the session whose result alone may change the rating; "": any.
	Claim SessionID `json:"claim,omitempty"`
	// Alias is set once the player is deleted, or merged into another: the id that stands for
	// them. Such a rating is kept for results that are still to come, and is on no board.
	Alias PlayerID `json:"alias,omitempty"`
}

// same says that two standings agree to the last bit, whoever claims them or is deleted.
func (r rating) same(other rating) bool {
	return r.Skill == other.Skill && r.Games == other.Games && r.Wins == other.Wins && r.Losses == other.Losses &&
		r.Draws == other.Draws && r.Season == other.Season && r.LastAt.Equal(other.LastAt)
}

// played says that a result was ever recorded for the player.
func (r rating) played() bool { return r.Games > 0 || !r.LastAt.IsZero() }

// ranking is how a mode's results count: pure decisions, by which results are rated when
// they come and recomputed later.
type ranking struct {
	Competition
	system RatingSystem
}

func (b *Backend) ranking(mode ModeName) ranking {
	return ranking{b.modes[mode].Competition, b.ratingSystem(mode)}
}

// fresh is the standing of a player who never played.
func (k ranking) fresh() rating { return rating{Skill: k.system.New()} }

// entering is the standing that a player brings to a match of a season at an instant.
func (k ranking) entering(s rating, season SeasonName, at time.Time) rating {
	s.Claim, s.Skill = "", k.system.Adopt(s.Skill)
	if s.Season != season {
		s = rating{Skill: k.carried(s, season), Season: season, LastAt: s.LastAt, Alias: s.Alias}
	}
	s.Skill = k.aged(s, at)
	return s
}

// carried is the skill that a player takes along into a season: CarryOver of the
// distance from the start, once for each season that began meanwhile.
func (k ranking) carried(s rating, season SeasonName) Skill {
	start := k.system.New()
	if !s.played() {
		return start
	}
	keep := 1.0
	for range max(1, k.place(season)-max(-1, k.place(s.Season))) {
		keep = float64(keep * k.CarryOver)
	}
	// The conversions keep a compiler from fusing: replicas on different processors
	// must agree to the last bit.
	part := func(start, now float64) float64 { return start + float64(keep*float64(now-start)) }
	return finite(Skill{
		Mu: part(start.Mu, s.Mu), Sigma: part(start.Sigma, s.Sigma), Volatility: part(start.Volatility, s.Volatility),
	}, start)
}

// aged is the skill after the time since the last match, or since the season began.
func (k ranking) aged(s rating, at time.Time) Skill {
	if s.LastAt.IsZero() {
		return s.Skill
	}
	since := s.LastAt
	if start := k.start(s.Season); start.After(since) {
		since = start
	}
	if idle := at.Sub(since) - k.DecayAfter; idle > 0 {
		return finite(k.system.Idle(s.Skill, idle), s.Skill)
	}
	return s.Skill
}

// finite is s, or otherwise where s is no number that a record can hold.
func finite(s, otherwise Skill) Skill {
	for _, v := range []float64{s.Mu, s.Sigma, s.Volatility} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return otherwise
		}
	}
	return s
}

// adopted is a standing on the scale of the mode's system, which may have been another when
// it was stored.
func (k ranking) adopted(s rating) rating {
	s.Skill = k.system.Adopt(s.Skill)
	return s
}

// points is what a skill shows, on whichever scale it is.
func (k ranking) points(s Skill) int { return k.system.Points(k.system.Adopt(s)) }

// hidden says that a player still plays their placement games.
func (k ranking) hidden(s rating) bool { return s.Games < k.PlacementGames }

// view is a standing as its player sees it.
func (k ranking) view(s rating, mode ModeName) RatingView {
	v := RatingView{Mode: mode, Season: s.Season, Games: s.Games, Wins: s.Wins, Losses: s.Losses, Draws: s.Draws}
	if k.hidden(s) {
		v.Placement = &PlacementView{Played: s.Games, Needed: k.PlacementGames}
		return v
	}
	v.Skill, v.Mu, v.Sigma, v.Volatility = k.system.Points(s.Skill), s.Mu, s.Sigma, s.Volatility
	return v
}

// standing reads a player's rating record in a mode; version 0: they never played, and
// the standing is where everybody starts.
func (b *Backend) standing(ctx context.Context, p PlayerID, mode ModeName) (rating, int64, error) {
	k := b.ranking(mode)
	s, version, err := loadOr(ctx, b.store, ratingKey(p, mode), k.fresh())
	return k.adopted(s), version, err
}

// seasonStanding reads a player's rating record of one season; version 0: there is none.
// The key is where it stands now.
func (b *Backend) seasonStanding(ctx context.Context, p PlayerID, mode ModeName, season SeasonName) (rating, int64, Key, error) {
	key := ratingKey(p, mode)
	s, version, err := b.standing(ctx, p, mode)
	if err != nil || s.Season == season {
		return s, version, key, err
	}
	key = seasonRatingKey(p, mode, season)
	k := b.ranking(mode)
	s, version, err = loadOr(ctx, b.store, key, k.fresh())
	return k.adopted(s), version, key, err
}

// ratingOf is a player's standing in a mode as of now, in the season that it is now.
func (b *Backend) ratingOf(ctx context.Context, p PlayerID, mode ModeName) (rating, error) {
	s, _, err := b.standing(ctx, p, mode)
	if err != nil {
		return rating{}, err
	}
	k := b.ranking(mode)
	now := b.now()
	season := k.named(max(k.placeAt(now), k.place(s.Season)))
	return k.entering(s, season, now), nil
}

// Ratings lists the player's standing in every mode of the configuration.
func (b *Backend) Ratings(ctx context.Context, p PlayerID) ([]RatingView, error) {
	views := make([]RatingView, 0, len(b.modeOrder))
	for _, mode := range b.modeOrder {
		standing, err := b.ratingOf(ctx, p, mode)
		if err != nil {
			return nil, err
		}
		views = append(views, b.ranking(mode).view(standing, mode))
	}
	return views, nil
}

package muster

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"
)

// rating is the record of a player's standing in one mode.
type rating struct {
	Skill
	Games  int `json:"games"`
	Wins   int `json:"wins"`
	Losses int `json:"losses"`
	Draws  int `json:"draws"`
}

// played is the standing after one more match.
func (r rating) played(delta Skill, outcome Outcome) rating {
	r.Mu += delta.Mu
	r.Sigma = max(r.Sigma+delta.Sigma, minSigma)
	r.Volatility += delta.Volatility
	r.Games++
	switch outcome {
	case Win:
		r.Wins++
	case Loss:
		r.Losses++
	case Draw:
		r.Draws++
	}
	return r
}

// minSigma keeps a belief from becoming certainty.
const minSigma = 0.1

func (b *Backend) ratingView(r rating, mode ModeName) RatingView {
	return RatingView{
		Mode: mode, Skill: b.ratingSystem(mode).Points(r.Skill), Mu: r.Mu, Sigma: r.Sigma,
		Games: r.Games, Wins: r.Wins, Losses: r.Losses, Draws: r.Draws,
	}
}

// ratingOf reads a player's standing in a mode, or where everybody starts.
func (b *Backend) ratingOf(ctx context.Context, p PlayerID, mode ModeName) (rating, int64, error) {
	return loadOr(ctx, b.store, ratingKey(p, mode), rating{Skill: b.ratingSystem(mode).New()})
}

// Ratings lists the player's standing in every mode of the configuration.
func (b *Backend) Ratings(ctx context.Context, p PlayerID) ([]RatingView, error) {
	views := make([]RatingView, 0, len(b.modeOrder))
	for _, mode := range b.modeOrder {
		standing, _, err := b.ratingOf(ctx, p, mode)
		if err != nil {
			return nil, err
		}
		views = append(views, b.ratingView(standing, mode))
	}
	return views, nil
}

// maxHistoryPage bounds one page of a player's history.
const maxHistoryPage = 100

// Matches is a page of a player's finished matches, newest first. before is the Next
// of the page before, or empty for the newest.
func (b *Backend) Matches(ctx context.Context, p PlayerID, limit int, before string) (MatchHistoryPage, error) {
	if limit < 1 || limit > maxHistoryPage {
		return MatchHistoryPage{}, Errorf(Invalid, "history.limit", "a page has 1 to %d matches", maxHistoryPage)
	}
	after := ""
	if before != "" {
		after = historyPrefix + before
	}
	if len(after) > MaxSortBytes || !utf8.ValidString(before) {
		return MatchHistoryPage{}, Errorf(Invalid, "history.cursor", "this is not a cursor of an earlier page")
	}
	records, err := b.store.List(ctx, historyKey(p, time.Time{}, "").Partition, ListOptions{
		Prefix: historyPrefix, After: after, Limit: limit, Descending: true,
	})
	if err != nil {
		return MatchHistoryPage{}, err
	}
	page := MatchHistoryPage{Matches: make([]MatchHistoryView, 0, len(records))}
	for _, rec := range records {
		row, err := decode[MatchHistoryView](rec)
		if err != nil {
			return MatchHistoryPage{}, err
		}
		page.Matches = append(page.Matches, row)
	}
	if len(records) == limit {
		page.Next = strings.TrimPrefix(records[limit-1].Sort, historyPrefix)
	}
	return page, nil
}

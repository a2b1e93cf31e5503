package muster

import "time"

// LeaderboardQuery asks for a page of a leaderboard.
type LeaderboardQuery struct {
	Mode   ModeName
	Season SeasonName // "": the one that it is now
	Limit  int        // entries, 1 to 100
	After  string     // Next of the page before; "": from the best
}

// LeaderboardView is part of a leaderboard, the best first. Next is the cursor of the
// following page, empty at the end.
type LeaderboardView struct {
	Mode   ModeName   `json:"mode"`
	Season SeasonName `json:"season,omitempty"`
	// Total is how many players are listed; 0 with Approximate: not counted yet.
	Total int `json:"total"`
	// Approximate says that the board is too large to be known whole: Total, and the
	// ranks beyond the best, are from the count at AsOf. Otherwise all is exact at AsOf.
	Approximate bool               `json:"approximate"`
	AsOf        time.Time          `json:"asOf"`
	Entries     []LeaderboardEntry `json:"entries"`
	Next        string             `json:"next,omitempty"`
}

// LeaderboardEntry is one player of a leaderboard.
type LeaderboardEntry struct {
	// Rank is 1 and the number of players with more skill: equals share it. 0: not
	// counted yet.
	Rank        int      `json:"rank,omitempty"`
	PlayerID    PlayerID `json:"playerId"`
	DisplayName string   `json:"displayName"`
	Avatar      string   `json:"avatar,omitempty"`
	Skill       int      `json:"skill"`
}

// LeaderboardPosition is where a player stands: with those around them, the best first,
// and themselves among these. Who is not listed has no entries, and Placement where they
// still play their placement games.
type LeaderboardPosition struct {
	LeaderboardView
	Listed    bool           `json:"listed"`
	Rank      int            `json:"rank,omitempty"` // as in the player's entry
	Skill     int            `json:"skill,omitempty"`
	Placement *PlacementView `json:"placement,omitempty"`
}

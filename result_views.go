package muster

import "time"

// ResultVerdict is why an operator voids or restores a result, and who says so.
type ResultVerdict struct {
	Reason   string `json:"reason"`
	Operator string `json:"operator,omitempty"`
}

// AdminResultView is a result as operators see it. Recounted says that the ratings follow
// the last verdict; until then Recount tells how far that is.
type AdminResultView struct {
	SessionID  SessionID         `json:"sessionId"`
	Mode       ModeName          `json:"mode"`
	Season     SeasonName        `json:"season,omitempty"`
	RecordedAt time.Time         `json:"recordedAt"`
	Voided     bool              `json:"voided"`
	Recounted  bool              `json:"recounted"`
	Teams      []ResultTeam      `json:"teams"`
	Players    []PlayerResultRow `json:"players"`
	Verdicts   []VerdictView     `json:"verdicts"` // oldest first
	Recount    *RecountView      `json:"recount,omitempty"`
}

// VerdictView is what an operator decided about a result.
type VerdictView struct {
	At       time.Time `json:"at"`
	Void     bool      `json:"void"`
	Reason   string    `json:"reason"`
	Operator string    `json:"operator,omitempty"`
}

// RecountView is how far the last recount of a mode's ratings has come.
type RecountView struct {
	Pending bool      `json:"pending"`
	Since   time.Time `json:"since"`   // the results from here on are counted again
	AskedAt time.Time `json:"askedAt"` // when the last verdict came
	// Results were looked at and Corrected ratings changed, so far.
	Results    int        `json:"results"`
	Corrected  int        `json:"corrected"`
	FinishedAt *time.Time `json:"finishedAt,omitempty"`
}

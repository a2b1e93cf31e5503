package muster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// exportHead is the part of an export that is not streamed: all but the matches and what
// was recorded.
type exportHead struct {
	ExportedAt time.Time      `json:"exportedAt"`
	Account    exportAccount  `json:"account"`
	Profile    exportProfile  `json:"profile"`
	Identities []LinkView     `json:"identities"`
	Merged     []exportMerged `json:"merged,omitempty"` // players who became part of this one
	SignIns    []SignInView   `json:"signIns"`
	// Consents are what platforms gave us, by which we can give it back; not their secrets.
	Consents []ConsentView `json:"consents,omitempty"`
	Ban      *exportBan    `json:"ban,omitempty"` // may be over
	// SecondFactors says that there is one, and since when.
	SecondFactors []SecondFactorView `json:"secondFactors,omitempty"`
	// Documents are as they are stored, by namespace. Ratings are by mode, those of seasons
	// that are left behind by mode#season.
	Documents map[string]json.RawMessage `json:"documents"`
	Ratings   map[string]exportRating    `json:"ratings"`
	Activity  *ActivityView              `json:"activity"`
	Ticket    *exportTicket              `json:"ticket"`
	Seat      *SeatView                  `json:"seat"` // without join token
	Party     *PartyView                 `json:"party"`
	// Readiness is what the player told their party of themselves, for matchmaking.
	Readiness *exportReadiness `json:"readiness,omitempty"`
	Invites   []InviteView     `json:"invites"`
	// DeclinedInvites are remembered until they would have expired.
	DeclinedInvites []declinedInvite `json:"declinedInvites,omitempty"`
	// Rooms are the sessions that the player asked for and that were not over when they
	// last asked for one, and the one that they wait for.
	Rooms []exportRoom `json:"rooms,omitempty"`
}

type exportAccount struct {
	ID          PlayerID   `json:"id"`
	CreatedAt   time.Time  `json:"createdAt"`
	SignedOutAt *time.Time `json:"signedOutAt,omitempty"` // everywhere, the last time
}

// exportBan is a ban as its player may see it.
type exportBan struct {
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until,omitempty"` // nil: for good
	Reason string     `json:"reason"`
}

// exported is the ban in its player's export; nil: there is none.
func (n *ban) exported() *exportBan {
	if n == nil {
		return nil
	}
	return &exportBan{At: n.At, Until: someTime(n.Until), Reason: n.Reason}
}

// ConsentView says that a platform gave us something for a player: a token by which we tell it
// that the player does without us.
type ConsentView struct {
	Provider  string    `json:"provider"`
	GivenAt   time.Time `json:"givenAt"`
	ExpiresAt time.Time `json:"expiresAt"` // when it is forgotten here
}

// exportConsents lists what platforms gave us for a player.
func (b *Backend) exportConsents(ctx context.Context, a *account) ([]ConsentView, error) {
	if b.consentOf == nil {
		return nil, nil
	}
	var all []ConsentView
	for _, id := range b.platformsOf(a.Identities...) {
		given, err := b.consentOf(ctx, id)
		switch {
		case err == nil:
			all = append(all, given)
		case KindOf(err) != NotFound:
			return nil, err
		}
	}
	return all, nil
}

// exportMerged is a player who became part of another. Their matches, and what was recorded of
// them, are among the other's.
type exportMerged struct {
	ID       PlayerID                `json:"id"`
	MergedAt time.Time               `json:"mergedAt"`
	Ratings  map[string]exportRating `json:"ratings"`
}

type exportProfile struct {
	DisplayName string     `json:"displayName"`
	RenamedAt   *time.Time `json:"renamedAt,omitempty"`
	Avatar      string     `json:"avatar,omitempty"`
	Locale      string     `json:"locale,omitempty"`
}

// exportTicket is the live ticket, with what GameLift was told of the player.
type exportTicket struct {
	TicketView
	Attributes  []SentAttributeView `json:"attributes"`
	LatencyInMs map[string]int      `json:"latencyInMs,omitempty"`
}

// Export gathers all that leads from the caller to what is kept of them, and nothing of others but what the
// caller sees anyway. Calling write writes it as one JSON document; the matches and what was
// recorded, which may be many, are read as they are written. No secret and no hash of one is in it.
func (b *Backend) Export(ctx context.Context, p PlayerID) (write func(w io.Writer) error, err error) {
	a, _, err := b.account(ctx, p)
	if err != nil {
		return nil, err
	}
	head := exportHead{
		ExportedAt: b.instant(),
		Account:    exportAccount{ID: a.ID, CreatedAt: a.CreatedAt, SignedOutAt: someTime(a.SignedOut.At)},
		Profile:    exportProfile{DisplayName: b.displayName(&a), RenamedAt: someTime(a.RenamedAt), Avatar: a.Avatar, Locale: a.Locale},
		Identities: a.linksView().Links, Invites: []InviteView{}, Ban: a.Ban.exported(),
	}
	if head.Consents, err = b.exportConsents(ctx, &a); err != nil {
		return nil, err
	}
	if head.SecondFactors, err = b.factorsOf(ctx, &a); err != nil {
		return nil, err
	}
	if head.Documents, err = b.exportRecords(ctx, p, dataPrefix); err != nil {
		return nil, err
	}
	if head.Ratings, err = b.exportRatings(ctx, p); err != nil {
		return nil, err
	}
	for _, m := range a.Merged {
		ratings, err := b.exportRatings(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		head.Merged = append(head.Merged, exportMerged{m.ID, m.At, ratings})
	}
	if err := b.exportPlay(ctx, p, &head); err != nil {
		return nil, err
	}
	if head.SignIns, err = b.openSignIns(ctx, p); err != nil {
		return nil, err
	}
	return func(w io.Writer) error { return b.writeExport(ctx, &a, head, w) }, nil
}

// exportRecords reads the records of a kind, as they are stored, by what follows the
// prefix of their keys.
func (b *Backend) exportRecords(ctx context.Context, p PlayerID, prefix string) (map[string]json.RawMessage, error) {
	all := make(map[string]json.RawMessage)
	for after, more := "", true; more; {
		records, err := b.store.List(ctx, PlayerPartition(p), ListOptions{Prefix: prefix, After: after, Limit: purgePage})
		if err != nil {
			return nil, err
		}
		for _, rec := range records {
			all[strings.TrimPrefix(rec.Sort, prefix)] = rec.Value
			after = rec.Sort
		}
		more = len(records) == purgePage
	}
	return all, nil
}

// exportRating is a rating in the words of RatingView, with nothing hidden.
type exportRating struct {
	Season     SeasonName `json:"season,omitempty"`
	Skill      int        `json:"skill"`
	Mu         float64    `json:"mu"`
	Sigma      float64    `json:"sigma"`
	Volatility float64    `json:"volatility,omitempty"`
	Games      int        `json:"games"`
	Wins       int        `json:"wins"`
	Losses     int        `json:"losses"`
	Draws      int        `json:"draws"`
	LastAt     *time.Time `json:"lastAt,omitempty"`
}

func (b *Backend) exportRatings(ctx context.Context, p PlayerID) (map[string]exportRating, error) {
	records, err := b.exportRecords(ctx, p, ratingPrefix)
	if err != nil {
		return nil, err
	}
	all := make(map[string]exportRating, len(records))
	for name, value := range records {
		var r rating
		if err := json.Unmarshal(value, &r); err != nil {
			return nil, fmt.Errorf("read rating %q of player %q: %w", name, p, err)
		}
		mode, _, _ := strings.Cut(name, "#")
		all[name] = exportRating{
			Season: r.Season, Skill: b.ranking(ModeName(mode)).points(r.Skill),
			Mu: r.Mu, Sigma: r.Sigma, Volatility: r.Volatility,
			Games: r.Games, Wins: r.Wins, Losses: r.Losses, Draws: r.Draws, LastAt: someTime(r.LastAt),
		}
	}
	return all, nil
}

// exportPlay fills in what the player is doing, and with whom.
func (b *Backend) exportPlay(ctx context.Context, p PlayerID, head *exportHead) error {
	held, _, err := b.liveSlot(ctx, p)
	if err != nil {
		return err
	}
	switch head.Activity = held.activity(); held.Kind {
	case slotTicket:
		t, version, err := b.ticketOf(ctx, p, held.Ticket)
		if err != nil {
			return err
		}
		sent := t.player(p).adminView()
		head.Ticket = &exportTicket{t.view(p, version), sent.Attributes, sent.LatencyInMs}
	case slotSession:
		head.Seat = &held.Seat
	}
	if head.Rooms, err = b.exportRooms(ctx, p, held.Placement); err != nil {
		return err
	}
	return b.exportParty(ctx, p, head)
}

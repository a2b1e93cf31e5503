package muster

import (
	"context"
	"strings"
	"time"
)

// AdminPlayerView is a player, for operators. It holds no secret, no seat, and not what
// providers call the player.
type AdminPlayerView struct {
	ID          PlayerID          `json:"id"`
	Status      string            `json:"status" enum:"active,deleted,merged"`
	DisplayName string            `json:"displayName"`
	Avatar      string            `json:"avatar,omitempty"`
	Locale      string            `json:"locale,omitempty"`
	CreatedAt   *time.Time        `json:"createdAt,omitempty"`
	DeletedAt   *time.Time        `json:"deletedAt,omitempty"`
	MergedInto  PlayerID          `json:"mergedInto,omitempty"` // whom the player became part of
	MergedAt    *time.Time        `json:"mergedAt,omitempty"`
	Merged      []MergedView      `json:"merged,omitempty"` // who became part of the player
	Ban         *BanView          `json:"ban,omitempty"`    // while it holds
	Ways        []AdminWayIn      `json:"waysIn"`
	SignIns     []SignInView      `json:"signIns"`
	Ratings     []RatingView      `json:"ratings"`
	Slot        *AdminSlotView    `json:"slot,omitempty"` // what holds the player, as it is recorded
	PartyID     PartyID           `json:"partyId,omitempty"`
	Documents   []DocumentView    `json:"documents"`
	Matches     []AdminPlayerGame `json:"matches"` // the latest

	SecondFactors []SecondFactorView `json:"secondFactors,omitempty"`
}

// AdminWayIn is one identity of a player.
type AdminWayIn struct {
	Provider string    `json:"provider"`
	LinkedAt time.Time `json:"linkedAt"`
}

// AdminSlotView is what holds a player.
type AdminSlotView struct {
	Kind      string    `json:"kind"`
	TicketID  TicketID  `json:"ticketId,omitempty"`
	SessionID SessionID `json:"sessionId,omitempty"`
}

// AdminPlayerGame is a finished match of a player, in short.
type AdminPlayerGame struct {
	SessionID   SessionID  `json:"sessionId"`
	Mode        ModeName   `json:"mode"`
	Season      SeasonName `json:"season,omitempty"`
	EndedAt     time.Time  `json:"endedAt"`
	Outcome     Outcome    `json:"outcome,omitempty"`
	SkillBefore *int       `json:"skillBefore,omitempty"` // nil: as in the player's own history
	SkillAfter  *int       `json:"skillAfter,omitempty"`
	Voided      bool       `json:"voided,omitempty"` // an operator decided that it counts for nobody
}

// adminMatches is how many matches an operator is shown with a player.
const adminMatches = 10

// InspectPlayer shows any player to an operator; of one whose account is deleted, that it
// is, as long as that is remembered.
func (b *Backend) InspectPlayer(ctx context.Context, p PlayerID) (AdminPlayerView, error) {
	if !ours(string(p)) {
		return AdminPlayerView{}, playerNotFound(ErrNotFound)
	}
	a, _, err := load[account](ctx, b.store, accountKey(p))
	if err != nil {
		return AdminPlayerView{}, playerNotFound(err)
	}
	v := AdminPlayerView{
		ID: a.ID, Status: "active", DisplayName: b.displayName(&a), Avatar: a.Avatar, Locale: a.Locale,
		CreatedAt: someTime(a.CreatedAt), DeletedAt: someTime(a.DeletedAt),
		Ways: []AdminWayIn{}, SignIns: []SignInView{}, Ratings: []RatingView{}, Documents: []DocumentView{}, Matches: []AdminPlayerGame{},
	}
	if a.Status == accountDeleted {
		v.Status, v.DisplayName = "deleted", deletedName
		return v, nil
	}
	if a.Status == accountMerged {
		v.Status, v.MergedInto, v.MergedAt = "merged", a.MergedInto, someTime(a.MergedAt)
		return v, nil
	}
	v.Merged = a.linksView().Merged
	v.Ban = a.Ban.view(b.now())
	for _, id := range a.Identities {
		v.Ways = append(v.Ways, AdminWayIn{id.Provider, id.LinkedAt})
	}
	if v.SecondFactors, err = b.factorsOf(ctx, &a); err != nil {
		return AdminPlayerView{}, err
	}
	return v, b.inspectPlay(ctx, p, &v)
}

// inspectPlay fills in what the player does, did and has.
func (b *Backend) inspectPlay(ctx context.Context, p PlayerID, v *AdminPlayerView) (err error) {
	if v.SignIns, err = b.openSignIns(ctx, p); err != nil {
		return err
	}
	if v.Ratings, err = b.Ratings(ctx, p); err != nil {
		return err
	}
	held, version, err := b.slotOf(ctx, p)
	if err != nil {
		return err
	}
	if version != 0 {
		v.Slot = &AdminSlotView{Kind: string(held.Kind), TicketID: held.Ticket, SessionID: held.Seat.SessionID}
	}
	switch in, err := b.membershipOf(ctx, p); {
	case err != nil:
		return err
	case in.party.exists():
		v.PartyID = in.party.ID
	}
	records, err := b.store.List(ctx, PlayerPartition(p), ListOptions{Prefix: dataPrefix, Limit: 2 * maxNamespaces})
	if err != nil {
		return err
	}
	for _, rec := range records {
		v.Documents = append(v.Documents, DocumentView{
			Namespace: strings.TrimPrefix(rec.Sort, dataPrefix), Bytes: len(rec.Value), ETag: documentTag(rec.Version, rec.Value),
			Writable: b.data[strings.TrimPrefix(rec.Sort, dataPrefix)].writableBy(DataOwner),
		})
	}
	page, err := b.Matches(ctx, p, adminMatches, "")
	for _, m := range page.Matches {
		v.Matches = append(v.Matches, AdminPlayerGame{
			SessionID: m.SessionID, Mode: m.Mode, Season: m.Season, EndedAt: m.EndedAt, Outcome: m.Outcome,
			SkillBefore: m.SkillBefore, SkillAfter: m.SkillAfter, Voided: m.Voided,
		})
	}
	return err
}

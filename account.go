package muster

import (
	"context"
	"errors"
	"strings"
	"time"
)

// account is the record of a player: with the identity that led to it, all that a first
// sign-in writes.
type account struct {
	ID     PlayerID      `json:"id"`
	Status accountStatus `json:"status,omitempty"`
	// Name is the display name that the player chose, as NamePolicy takes it; empty: none
	// yet. Number is what follows it where names have numbers.
	Name       string           `json:"displayName,omitempty"`
	Number     int              `json:"number,omitempty"`
	RenamedAt  time.Time        `json:"renamedAt,omitzero"`
	Avatar     string           `json:"avatar,omitempty"`
	Locale     string           `json:"locale,omitempty"`
	CreatedAt  time.Time        `json:"createdAt,omitzero"`
	Identities []linkedIdentity `json:"identities,omitempty"` // in the order in which they became the account's
	Ban        *ban             `json:"ban,omitempty"`        // may be over
	SignedOut  signedOut        `json:"signedOut,omitzero"`
	// Merged are the players who became part of this one, in that order.
	Merged []mergedPlayer `json:"merged,omitempty"`

	// Of an account that was merged into another only what follows is left.
	MergedInto PlayerID  `json:"mergedInto,omitempty"`
	MergedAt   time.Time `json:"mergedAt,omitzero"`

	// Of a deleted account only what follows is left. Alias is the id that stands for the
	// player in what others keep.
	DeletedAt time.Time `json:"deletedAt,omitzero"`
	Alias     PlayerID  `json:"alias,omitempty"`
}

// accountStatus is whether an account is in use.
type accountStatus string

const (
	accountActive  accountStatus = "" // not written: nearly all are
	accountDeleted accountStatus = "deleted"
	accountMerged  accountStatus = "merged" // part of another
)

// linkedIdentity is one way in, as its account knows it.
type linkedIdentity struct {
	Provider string    `json:"provider"`
	Subject  string    `json:"subject"`
	LinkedAt time.Time `json:"linkedAt"`
	Mark     WayMark   `json:"mark,omitempty"` // the way in's
}

// identityRecord is the record of one way in. SecretHash is set for guests.
type identityRecord struct {
	Player     PlayerID  `json:"player"`
	SecretHash []byte    `json:"secretHash,omitempty"`
	LinkedAt   time.Time `json:"linkedAt"`
	Mark       WayMark   `json:"mark,omitempty"`
	// Factor is what this way in asks for besides its secret; nil: nothing.
	Factor *SecondFactor `json:"factor,omitempty"`
}

// FindIdentity returns the player behind a way in, with the hash of a guest's
// secret. An unknown identity is NotFound.
func (b *Backend) FindIdentity(ctx context.Context, id Identity) (PlayerID, []byte, error) {
	rec, _, err := load[identityRecord](ctx, b.store, identityKey(id))
	if err != nil {
		return "", nil, err
	}
	return rec.Player, rec.SecretHash, nil
}

// EnsurePlayer returns the player of an identity that was proven, and makes player
// and identity in one transaction when it is new. Whatever the race, one identity has
// one player. secretHash is stored with a new guest.
func (b *Backend) EnsurePlayer(ctx context.Context, id Identity, secretHash []byte) (player PlayerID, created bool, err error) {
	if id.Provider == "" || id.Subject == "" {
		return "", false, Errorf(Invalid, "identity.empty", "an identity has a provider and a subject")
	}
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		known, _, err := load[identityRecord](ctx, b.store, identityKey(id))
		if err == nil {
			player, created = known.Player, false
			return nil, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err := mayBegin(id, secretHash); err != nil {
			return nil, err
		}
		player, created = PlayerID(b.newID()), true
		return newPlayerOps(player, id, identityRecord{SecretHash: secretHash}, b.instant())
	})
	if err != nil {
		return "", false, err
	}
	return player, created, nil
}

// newPlayerOps writes a new account and the identity that leads to it, with what is kept of it.
func newPlayerOps(player PlayerID, id Identity, kept identityRecord, now time.Time) ([]Op, error) {
	kept.Player, kept.LinkedAt = player, now
	way, err := put(identityKey(id), 0, kept, time.Time{})
	if err != nil {
		return nil, err
	}
	made, err := put(accountKey(player), 0, account{
		ID: player, CreatedAt: now,
		Identities: []linkedIdentity{{Provider: id.Provider, Subject: id.Subject, LinkedAt: now, Mark: kept.Mark}},
	}, time.Time{})
	return []Op{way, made}, err
}

// maxID bounds an id in a request, in bytes (Amazon's limit for a ticket id).
const maxID = 128

// ours says that text could be an id of ours. Whatever could not be names nothing: it
// is not found, and never reaches the store.
func ours(id string) bool {
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// closed says that nobody is this account's player any more.
func (a *account) closed() bool { return a.Status == accountDeleted || a.Status == accountMerged }

// account reads the account of a player. Without one, or with one that is deleted or
// merged into another, the error is NotFound.
func (b *Backend) account(ctx context.Context, p PlayerID) (account, int64, error) {
	if !ours(string(p)) {
		return account{}, 0, playerNotFound(ErrNotFound)
	}
	a, version, err := load[account](ctx, b.store, accountKey(p))
	if err == nil && a.closed() {
		err = ErrNotFound
	}
	return a, version, playerNotFound(err)
}

// playerNotFound turns an absent account into the error a caller sees.
func playerNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return Errorf(NotFound, "player.not_found", "there is no such player")
	}
	return err
}

// Me is the caller's own player with what they are doing now.
func (b *Backend) Me(ctx context.Context, p PlayerID) (PlayerView, error) {
	a, version, err := b.account(ctx, p)
	if err != nil {
		return PlayerView{}, err
	}
	view := b.ownView(&a, version)
	held, _, err := b.liveSlot(ctx, p)
	if err != nil {
		return PlayerView{}, err
	}
	view.Activity = held.activity()
	return view, nil
}

// activity is what the slot's player is doing; nil: nothing.
func (s slot) activity() *ActivityView {
	switch s.Kind {
	case slotTicket:
		return &ActivityView{Kind: "ticket", TicketID: s.Ticket}
	case slotPlacement:
		return &ActivityView{Kind: "placement", PlacementID: s.Placement}
	case slotSession, slotJoining:
		return &ActivityView{Kind: "session", SessionID: s.Seat.SessionID}
	}
	return nil
}

// Player is another player, as everybody may see them. The id of one who was merged leads
// to whom they became part of.
func (b *Backend) Player(ctx context.Context, p PlayerID) (PlayerView, error) {
	a, version, err := b.account(ctx, p)
	if err != nil && a.Status == accountMerged {
		a, version, err = b.account(ctx, a.MergedInto)
	}
	if err != nil {
		return PlayerView{}, err
	}
	return b.publicView(&a, version), nil
}

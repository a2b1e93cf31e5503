package muster

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// account is the record of a player.
type account struct {
	ID          PlayerID  `json:"id"`
	DisplayName string    `json:"displayName"`
	CreatedAt   time.Time `json:"createdAt"`
}

// identityRecord is the record of one way in. SecretHash is set for guests.
type identityRecord struct {
	Player     PlayerID  `json:"player"`
	SecretHash []byte    `json:"secretHash,omitempty"`
	LinkedAt   time.Time `json:"linkedAt"`
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
		player, created = PlayerID(b.newID()), true
		return newPlayerOps(player, id, secretHash, b.instant())
	})
	if err != nil {
		return "", false, err
	}
	return player, created, nil
}

// newPlayerOps writes a new account, its identity and the identity's mirror.
func newPlayerOps(player PlayerID, id Identity, secretHash []byte, now time.Time) ([]Op, error) {
	link := identityRecord{Player: player, SecretHash: secretHash, LinkedAt: now}
	parts := []struct {
		key   Key
		value any
	}{
		{identityKey(id), link},
		{accountKey(player), account{ID: player, DisplayName: defaultName(player), CreatedAt: now}},
		{identityMirrorKey(player, id), map[string]any{"subject": id.Subject, "linkedAt": now}},
	}
	ops := make([]Op, 0, len(parts))
	for _, part := range parts {
		op, err := put(part.key, 0, part.value, time.Time{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// defaultName is what a player is called until they choose: the end of a UUIDv7 is
// random.
func defaultName(p PlayerID) string {
	id := strings.ReplaceAll(string(p), "-", "")
	return "Player-" + strings.ToUpper(id[max(0, len(id)-5):])
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

// account reads a player's record; without one the error is NotFound.
func (b *Backend) account(ctx context.Context, p PlayerID) (account, int64, error) {
	if !ours(string(p)) {
		return account{}, 0, playerNotFound(ErrNotFound)
	}
	a, version, err := load[account](ctx, b.store, accountKey(p))
	return a, version, playerNotFound(err)
}

// Me is the caller's own player with what they are doing now.
func (b *Backend) Me(ctx context.Context, p PlayerID) (PlayerView, error) {
	a, _, err := b.account(ctx, p)
	if err != nil {
		return PlayerView{}, err
	}
	view := PlayerView{ID: a.ID, DisplayName: a.DisplayName, CreatedAt: &a.CreatedAt}
	held, _, err := b.liveSlot(ctx, p)
	if err != nil {
		return PlayerView{}, err
	}
	switch held.Kind {
	case slotTicket:
		view.Activity = &ActivityView{Kind: "ticket", TicketID: held.Ticket}
	case slotSession:
		view.Activity = &ActivityView{Kind: "session", SessionID: held.Seat.SessionID}
	}
	return view, nil
}

// Player is another player, as everybody may see them.
func (b *Backend) Player(ctx context.Context, p PlayerID) (PlayerView, error) {
	a, _, err := b.account(ctx, p)
	if err != nil {
		return PlayerView{}, err
	}
	return PlayerView{ID: a.ID, DisplayName: a.DisplayName}, nil
}

// maxNameRunes bounds a display name.
const maxNameRunes = 24

// Rename changes the caller's display name: 1 to 24 printable characters, single
// spaces inside. Names are not unique.
func (b *Backend) Rename(ctx context.Context, p PlayerID, name string) (PlayerView, error) {
	name = strings.Join(strings.Fields(name), " ")
	if n := utf8.RuneCountInString(name); n < 1 || n > maxNameRunes || !utf8.ValidString(name) {
		return PlayerView{}, Errorf(Invalid, "player.name_length", "a name has 1 to %d characters", maxNameRunes)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return PlayerView{}, Errorf(Invalid, "player.name_characters", "a name holds printable characters only")
	}
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		a, version, err := b.account(ctx, p)
		if err != nil {
			return nil, err
		}
		a.DisplayName = name
		op, err := put(accountKey(p), version, a, time.Time{})
		return []Op{op}, err
	})
	if err != nil {
		return PlayerView{}, err
	}
	return b.Me(ctx, p)
}

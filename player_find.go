package muster

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PlayerSearch is whom an operator looks for, by one of: an e-mail address, a provider with
// what it calls the player, a display name, a player's id.
type PlayerSearch struct {
	Email       string
	Provider    string
	Subject     string
	DisplayName string
	ID          PlayerID
}

// maxSubjectText bounds the subject of a search, in bytes.
const maxSubjectText = 2048

// by is what the search goes by, for records; empty: it is none, or several.
func (s PlayerSearch) by() string {
	found := ""
	for _, c := range []struct {
		name  string
		asked bool
	}{
		{"email", s.Email != ""},
		{"identity", s.Provider != "" || s.Subject != ""},
		{"displayName", s.DisplayName != ""},
		{"id", s.ID != ""},
	} {
		switch {
		case c.asked && found != "":
			return ""
		case c.asked:
			found = c.name
		}
	}
	if found == "identity" && (s.Provider == "" || s.Subject == "" || len(s.Subject) > maxSubjectText) {
		return ""
	}
	return found
}

// FoundPlayers is what a search finds.
type FoundPlayers struct {
	Players []FoundPlayerView `json:"players"`
	// More says that there are more who are called alike.
	More bool `json:"more,omitempty"`
	// Note says why nobody can be found, for people; empty: it does not.
	Note string `json:"note,omitempty"`
}

// FoundPlayerView is a player as a search shows them: enough to tell whether it is the one
// who is meant.
type FoundPlayerView struct {
	ID          PlayerID       `json:"id"`
	Status      string         `json:"status" enum:"active,deleted,merged"`
	DisplayName string         `json:"displayName"`
	CreatedAt   *time.Time     `json:"createdAt,omitempty"`
	LastSeenAt  *time.Time     `json:"lastSeenAt,omitempty"` // the latest sign-in or renewal of those that are open
	DeletedAt   *time.Time     `json:"deletedAt,omitempty"`
	MergedInto  PlayerID       `json:"mergedInto,omitempty"` // whom the player became part of
	Ban         *BanView       `json:"ban,omitempty"`        // while it holds
	WaysIn      []FoundWayView `json:"waysIn"`
}

// FoundWayView is one identity of a player. The subject is masked: what an operator knows
// can be recognised, and nothing is learnt.
type FoundWayView struct {
	Provider string    `json:"provider"`
	Subject  string    `json:"subject"`
	LinkedAt time.Time `json:"linkedAt"`
}

// maxFound bounds the players that a search shows.
const maxFound = 50

// FindPlayers looks for players, for an operator. Only the whole of an address, subject or
// id finds anybody; a display name finds those who have it or one that people would take
// for it, where names are kept apart. Whom nobody knows is no error, but an empty answer.
// That it was looked is recorded with each player found.
func (b *Backend) FindPlayers(ctx context.Context, search PlayerSearch) (FoundPlayers, error) {
	by := search.by()
	if by == "" {
		return FoundPlayers{}, Errorf(Invalid, "search.form", "look by one of: email, provider with subject, displayName, id")
	}
	ids, err := b.lookUp(ctx, search)
	if err != nil {
		return FoundPlayers{}, err
	}
	found := FoundPlayers{Players: []FoundPlayerView{}}
	if len(ids) > maxFound {
		ids, found.More = ids[:maxFound], true
	}
	for _, id := range ids {
		switch view, err := b.foundPlayer(ctx, id); {
		case err == nil:
			found.Players = append(found.Players, view)
		case !errors.Is(err, ErrNotFound):
			return FoundPlayers{}, err
		}
	}
	if len(found.Players) == 0 {
		found.Note = b.noteOnProvider(search.Provider)
	}
	ops, err := AuditOps(ctx, b.instant(), found.audits(by)...)
	if err != nil {
		return FoundPlayers{}, err
	}
	return found, b.store.Write(ctx, ops...)
}

// noteOnProvider says of a provider that is not configured which ones are. A search by it finds
// those all the same whose provider was configured once.
func (b *Backend) noteOnProvider(name string) string {
	known := append([]string{EmailProvider, GuestProvider}, b.providers...)
	if name == "" || slices.Contains(known, name) {
		return ""
	}
	slices.Sort(known)
	return "no provider of this name is configured; there are " + strings.Join(slices.Compact(known), ", ")
}

// audits are the records of a search: with each player it found, or with no player's.
func (f *FoundPlayers) audits(by string) []Audit {
	if len(f.Players) == 0 {
		return []Audit{{Event: AuditFoundNobody, Detail: map[string]string{"by": by}}}
	}
	all := make([]Audit, 0, len(f.Players))
	for _, p := range f.Players {
		one := Audit{Player: p.ID, Event: AuditFound, Detail: map[string]string{"by": by}}
		if p.Status == string(accountDeleted) { // nothing is recorded with who is gone
			one.Player, one.Detail["player"] = "", string(p.ID)
		}
		all = append(all, one)
	}
	return all
}

// lookUp is the ids of those who may be meant, at most maxFound and one more.
func (b *Backend) lookUp(ctx context.Context, search PlayerSearch) ([]PlayerID, error) {
	identity := Identity{Provider: search.Provider, Subject: search.Subject}
	switch {
	case search.ID != "":
		if !ours(string(search.ID)) {
			return nil, nil
		}
		return []PlayerID{search.ID}, nil
	case search.DisplayName != "":
		return b.playersCalled(ctx, search.DisplayName)
	case search.Email != "":
		identity = Identity{Provider: EmailProvider, Subject: search.Email}
	}
	if b.canonical != nil {
		var err error
		if identity, err = b.canonical(identity); err != nil {
			return nil, err
		}
	}
	player, _, err := b.FindIdentity(ctx, identity)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return []PlayerID{player}, err
}

// playersCalled is who has a display name, or one that people would take for it.
func (b *Backend) playersCalled(ctx context.Context, name string) ([]PlayerID, error) {
	if !b.profile.Names.reserved() {
		return nil, Errorf(Invalid, "search.names", "nobody is found by name here, since profile.names is %s: ask for the player's id, or the match", NamesFree)
	}
	number := ""
	if b.profile.Names == NamesDiscriminator {
		name, number = cutNumber(name)
	}
	folded := foldName(name)
	if folded == "" || len(name) > maxSubjectText {
		return nil, nil
	}
	records, err := b.store.List(ctx, nameKey(name, 0).Partition, ListOptions{Prefix: number, Limit: maxFound + 1})
	if err != nil {
		return nil, err
	}
	ids := make([]PlayerID, 0, len(records))
	for _, rec := range records {
		has, err := decode[nameRecord](rec)
		if err != nil {
			return nil, err
		}
		ids = append(ids, has.Player)
	}
	return ids, nil
}

// cutNumber takes the number off a name that has one, as in Ada#0042.
func cutNumber(name string) (bare, number string) {
	bare, number, found := strings.Cut(name, "#")
	if n, err := strconv.Atoi(number); !found || err != nil || n < 1 || n > maxNumber {
		return name, ""
	}
	return bare, strings.Repeat("0", max(0, 4-len(number))) + number
}

// foundPlayer shows a player whose id was found.
func (b *Backend) foundPlayer(ctx context.Context, p PlayerID) (FoundPlayerView, error) {
	a, _, err := load[account](ctx, b.store, accountKey(p))
	if err != nil {
		return FoundPlayerView{}, err
	}
	v := FoundPlayerView{ID: a.ID, Status: "active", DisplayName: b.displayName(&a), CreatedAt: someTime(a.CreatedAt), WaysIn: []FoundWayView{}}
	switch a.Status {
	case accountDeleted:
		v.Status, v.DisplayName, v.DeletedAt = string(accountDeleted), deletedName, someTime(a.DeletedAt)
		return v, nil
	case accountMerged:
		v.Status, v.MergedInto = string(accountMerged), a.MergedInto
		return v, nil
	}
	v.Ban = a.Ban.view(b.now())
	for _, way := range a.Identities {
		v.WaysIn = append(v.WaysIn, FoundWayView{way.Provider, maskedSubject(way.Provider, way.Subject), way.LinkedAt})
	}
	open, err := b.openSignIns(ctx, p)
	v.LastSeenAt = lastSeen(open)
	return v, err
}

// lastSeen is the latest instant that sign-ins tell of; nil: they tell of none.
func lastSeen(open []SignInView) (latest *time.Time) {
	for _, in := range open {
		for _, at := range []*time.Time{in.OpenedAt, in.RenewedAt} {
			if at != nil && (latest == nil || at.After(*latest)) {
				latest = at
			}
		}
	}
	return latest
}

// maskedSubject is what is shown of what a provider calls a player: of an address the first
// letter and the domain, of anything long its last four characters.
func maskedSubject(provider, subject string) string {
	const hidden = "***"
	if provider == EmailProvider {
		if at := strings.LastIndexByte(subject, '@'); at > 0 {
			return subject[:1] + hidden + subject[at:]
		}
		return hidden
	}
	if runes := []rune(subject); len(runes) >= 12 {
		return hidden + string(runes[len(runes)-4:])
	}
	return hidden
}

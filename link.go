package muster

import (
	"context"
	"slices"
	"time"
)

// maxIdentities bounds the ways in of one player.
const maxIdentities = 10

// LinkView is one way in of a player, as the player sees it.
type LinkView struct {
	Provider string    `json:"provider"`
	Subject  string    `json:"subject"` // as the provider names the player; a guest's id
	LinkedAt time.Time `json:"linkedAt"`
}

// MergedView is a player who became part of another.
type MergedView struct {
	ID       PlayerID  `json:"id"`
	MergedAt time.Time `json:"mergedAt"`
}

// LinksView is the ways in of a player, in the order in which they became the player's,
// and the players who became part of them.
type LinksView struct {
	Links  []LinkView   `json:"links"`
	Merged []MergedView `json:"merged,omitempty"`
	// Guest is the guest's new secret when it was replaced. It is shown this once.
	Guest *Guest `json:"guest,omitempty"`
}

// Entrance is a sign-in with a proof, and what it was about.
type Entrance struct {
	Grant   Grant
	Subject string // as the provider names it
	// Guest is the guest's new secret when the sign-in replaced it.
	Guest *Guest
}

// linksView is what a player may know of their own ways in.
func (a *account) linksView() LinksView {
	view := LinksView{Links: make([]LinkView, 0, len(a.Identities))}
	for _, id := range a.Identities {
		view.Links = append(view.Links, LinkView{Provider: id.Provider, Subject: id.Subject, LinkedAt: id.LinkedAt})
	}
	for _, m := range a.Merged {
		view.Merged = append(view.Merged, MergedView{ID: m.ID, MergedAt: m.At})
	}
	return view
}

// identity is the account's way in of a provider; nil: it has none.
func (a *account) identity(provider string) *linkedIdentity {
	i := slices.IndexFunc(a.Identities, func(id linkedIdentity) bool { return id.Provider == provider })
	if i < 0 {
		return nil
	}
	return &a.Identities[i]
}

// scope is what the account's sign-ins may do: a guest has no way in but a secret.
func (a *account) scope() Scope {
	if len(a.Identities) == 1 && a.Identities[0].Provider == GuestProvider {
		return GuestScope
	}
	return PlayerScope
}

// ScopeOf is what sign-ins of a player may do. A player without an account in use is
// NotFound, one who is banned is refused as Admit does.
func (b *Backend) ScopeOf(ctx context.Context, p PlayerID, in SignInRef) (Scope, error) {
	a, _, err := b.account(ctx, p)
	switch {
	case err != nil:
	case a.Ban.holds(b.now()):
		err = bannedError(a.Ban.Until, a.Ban.Reason)
	case a.ended(in), b.outWithEveryone(in):
		err = errSignedOut()
	}
	return a.scope(), err
}

// Links lists the caller's ways in.
func (b *Backend) Links(ctx context.Context, p PlayerID) (LinksView, error) {
	a, _, err := b.account(ctx, p)
	return a.linksView(), err
}

// mayChangeWays refuses a player who is banned: whom a ban keeps out keeps every way in, or
// would come back by it as somebody new.
func (a *account) mayChangeWays(now time.Time) error {
	if a.Ban.holds(now) {
		return bannedError(a.Ban.Until, a.Ban.Reason)
	}
	return nil
}

// Link adds an identity that was proven to the caller's ways in: one transaction, so that
// it never leads to two players. When it is the first besides a guest's, the guest's secret
// is replaced by the one whose hash newSecret is, and the answer holds the guest without
// it. An identity that is the caller's already changes nothing. Errors are Conflict:
// "identity.in_use" for another player's, "identity.provider_linked" when the caller has one
// of this provider, "identity.too_many".
func (b *Backend) Link(ctx context.Context, p PlayerID, id Identity, newSecret []byte) (LinksView, error) {
	return b.LinkSecret(ctx, p, id, LinkedSecret{NewGuest: newSecret})
}

// LinkSecret is Link for an identity that has a secret. An address without a password is
// linked only where it is the caller's already: else it is Unauthenticated.
func (b *Backend) LinkSecret(ctx context.Context, p PlayerID, id Identity, secret LinkedSecret) (view LinksView, err error) {
	if id.Provider == "" || id.Subject == "" || id.Provider == GuestProvider {
		return LinksView{}, Errorf(Invalid, "identity.not_linkable", "this identity cannot be linked")
	}
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		now := b.instant()
		a, version, err := b.account(ctx, p)
		if err != nil {
			return nil, err
		}
		known, _, err := loadOr(ctx, b.store, identityKey(id), identityRecord{})
		if err != nil {
			return nil, err
		}
		if err := a.mayChangeWays(now); err != nil {
			return nil, err
		}
		wasGuest := a.scope() == GuestScope
		changed, err := a.link(id, known.Player, now)
		view = a.linksView()
		if err != nil {
			return nil, err
		}
		more, err := secret.along(ctx)
		if err != nil || !changed {
			return more, err
		}
		if err := mayBegin(id, secret.Hash); err != nil {
			return nil, err
		}
		made := identityRecord{Player: p, SecretHash: secret.Hash, LinkedAt: now}
		if len(secret.Hash) > 0 {
			made.Mark = b.newMark()
			a.setMark(id, made.Mark)
		}
		way, err := put(identityKey(id), 0, made, time.Time{})
		if err != nil {
			return nil, err
		}
		kept, err := put(accountKey(p), version, a, time.Time{})
		if err != nil {
			return nil, err
		}
		ops, err := AuditOps(ctx, now, Audit{p, AuditLinked, map[string]string{"provider": id.Provider}})
		if err != nil {
			return nil, err
		}
		ops = append(append(ops, way, kept), more...)
		if wasGuest {
			rotated, err := b.newSecretOps(ctx, &a, secret.NewGuest)
			if err != nil {
				return nil, err
			}
			view.Guest = &Guest{ID: a.identity(GuestProvider).Subject}
			ops = append(ops, rotated...)
		}
		return ops, nil
	})
	if err != nil {
		return LinksView{}, err
	}
	return view, nil
}

// link adds an identity that leads to owner, or to nobody yet.
func (a *account) link(id Identity, owner PlayerID, now time.Time) (changed bool, err error) {
	switch mine := a.identity(id.Provider); {
	case owner == a.ID && (mine == nil || mine.Subject != id.Subject):
		return false, ErrConflict // linked right after the account was read
	case owner == a.ID:
		return false, nil
	case owner != "":
		return false, errIdentityInUse()
	case mine != nil:
		return false, Errorf(Conflict, "identity.provider_linked", "another identity of this provider is linked: unlink it first")
	case len(a.Identities) >= maxIdentities:
		return false, errTooManyIdentities()
	}
	a.Identities = append(a.Identities, linkedIdentity{Provider: id.Provider, Subject: id.Subject, LinkedAt: now})
	return true, nil
}

func errTooManyIdentities() *Error {
	return Errorf(Conflict, "identity.too_many", "a player has at most %d ways in", maxIdentities)
}

// errIdentityInUse says what a client can offer: to sign in with the identity instead, or to
// merge the two players. Who the other one is, it does not say.
func errIdentityInUse() *Error {
	return &Error{
		Kind: Conflict, Code: "identity.in_use", Message: "another player signs in with this: sign in with it, or merge the two",
		Details: map[string]any{"offers": []string{"switch", "merge"}},
	}
}

// newSecretOps replaces the secret of an account's guest.
func (b *Backend) newSecretOps(ctx context.Context, a *account, newSecret []byte) ([]Op, error) {
	guest := a.identity(GuestProvider)
	if guest == nil {
		return nil, nil
	}
	key := identityKey(Identity{Provider: GuestProvider, Subject: guest.Subject})
	record, version, err := load[identityRecord](ctx, b.store, key)
	if err != nil {
		return nil, err
	}
	record.SecretHash = newSecret
	op, err := put(key, version, record, time.Time{})
	return []Op{op}, err
}

// Unlink takes away the caller's way in of a provider; the last one stays. guestShown says
// that the caller showed the guest's secret: without it a guest does not count as a way in,
// for the secret may be lost. One that is not linked changes nothing. Errors are Conflict:
// "identity.last", or "identity.guest_unproven" when only an unproven guest would be left.
// Sign-ins that were opened by it end, but for the caller's.
func (b *Backend) Unlink(ctx context.Context, p PlayerID, provider string, guestShown bool) (view LinksView, err error) {
	var ended Revocation
	var left *account // nil: nothing was linked
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		left = nil
		a, version, err := b.account(ctx, p)
		if err != nil {
			return nil, err
		}
		now := b.instant()
		ended = Revocation{Player: p, Why: SignedOut, At: now}
		if err := a.mayChangeWays(now); err != nil {
			return nil, err
		}
		gone, err := a.unlink(provider, guestShown)
		view = a.linksView()
		if err != nil || gone == (Identity{}) {
			return nil, err
		}
		ops, err := AuditOps(ctx, now, Audit{p, AuditUnlinked, map[string]string{"provider": provider}})
		if err != nil {
			return nil, err
		}
		left = &a
		signIns, err := b.endWayOps(ctx, &ended, WayInOf(gone))
		if err != nil {
			return nil, err
		}
		told, err := b.farewellOps(farewell{Player: p, At: now, Ways: b.platformsOf(linkedIdentity{Provider: gone.Provider, Subject: gone.Subject})})
		if err != nil {
			return nil, err
		}
		kept, err := put(accountKey(p), version, a, time.Time{})
		// The account's version guards the identity's: they change together.
		return append(slices.Concat(ops, signIns, told), kept, Op{Kind: Delete, Key: identityKey(gone), Version: AnyVersion}), err
	})
	if err != nil {
		return LinksView{}, err
	}
	if len(ended.SignIn) > 0 {
		b.revoke(ctx, ended)
	}
	if left != nil {
		b.endBelated(ctx, left)
	}
	return view, nil
}

// unlink takes an identity out and says which; the zero value: there is none of the provider.
func (a *account) unlink(provider string, guestShown bool) (gone Identity, err error) {
	mine := a.identity(provider)
	if mine == nil {
		return Identity{}, nil
	}
	if len(a.Identities) == 1 {
		return Identity{}, Errorf(Conflict, "identity.last", "this is the last way in: link another first")
	}
	gone = Identity{Provider: mine.Provider, Subject: mine.Subject}
	left := slices.DeleteFunc(slices.Clone(a.Identities), func(id linkedIdentity) bool { return id == *mine })
	if len(left) == 1 && left[0].Provider == GuestProvider && !guestShown {
		return Identity{}, Errorf(Conflict, "identity.guest_unproven", "only the guest would be left: show its id and secret, joined by a dot, in the header Muster-Proof, or link another")
	}
	a.Identities = left
	return gone, nil
}

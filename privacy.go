package muster

import (
	"context"
	"slices"
	"strings"
	"time"
)

// How long the traces of a deleted account are kept.
const (
	// tombstoneLife is how long an account is remembered as deleted.
	tombstoneLife = 30 * 24 * time.Hour
)

// purgeLooks are when, after a deletion, it is looked again whether anything of the
// player has come up: from calls that were under way, from tickets, and from sessions,
// whose results may come until sessionLife has passed.
var purgeLooks = [...]time.Duration{deniedFor, 25 * time.Hour, sessionLife + 24*time.Hour}

// ratedAfterDeletion is how long results of a deleted player's matches change the ratings
// of all as if the player were there. It ends while a purgeLook is yet to come.
const ratedAfterDeletion = sessionLife + 12*time.Hour

// duePurges are deleted accounts of which something may be left to erase.
const duePurges dueKind = "purge"

// purge brings a deleted account to notice. Look is how many of the purgeLooks are done,
// once the first purge is.
type purge struct {
	Player PlayerID  `json:"player"`
	Alias  PlayerID  `json:"alias,omitempty"` // the account's
	At     time.Time `json:"at"`              // of the deletion
	Purged bool      `json:"purged,omitempty"`
	Look   int       `json:"look,omitempty"`
	Fill   bool      `json:"fill,omitempty"` // of a merge: documents go to whom the player became part of

	// Mails says that they were taken back once, Addresses whose are still to be.
	Mails     bool        `json:"mails,omitempty"`
	Addresses []MailOwner `json:"addresses,omitempty"`
}

// aliasPrefix begins the ids that stand for deleted players in what others keep.
const aliasPrefix = "deleted-"

// erased says that the id stands for a player whose account is deleted.
func (p PlayerID) erased() bool { return strings.HasPrefix(string(p), aliasPrefix) }

// DeleteAccount deletes the caller's account. From then on the player does not exist, no
// sign-in can be renewed and the identities lead nowhere: that is one transaction. What
// else is kept of the player ErasePlayers erases; in the histories of others an
// id without meaning takes the player's place.
func (b *Backend) DeleteAccount(ctx context.Context, p PlayerID) error {
	var r Revocation
	err := Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		a, version, err := b.account(ctx, p)
		if err != nil {
			return nil, err
		}
		r = Revocation{Player: p, Why: AccountDeleted, At: b.instant()}
		return b.deletionOps(ctx, &a, version, &r)
	})
	if err != nil {
		return err
	}
	b.revoke(ctx, r)
	return nil
}

// deletionOps leaves a tombstone in place of the account, and takes away every way in,
// the name, and the sign-ins. What is recorded of it is a stub that says nothing of where
// from.
func (b *Backend) deletionOps(ctx context.Context, a *account, version int64, r *Revocation) ([]Op, error) {
	now := r.At
	ops, err := b.tombstoneOps(a.ID, version, now, purge{Addresses: b.mailAddresses(a)})
	if err != nil {
		return nil, err
	}
	told, err := b.farewellOps(farewell{Player: a.ID, At: now, Ways: b.platformsOf(a.Identities...), Gone: true})
	if err != nil {
		return nil, err
	}
	ops = append(ops, told...)
	for _, m := range a.Merged { // who became part of the player goes with them
		_, version, err := load[account](ctx, b.store, accountKey(m.ID))
		if err != nil {
			return nil, err
		}
		tombstone, err := b.tombstoneOps(m.ID, version, now, purge{})
		if err != nil {
			return nil, err
		}
		ops = append(ops, tombstone...)
	}
	for _, id := range a.Identities {
		ops = append(ops, Op{Kind: Delete, Key: identityKey(Identity{Provider: id.Provider, Subject: id.Subject}), Version: AnyVersion})
	}
	name, err := b.releaseName(ctx, a)
	if err != nil {
		return nil, err
	}
	stub, err := AuditOps(WithClient(ctx, Client{}), now, Audit{Player: a.ID, Event: AuditDeleted})
	if err != nil {
		return nil, err
	}
	ops = slices.Concat(ops, name, stub)
	signedOut, err := b.signOutOps(ctx, r, len(ops)) // the others go with the player's records
	return append(ops, signedOut...), err
}

// tombstoneOps leave a tombstone in place of an account, and ask for the rest to be erased:
// job says what goes beyond the player's records.
func (b *Backend) tombstoneOps(p PlayerID, version int64, now time.Time, job purge) ([]Op, error) {
	gone := now.Add(tombstoneLife)
	alias := PlayerID(aliasPrefix + b.newID())
	tombstone, err := put(accountKey(p), version, account{ID: p, Status: accountDeleted, DeletedAt: now, Alias: alias}, gone)
	if err != nil {
		return nil, err
	}
	job.Player, job.Alias, job.At = p, alias, now
	due, err := put(duePurges.key(string(p), now), AnyVersion, job, gone)
	return []Op{tombstone, due}, err
}

// tombstone reads what is left of a deleted account; ok is false for any other.
func (b *Backend) tombstone(ctx context.Context, p PlayerID) (a account, ok bool, err error) {
	a, ok, err = b.departed(ctx, p)
	return a, ok && a.Status == accountDeleted, err
}

// departed reads what is left of an account that is deleted or merged; ok is false for any
// other.
func (b *Backend) departed(ctx context.Context, p PlayerID) (a account, ok bool, err error) {
	a, version, err := loadOr(ctx, b.store, accountKey(p), account{})
	return a, version != 0 && a.closed(), err
}

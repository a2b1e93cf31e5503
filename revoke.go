package muster

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Access tokens are checked without the store and live for minutes. What makes them void
// before is a Revocation: a short list that every replica holds in memory, hears of from
// the replica that made it, and reads off the store in case it did not hear.

// Revocation makes access tokens of a player void. All of them, or those of some sign-ins.
type Revocation struct {
	Player PlayerID         `json:"player"`
	Why    RevocationReason `json:"why"`
	At     time.Time        `json:"at"`
	Until  time.Time        `json:"until,omitzero"`    // end of a ban; zero: none
	SignIn []string         `json:"signIns,omitempty"` // their ids
	Reason string           `json:"reason,omitempty"`  // of a ban, for the player
	// Elsewhere says that all that the player has signed in to before At is over: access tokens of
	// other issuers, too, which belong to no sign-in of ours.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// RevocationReason is why tokens are void.
type RevocationReason string

// The reasons. SignedOut is for the tokens of the sign-ins named, the next three for all that
// the player has. Lifted takes back a ban, and leaves void what the sign-ins named had.
// EveryoneOut is for all sign-ins of all players that were proven before At, and names none.
const (
	SignedOut      RevocationReason = "signedOut"
	AccountBanned  RevocationReason = "banned"
	AccountDeleted RevocationReason = "deleted"
	AccountMerged  RevocationReason = "merged"
	BanLifted      RevocationReason = "lifted"
	EveryoneOut    RevocationReason = "everyoneOut"
)

// deniedFor is how long every replica refuses what was revoked: longer than access tokens
// live.
const deniedFor = 20 * time.Minute

// NoticeRevoked is the type of the notice that carries a Revocation: for the sockets of the
// player, and for the other replicas. Clients do not see it.
const NoticeRevoked = "revoked"

// RevocationOf is the revocation that a notice carries; ok is false for any other notice.
func RevocationOf(n Notice) (r Revocation, ok bool) {
	if n.Type != NoticeRevoked {
		return Revocation{}, false
	}
	switch data := n.Data.(type) {
	case Revocation:
		return data, true
	case json.RawMessage: // from another replica
		if json.Unmarshal(data, &r) == nil && r.Player == n.Player {
			return r, true
		}
	}
	return Revocation{}, false
}

// Covers says that the revocation makes the token void by which a caller is known, who is
// the player of the revocation if it has one.
func (r Revocation) Covers(c Caller) bool {
	if r.Why == EveryoneOut {
		return c.Player != "" && c.SignedInAt.Before(r.At)
	}
	if r.Why == AccountBanned || r.Why == AccountDeleted || r.Why == AccountMerged {
		return true
	}
	for _, id := range r.SignIn {
		if id == c.Family {
			return true
		}
	}
	return r.Elsewhere && signedInElsewhere(c, r.At)
}

// signedInElsewhere says that a caller shows a token of another issuer, of a sign-in there
// before an instant. Tokens count in whole seconds, so who signed in within the same second
// counts as before it, and has to do so once more.
func signedInElsewhere(c Caller, before time.Time) bool {
	return c.Family == "" && !c.SignedInAt.IsZero() && c.SignedInAt.Before(before)
}

// refusal is what the holder of a void token is told.
func (r Revocation) refusal() *Error {
	switch r.Why {
	case AccountDeleted:
		return Errorf(Unauthenticated, "account.deleted", "this account is deleted")
	case AccountMerged:
		return Errorf(Unauthenticated, "account.merged", "this account is part of another now: sign in again")
	case AccountBanned:
		return bannedError(r.Until, r.Reason)
	}
	return Errorf(Unauthenticated, "token.revoked", "this sign-in has ended: sign in again")
}

// end is when the revocation need not be remembered any more.
func (r Revocation) end() time.Time {
	end := r.At.Add(deniedFor)
	if !r.Until.IsZero() && r.Until.Before(end) {
		return r.Until
	}
	return end
}

// revocations are those of the last minutes, as far as this replica knows.
type revocations struct {
	mu      sync.RWMutex            // guards what follows
	players map[PlayerID]Revocation // the latest of each that is about all tokens, or lifts one
	signIns map[string]time.Time    // sign-ins that have ended: until when that counts
	// elsewhere is until when the sign-ins of players at other issuers have ended.
	elsewhere map[PlayerID]time.Time
	clearAt   time.Time // when to forget what is over
	// everyone is until when the sign-ins of all players have ended; zero: they have not.
	everyone time.Time

	// What was read of the records: when the latest look was, and the latest at all of them.
	reading         sync.Mutex // held while reading
	readAt, wholeAt time.Time
}

// add takes a revocation in. Learning of one again, or of an older one of a player later,
// changes nothing.
func (v *revocations) add(now time.Time, r Revocation) {
	if r.Why == EveryoneOut {
		v.endEveryone(r.At)
		return
	}
	if !now.Before(r.At.Add(deniedFor)) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.players == nil {
		v.players, v.signIns, v.elsewhere = make(map[PlayerID]Revocation), make(map[string]time.Time), make(map[PlayerID]time.Time)
	}
	v.forget(now)
	for _, id := range r.SignIn {
		v.signIns[id] = r.At.Add(deniedFor)
	}
	if r.Elsewhere && r.At.After(v.elsewhere[r.Player]) {
		v.elsewhere[r.Player] = r.At
	}
	if r.Why == SignedOut {
		return
	}
	if known, there := v.players[r.Player]; !there || !r.At.Before(known.At) {
		r.SignIn = nil
		v.players[r.Player] = r
	}
}

// endEveryone ends all sign-ins that were proven before an instant.
func (v *revocations) endEveryone(at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if at.After(v.everyone) {
		v.everyone = at
	}
}

// everyoneBefore is until when the sign-ins of all players have ended.
func (v *revocations) everyoneBefore() time.Time {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.everyone
}

// forget drops what is over, from time to time; mu is held.
func (v *revocations) forget(now time.Time) {
	if now.Before(v.clearAt) {
		return
	}
	v.clearAt = now.Add(time.Minute)
	for p, r := range v.players {
		if !now.Before(r.At.Add(deniedFor)) {
			delete(v.players, p)
		}
	}
	for id, until := range v.signIns {
		if !now.Before(until) {
			delete(v.signIns, id)
		}
	}
	for p, at := range v.elsewhere {
		if !now.Before(at.Add(deniedFor)) {
			delete(v.elsewhere, p)
		}
	}
}

// refuses says why a caller's token is void; nil: it is not.
func (v *revocations) refuses(now time.Time, c Caller) *Error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if len(v.players) == 0 && len(v.signIns) == 0 && len(v.elsewhere) == 0 && v.everyone.IsZero() {
		return nil
	}
	if r, there := v.players[c.Player]; there && r.Why != BanLifted && now.Before(r.end()) {
		return r.refusal()
	}
	if until, there := v.signIns[c.Family]; there && now.Before(until) || c.SignedInAt.Before(v.everyone) || signedInElsewhere(c, v.elsewhere[c.Player]) {
		return Revocation{Why: SignedOut}.refusal()
	}
	return nil
}

// Revoked says why the access token of a caller is void although it has not expired; nil:
// it is not. It asks nobody and costs next to nothing. What was revoked at this replica it
// refuses at once, what was revoked at others within the pace of LearnRevocations.
func (b *Backend) Revoked(c Caller) error {
	if c.Player == "" {
		return nil
	}
	if refusal := b.revocations.refuses(b.now(), c); refusal != nil {
		return refusal
	}
	return nil
}

// revocationPartition holds the revocations of the last minutes, in the order of their
// instants. It is one, since every replica reads it every second: a partition takes hundreds
// of them a second (DynamoDB: 1,000 write units).
const revocationPartition = "DENY#0"

// revocationOp stores a revocation for the other replicas to find.
func revocationOp(r Revocation) (Op, error) {
	sort := sortableTime(r.At) + "#" + string(r.Player)
	if r.Why == SignedOut && len(r.SignIn) > 0 { // several of them may end at one instant
		sort += "#" + r.SignIn[0]
	}
	return put(Key{revocationPartition, sort}, AnyVersion, r, r.At.Add(deniedFor))
}

// revoke has a revocation that was stored take effect: here before it returns, at the other
// replicas as soon as they hear of it.
func (b *Backend) revoke(ctx context.Context, r Revocation) {
	b.revocations.add(b.now(), r)
	b.notifier.Notify(ctx, Notice{Player: r.Player, Type: NoticeRevoked, Data: r})
}

// How revocations are read off the store.
const (
	// revokedWithin is how late at most a replica learns of a revocation that it did not
	// hear of, while the store answers.
	revokedWithin = time.Second
	// revokedApart is how far apart the clocks of replicas may be for that.
	revokedApart = 15 * time.Second
	// revokedWhole is how often everything that counts is read, whatever the clocks say.
	revokedWhole = time.Minute
)

// LearnRevocations reads the revocations that other replicas made. Run does so every second;
// whoever serves calls it once before.
func (b *Backend) LearnRevocations(ctx context.Context) error {
	v := &b.revocations
	v.reading.Lock()
	defer v.reading.Unlock()
	now := b.instant()
	since, whole := v.readAt.Add(-revokedApart), false
	if now.Sub(v.wholeAt) >= revokedWhole {
		since, whole = now.Add(-deniedFor), true
	}
	if err := b.readRevocations(ctx, since); err != nil {
		return err
	}
	v.readAt = now
	if whole {
		v.wholeAt = now
	}
	return nil
}

func (b *Backend) readRevocations(ctx context.Context, since time.Time) error {
	after := sortableTime(since)
	for more := true; more; {
		records, err := b.store.List(ctx, revocationPartition, ListOptions{After: after})
		if err != nil {
			return fmt.Errorf("list revocations: %w", err)
		}
		for _, rec := range records {
			r, err := decode[Revocation](rec)
			if err != nil {
				b.log.ErrorContext(ctx, "skip a revocation", "error", err)
				continue
			}
			b.revocations.add(b.now(), r)
		}
		if more = len(records) == MaxListLimit; more {
			after = records[len(records)-1].Sort
		}
	}
	return nil
}

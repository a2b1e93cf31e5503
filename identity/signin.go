package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster"
)

// openFamily starts a family for a sign-in beside those that are held, of which some may have
// to make room. A device that none of them is of is recorded; the first of a new player needs
// no record.
func (s *Service) openFamily(ctx context.Context, o opening) (handout, error) {
	token, record, err := s.newFamily(ctx, o)
	if err != nil {
		return handout{}, err
	}
	put, err := s.familyOp(token, record, 0)
	if err != nil {
		return handout{}, err
	}
	consent, err := s.consentOps(o.way, o.consent)
	if err != nil {
		return handout{}, err
	}
	now, client := s.now().UTC(), muster.ClientFrom(ctx)
	ended := func(context.Context) {}
	var found []muster.Op
	err = muster.Change(ctx, s.store, func(ctx context.Context) ([]muster.Op, error) {
		if found = nil; o.created {
			return append(consent, put), nil
		}
		held, err := s.families(ctx, o.player)
		if err != nil {
			return nil, err
		}
		var ops []muster.Op
		if ops, ended, err = s.makeRoom(o.player, held, client, now); err != nil {
			return nil, err
		}
		if !isKnownDevice(held, client) {
			found, err = muster.AuditOps(ctx, now, muster.Audit{Player: o.player, Event: muster.AuditSignIn, Detail: map[string]string{"signIn": token.family}})
			if err != nil {
				return nil, err
			}
			ops = append(ops, found...)
		}
		return slices.Concat(ops, consent, []muster.Op{put}), nil
	})
	if err != nil {
		return handout{}, fmt.Errorf("open refresh family: %w", err)
	}
	ended(ctx)
	opened := handout{token: token, scope: o.scope, ends: s.ends(record), opened: record.OpenedAt}
	for _, op := range append(found, put) {
		opened.undo = append(opened.undo, muster.Op{Kind: muster.Delete, Key: op.Key, Version: muster.AnyVersion})
	}
	return opened, nil
}

// newFamily makes the record of a sign-in, and its first token.
func (s *Service) newFamily(ctx context.Context, o opening) (refreshToken, family, error) {
	secret, err := newSecret(s.random)
	if err != nil {
		return refreshToken{}, family{}, err
	}
	tagKey, err := newSecret(s.random)
	if err != nil {
		return refreshToken{}, family{}, err
	}
	client := muster.ClientFrom(ctx)
	token := refreshToken{player: o.player, family: s.newID(), secret: secret}.sealed(tagKey)
	return token, family{
		Scope: o.scope, Generation: 1, CurrentHash: token.hash(), TagKey: tagKey, ExpiresAt: s.now().UTC().Add(s.refreshTTL),
		OpenedAt: o.proven, Device: client.UserAgent, DeviceID: client.Device,
		Network: networkMark(tagKey, client.Address), Way: muster.WayInOf(o.way), Mark: o.mark,
	}, nil
}

// families lists the sign-ins of a player, the oldest first: ids ascend with time.
func (s *Service) families(ctx context.Context, player muster.PlayerID) ([]muster.Record, error) {
	held, err := s.store.List(ctx, muster.PlayerPartition(player), muster.ListOptions{Prefix: muster.SignInPrefix})
	if err != nil {
		return nil, fmt.Errorf("list refresh families: %w", err)
	}
	return held, nil
}

// maxRepeats bounds the sign-ins of the last moment that a device keeps: those of a client that
// asks again because an answer was lost, or late.
const maxRepeats = 2

// roomOps bounds what makes room for a sign-in in its Write: its own record, that of a new
// device, a revocation and a consent stand beside it.
const roomOps = muster.MaxWriteOps - 4

// makeRoom ends the sign-ins that give way to another one: those of the same device, and the
// oldest where there are too many. ended is to be called after the Write.
//
// The access tokens of the oldest are refused for sure. Those of the same device are not: its
// client has newer ones, they end within minutes, and players come back by the thousand, each of
// whom would put a revocation into the one list that every replica reads.
func (s *Service) makeRoom(player muster.PlayerID, held []muster.Record, client muster.Client, now time.Time) (ops []muster.Op, ended func(context.Context), err error) {
	stay, ends := s.replaced(held, client, now)
	used := false
	for i := range max(0, min(len(stay)-maxFamilies+1, roomOps-len(ends))) {
		var f family
		used = used || json.Unmarshal(stay[i].Value, &f) != nil || s.mayBeUsed(f, now)
		ends = append(ends, f.ref(strings.TrimPrefix(stay[i].Sort, muster.SignInPrefix)))
	}
	if len(ends) == 0 {
		return nil, func(context.Context) {}, nil
	}
	return s.guard.EndSignIns(player, ends, used)
}

// mayBeUsed says that an access token of a family may be good still.
func (s *Service) mayBeUsed(f family, now time.Time) bool {
	used := f.lastUsed()
	return used.IsZero() || now.Before(used.Add(s.accessTTL+clockSlack))
}

// replaced divides the sign-ins that are held, the oldest first, into those that stay and those
// that another one of the client's device replaces. Who names no device replaces none.
func (s *Service) replaced(held []muster.Record, client muster.Client, now time.Time) (stay []muster.Record, ends []muster.SignInRef) {
	if s.several || !client.NamesDevice() {
		return held, nil
	}
	repeats := 0
	for _, rec := range slices.Backward(held) {
		var f family
		if json.Unmarshal(rec.Value, &f) != nil || f.DeviceID != client.Device || len(ends) == roomOps {
			stay = append(stay, rec)
			continue
		}
		if now.Sub(f.OpenedAt) < refreshGrace && repeats < maxRepeats {
			repeats++
			stay = append(stay, rec)
			continue
		}
		ends = append(ends, f.ref(strings.TrimPrefix(rec.Sort, muster.SignInPrefix)))
	}
	slices.Reverse(stay)
	return stay, ends
}

// clockSlack is how much longer than it should an access token counts as good, for what was
// proven some time before its token was signed, by a clock that may differ.
const clockSlack = time.Minute

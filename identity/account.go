package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster"
)

// SignIns lists a player's sign-ins, oldest first, no secret. That of the caller is marked.
func (s *Service) SignIns(ctx context.Context, player muster.PlayerID) ([]muster.SignInView, error) {
	held, err := s.families(ctx, player)
	if err != nil {
		return nil, err
	}
	caller, _ := muster.CallerFrom(ctx)
	views := make([]muster.SignInView, 0, len(held))
	for _, rec := range held {
		var f family
		if err := json.Unmarshal(rec.Value, &f); err != nil {
			return nil, fmt.Errorf("decode refresh family: %w", err)
		}
		if !s.now().Before(s.ends(f)) {
			continue
		}
		id := strings.TrimPrefix(rec.Sort, muster.SignInPrefix)
		views = append(views, muster.SignInView{
			ID: id, Current: id == caller.Family,
			OpenedAt: someTime(f.OpenedAt), RenewedAt: someTime(f.RenewedAt), ExpiresAt: s.ends(f).Truncate(time.Second), Device: f.Device, DeviceID: f.DeviceID,
		})
	}
	return views, nil
}

// someTime is an instant, or nil where there is none.
func someTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// Prove says that whoever shows an access token has more than that, for calls that
// cannot be undone: the newest refresh token of one of the player's sign-ins, or a guest's
// "id.secret". It uses nothing up. Every refusal is Denied, for the caller is known, with the code
// "proof.invalid".
func (s *Service) Prove(ctx context.Context, caller muster.Caller, proof string) error {
	if caller.Player == "" || len(proof) > maxRefreshToken {
		return errProofRefused()
	}
	if strings.HasPrefix(proof, refreshPrefix) {
		return s.proveByRefresh(ctx, caller.Player, proof)
	}
	id, secret, found := strings.Cut(proof, ".")
	if !found {
		return errProofRefused()
	}
	player, err := s.findGuest(ctx, muster.Guest{ID: id, Secret: secret})
	if err != nil {
		return err
	}
	if player != caller.Player {
		return errProofRefused()
	}
	return nil
}

// findGuest is the player whom a guest's id and secret prove; empty: they prove nobody. Who
// tries too many is Exhausted.
func (s *Service) findGuest(ctx context.Context, guest muster.Guest) (muster.PlayerID, error) {
	if !guestID.MatchString(guest.ID) || len(guest.Secret) > maxGuestSecret {
		return "", nil
	}
	var player muster.PlayerID
	id, refused := guestIdentity(guest.ID), errGuestRefused()
	err := s.limits.Guess(ctx, id, nil, func(ctx context.Context) error {
		found, known, err := s.accounts.FindIdentity(ctx, id)
		if err != nil && muster.KindOf(err) != muster.NotFound {
			return fmt.Errorf("find guest: %w", err)
		}
		if !secretMatches(guest.Secret, known) {
			return refused
		}
		player = found
		return nil
	})
	if errors.Is(err, refused) {
		return "", nil
	}
	return player, err
}

func (s *Service) proveByRefresh(ctx context.Context, player muster.PlayerID, proof string) error {
	presented, ok := parseRefreshToken(proof)
	if !ok || presented.player != player {
		return errProofRefused()
	}
	record, _, err := s.loadFamily(ctx, presented)
	if muster.KindOf(err) == muster.Unauthenticated {
		return errProofRefused()
	}
	if err != nil {
		return err
	}
	if s.judge(record, presented) != tokenCurrent {
		return errProofRefused()
	}
	err = s.guard.Admit(ctx, player, record.ref(presented.family))
	if muster.KindOf(err) == muster.Unauthenticated {
		return errProofRefused() // it ended, and is only not forgotten yet
	}
	return err
}

func errProofRefused() *muster.Error {
	return muster.Errorf(muster.Denied, "proof.invalid", "this needs a proof that is yours: the newest refresh token, or a guest's id and secret")
}

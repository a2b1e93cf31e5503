package identity

import (
	"context"
	"errors"

	"muster"
)

// begin lets a sign-in begin, before anything that proves its player is used up.
func (s *Service) begin(ctx context.Context, what muster.Action) error {
	if err := s.guard.MayOpen(ctx, s.instant()); err != nil {
		return err
	}
	return s.limits.Spend(ctx, what)
}

// soonInstead is the answer to a sign-in that ended while it was opened: that of begin when
// everyone was signed out meanwhile.
func (s *Service) soonInstead(ctx context.Context, o opening, err error) error {
	var refused *muster.Error
	if errors.As(err, &refused) && refused.Code == "refresh.invalid" {
		if soon := s.guard.MayOpen(ctx, o.proven); soon != nil {
			return soon
		}
	}
	return err
}

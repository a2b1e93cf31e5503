package muster

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
)

// WayMark tells the sign-ins that were opened before a change of a way in from those after it:
// the way in, its account and each sign-in by it have one. Another password, where it signs the
// others out, and a second factor that is turned on bring another mark. No clock is asked, and a
// sign-in that is under way meanwhile is told, too. Empty: the way in has no secret that
// changes, or is from before there were marks.
type WayMark string

// wayMarkBytes are enough to tell apart the changes of one way in.
const wayMarkBytes = 8

// newMark is a mark that no way in had before.
func (b *Backend) newMark() WayMark {
	sum := sha256.Sum256([]byte(b.newID()))
	return WayMark(base64.RawURLEncoding.EncodeToString(sum[:wayMarkBytes]))
}

// Way is what is kept of a way in, as of one read.
type Way struct {
	Player     PlayerID
	SecretHash []byte // nil: it has no secret
	Mark       WayMark
	Factor     *SecondFactor // nil: it asks for none
}

// FindWay returns a way in. An unknown one is NotFound.
func (b *Backend) FindWay(ctx context.Context, id Identity) (Way, error) {
	rec, _, err := load[identityRecord](ctx, b.store, identityKey(id))
	if err != nil {
		return Way{}, err
	}
	return Way{Player: rec.Player, SecretHash: rec.SecretHash, Mark: rec.Mark, Factor: rec.Factor}, nil
}

// setMark gives a way in of the account a mark.
func (a *account) setMark(id Identity, mark WayMark) {
	if mine := a.identity(id.Provider); mine != nil && mine.Subject == id.Subject {
		mine.Mark = mark
	}
}

// opens says whether a way in that a sign-in was opened by leads to the account, and is still
// as it was then. The one that was kept at the latest change need not have its mark.
func (a *account) opens(in SignInRef) bool {
	for _, id := range a.Identities {
		if WayInOf(Identity{Provider: id.Provider, Subject: id.Subject}) == in.Way {
			return id.Mark == "" || id.Mark == in.Mark || in.ID != "" && in.ID == a.SignedOut.Keep
		}
	}
	return false
}

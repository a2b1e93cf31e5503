package muster

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// SignInPrefix begins the sort keys of a player's sign-ins, which package identity keeps
// in the player's partition. Their records have a member "opened", when the player was proven,
// and "way" and "mark", a WayIn and its WayMark; one without a way is bound to none.
const SignInPrefix = "RT#"

// PlayerPartition is where everything stands that is a player's alone.
func PlayerPartition(p PlayerID) string { return "P#" + string(p) }

// WayIn is how a sign-in remembers the identity that it was opened by: which one it was can
// be told from it only by who knows the identity.
type WayIn string

// wayInBytes are enough to tell the few identities of one player apart.
const wayInBytes = 8

// WayInOf is what stands for an identity. An e-mail address may change, and its sign-ins go
// on: all addresses are one way in.
func WayInOf(id Identity) WayIn {
	if id.Provider == EmailProvider {
		return EmailProvider
	}
	sum := sha256.Sum256([]byte(id.Provider + "\x00" + id.Subject))
	return WayIn(id.Provider + ":" + hex.EncodeToString(sum[:wayInBytes]))
}

// SignInView is one sign-in of a player: a device that can renew its access without a new
// proof.
type SignInView struct {
	ID        string     `json:"id"`
	Current   bool       `json:"current,omitempty"`  // the one that asks
	OpenedAt  *time.Time `json:"openedAt,omitempty"` // nil: not known
	RenewedAt *time.Time `json:"renewedAt,omitempty"`
	ExpiresAt time.Time  `json:"expiresAt"`
	Device    string     `json:"device,omitempty"`   // as it called itself: User-Agent
	DeviceID  string     `json:"deviceId,omitempty"` // as it says in Muster-Device
}

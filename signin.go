package muster

import "time"

// SignInPrefix begins the sort keys of a player's sign-ins, which package identity keeps
// in the player's partition.
const SignInPrefix = "RT#"

// PlayerPartition is where everything stands that is a player's alone.
func PlayerPartition(p PlayerID) string { return "P#" + string(p) }

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

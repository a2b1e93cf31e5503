package muster

import (
	"context"
	"strings"
	"time"
	"unicode"
)

// SignInPrefix begins the sort keys of a player's sign-ins, which package identity keeps
// in the player's partition.
const SignInPrefix = "RT#"

// PlayerPartition is where everything stands that is a player's alone.
func PlayerPartition(p PlayerID) string { return "P#" + string(p) }

// SignInView is one sign-in of a player: a device that can renew its access without a new
// proof.
type SignInView struct {
	OpenedAt  *time.Time `json:"openedAt,omitempty"` // nil: not known
	RenewedAt *time.Time `json:"renewedAt,omitempty"`
	ExpiresAt time.Time  `json:"expiresAt"`
	Device    string     `json:"device,omitempty"` // as it called itself
}

type deviceKey struct{}

// maxDevice bounds what is kept of a device's name, in characters.
const maxDevice = 100

// WithDevice returns a context that carries what a signing-in device calls itself.
func WithDevice(ctx context.Context, device string) context.Context {
	return context.WithValue(ctx, deviceKey{}, device)
}

// DeviceFrom is what the device calls itself, short and printable; empty: not known.
func DeviceFrom(ctx context.Context) string {
	device, _ := ctx.Value(deviceKey{}).(string)
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, device)
	if runes := []rune(printable); len(runes) > maxDevice {
		printable = string(runes[:maxDevice])
	}
	return printable
}

package muster

import (
	"context"
	"net/netip"
	"strings"
	"unicode"
)

// Client is where a request came from, as far as the transport knows. Nothing of it is
// proven but the address.
type Client struct {
	Address   netip.Addr // of the client itself, not of a proxy before us; zero: not known
	Device    string     // the id that the client gives its device; empty: it gives none
	UserAgent string     // what the client calls itself
}

// MinDeviceID is how long the id of a device must be to tell it from all others, in bytes. A
// shorter one may be guessed, or be the name of a model.
const MinDeviceID = 16

// NamesDevice says that the client gives its device an id that tells it from others.
func (c Client) NamesDevice() bool { return len(c.Device) >= MinDeviceID }

type clientKey struct{}

// WithClient returns a context that carries where a request came from.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientFrom is where a request came from; its texts are short and printable. Outside of
// any request it is the zero value.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	c.Device, c.UserAgent = printable(c.Device, maxDevice), printable(c.UserAgent, maxDevice)
	return c
}

// addressText is the address as records keep it; empty: not known.
func (c Client) addressText() string {
	if !c.Address.IsValid() {
		return ""
	}
	return c.Address.Unmap().WithZone("").String()
}

// NetworkOf is the network of an address, of which bits4 bits count if it is one of IPv4 and
// bits6 if it is one of IPv6. An IPv4 address in the clothes of an IPv6 one counts as IPv4, and
// no zone counts. Zero: the address is not known.
func NetworkOf(address netip.Addr, bits4, bits6 int) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := bits6
	if address.Is4() {
		bits = bits4
	}
	network, _ := address.Prefix(bits) // of no address it is zero
	return network
}

// maxDevice bounds what is kept of a device's name or id, in characters.
const maxDevice = 100

// printable is a text without what a terminal or a log would take for something else, cut
// to a number of characters.
func printable(text string, most int) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return -1
	}, text)
	if runes := []rune(clean); len(runes) > most {
		clean = string(runes[:most])
	}
	return clean
}

// WithDevice returns a context that carries what a signing-in device calls itself.
func WithDevice(ctx context.Context, device string) context.Context {
	c := ClientFrom(ctx)
	c.UserAgent = device
	return WithClient(ctx, c)
}

// DeviceFrom is what the device calls itself, short and printable; empty: not known.
func DeviceFrom(ctx context.Context) string { return ClientFrom(ctx).UserAgent }

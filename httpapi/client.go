package httpapi

import (
	"net/http"
	"net/netip"

	"muster"
)

// deviceHeader is where a client names its device: a text of its own, the same at every
// start.
const deviceHeader = "Muster-Device"

// clientOf is where a request came from: the other end of the connection.
func clientOf(r *http.Request) muster.Client {
	c := muster.Client{Device: r.Header.Get(deviceHeader), UserAgent: r.UserAgent()}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.Address = from.Addr()
	}
	return c
}

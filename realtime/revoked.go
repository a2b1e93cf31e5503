package realtime

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/coder/websocket"

	"muster"
)

// lookEvery is the pace at which Options.Revoked is asked about every connection.
const lookEvery = time.Second

// signedOutReason goes with code 4011.
const signedOutReason = "this sign-in has ended"

// dismiss closes the connections that a revocation is about. Of a player whose account is
// deleted or merged it forgets what they were told.
func (h *Hub) dismiss(r muster.Revocation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[r.Player]
	if s == nil {
		return
	}
	code, reason := codeSignedOut, signedOutReason
	switch r.Why {
	case muster.AccountDeleted:
		code, reason = codeDeleted, "the account is deleted"
	case muster.AccountMerged:
		reason = "the account is part of another now"
	case muster.AccountBanned:
		code, reason = codeBanned, "the account is banned"
	}
	h.dropConns(s, func(c *conn) (websocket.StatusCode, string) {
		if r.Covers(c.caller) {
			return code, reason
		}
		return 0, ""
	})
	if (r.Why == muster.AccountDeleted || r.Why == muster.AccountMerged) && s.idle != nil {
		h.forgetOne(s.idle)
	}
}

// dismissAll closes the connections that a revocation of no player's alone is about.
func (h *Hub) dismissAll(r muster.Revocation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.streams {
		if len(s.conns) > 0 {
			h.dropConns(s, func(c *conn) (websocket.StatusCode, string) {
				if r.Covers(c.caller) {
					return codeSignedOut, signedOutReason
				}
				return 0, ""
			})
		}
	}
}

// dropConns closes the connections of a stream for which why gives a code; mu is held.
func (h *Hub) dropConns(s *stream, why func(c *conn) (websocket.StatusCode, string)) {
	before := len(s.conns)
	s.conns = slices.DeleteFunc(s.conns, func(c *conn) bool {
		code, reason := why(c)
		if code == 0 {
			return false
		}
		c.drop(code, reason)
		return true
	})
	if len(s.conns) < before {
		h.rest(s)
	}
}

// watchRevoked closes connections whose callers were revoked without that the hub was told,
// until ctx ends.
func (h *Hub) watchRevoked(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			h.lookForRevoked()
		}
	}
}

func (h *Hub) lookForRevoked() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.streams {
		if len(s.conns) > 0 {
			h.dropConns(s, h.whyRevoked)
		}
	}
}

// whyRevoked is what a connection is to be closed with; 0: it stays.
func (h *Hub) whyRevoked(c *conn) (websocket.StatusCode, string) {
	err := h.opts.Revoked(c.caller)
	var e *muster.Error
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &e) && e.Code == "account.deleted":
		return codeDeleted, "the account is deleted"
	case errors.As(err, &e) && e.Code == "account.banned":
		return codeBanned, "the account is banned"
	}
	return codeSignedOut, signedOutReason
}

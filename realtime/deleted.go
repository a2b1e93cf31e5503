package realtime

import "muster"

// dismiss closes every connection of a player whose account is deleted, and forgets what
// they were told.
func (h *Hub) dismiss(p muster.PlayerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[p]
	if s == nil {
		return
	}
	for _, c := range s.conns {
		c.drop(codeDeleted, "the account is deleted")
	}
	clear(s.conns)
	s.conns = s.conns[:0]
	h.rest(s)
	if s.idle != nil {
		h.forgetOne(s.idle)
	}
}

package realtime

import (
	"context"
	"time"

	"github.com/coder/websocket"
)

// drainSteps is in how many portions Drain closes connections.
const drainSteps = 50

// Drain refuses further connections from now on and closes those there are, evenly over a
// time, so that they do not all come to the other replicas in one instant. It returns
// when the last was told, or when ctx ends. Run closes whatever is left.
func (h *Hub) Drain(ctx context.Context, over time.Duration) {
	leaving := h.lastOrders()
	if len(leaving) == 0 {
		return
	}
	portion := (len(leaving) + drainSteps - 1) / drainSteps
	ticker := time.NewTicker(max(over/drainSteps, time.Millisecond))
	defer ticker.Stop()
	for {
		n := min(portion, len(leaving))
		for _, c := range leaving[:n] {
			c.drop(websocket.StatusServiceRestart, closingReason)
		}
		if leaving = leaving[n:]; len(leaving) == 0 {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// lastOrders lets nobody in any more and lists who is there.
func (h *Hub) lastOrders() []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closing = true
	all := make([]*conn, 0, h.count)
	for _, s := range h.streams {
		all = append(all, s.conns...)
	}
	return all
}

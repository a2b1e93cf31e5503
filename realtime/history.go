package realtime

import (
	"net/http"
	"slices"
	"strconv"
)

// history is the latest messages of a stream, numbered without gaps: the last of them
// is number last, the first ever was 1. The zero value with a size is empty.
type history struct {
	size     int   // how many messages can at least be replayed
	last     int64 // number of the latest message; 0: none yet
	messages [][]byte
}

// add remembers the message numbered last+1.
func (h *history) add(message []byte) {
	h.last++
	h.messages = append(h.messages, message)
	if len(h.messages) >= 2*h.size {
		h.messages = slices.Clone(h.messages[len(h.messages)-h.size:])
	}
}

// since returns the messages after number after, oldest first; ok is false when some
// of them are forgotten or when after is no number of this history.
func (h *history) since(after int64) (missed [][]byte, ok bool) {
	behind := h.last - after
	if after < 0 || behind < 0 || behind > int64(min(len(h.messages), h.size)) {
		return nil, false
	}
	return slices.Clone(h.messages[len(h.messages)-int(behind):]), true
}

// position is where a device says it was: it has everything up to number after of an
// epoch. The zero value is a device that has nothing.
type position struct {
	epoch string
	after int64
}

// parsePosition reads the query of a connecting device. Half a position, or one that
// is no number, is none.
func parsePosition(r *http.Request) position {
	query := r.URL.Query()
	after, err := strconv.ParseInt(query.Get("after"), 10, 64)
	if err != nil {
		return position{}
	}
	return position{epoch: query.Get("epoch"), after: after}
}

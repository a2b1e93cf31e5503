package realtime

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"muster"
)

// maxIDBytes bounds the id that a client gives a request and gets back.
const maxIDBytes = 64

// envelope is any message that is not an event.
type envelope struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
	Seq  *int64 `json:"seq,omitempty"`
	Data any    `json:"data"`
}

// hello is the first message of a connection. Seq is the position it starts from:
// messages with higher numbers follow, after the snapshot if it is not resumed.
type hello struct {
	PlayerID muster.PlayerID `json:"playerId"`
	Epoch    string          `json:"epoch"`
	Seq      int64           `json:"seq"`
	Resumed  bool            `json:"resumed"`
}

// eventMessage writes an event whose data is encoded already.
func eventMessage(kind string, seq int64, data []byte) []byte {
	b := make([]byte, 0, len(data)+len(kind)+48)
	b = append(b, `{"type":`...)
	b = strconv.AppendQuote(b, kind) // kinds are plain words, for which Go and JSON quote alike
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	b = append(b, `,"data":`...)
	b = append(b, data...)
	return append(b, '}')
}

// request is what a client asks over the socket.
type request struct {
	Type string          `json:"type"`
	ID   string          `json:"id"`
	Data json.RawMessage `json:"data"`
}

// errMalformed is a message that is no JSON at all.
var errMalformed = muster.Errorf(muster.Invalid, "message.malformed", "send JSON")

// parseRequest reads a client's message. An error is errMalformed, or Invalid for JSON
// of another shape; the id is returned with an error too, where it could be read.
func parseRequest(b []byte) (request, error) {
	if !json.Valid(b) {
		return request{}, errMalformed
	}
	var r request
	err := decodeExactly(b, &r)
	if len(r.ID) > maxIDBytes {
		return request{}, muster.Errorf(muster.Invalid, "request.invalid", "an id has at most %d bytes", maxIDBytes)
	}
	if err != nil || r.Type == "" {
		return request{ID: r.ID}, muster.Errorf(muster.Invalid, "request.invalid", `send an object with the texts "type" and "id", and "data"`)
	}
	return r, nil
}

// statuses maps every kind of error to the status that REST would answer.
var statuses = [muster.NumKinds]int{
	muster.Internal:        http.StatusInternalServerError,
	muster.Invalid:         http.StatusBadRequest,
	muster.Unauthenticated: http.StatusUnauthorized,
	muster.Denied:          http.StatusForbidden,
	muster.NotFound:        http.StatusNotFound,
	muster.Conflict:        http.StatusConflict,
	muster.Exhausted:       http.StatusTooManyRequests,
	muster.Unavailable:     http.StatusServiceUnavailable,
}

// problem is a refusal, as in the REST interface.
type problem struct {
	status            int
	code, detail      string
	retryAfterSeconds int // 0: unknown
	extra             map[string]any
}

func (p problem) retryAfterText() string { return strconv.Itoa(p.retryAfterSeconds) }

// problemOf is the one place where an error becomes a refusal. What nobody classified
// is internal, and its text stays here.
func problemOf(err error) problem {
	kind := muster.KindOf(err)
	var e *muster.Error
	switch {
	case kind >= muster.NumKinds || kind == muster.Internal:
		return problem{status: statuses[muster.Internal], code: "internal", detail: "something went wrong on our side"}
	case errors.As(err, &e):
		p := problem{status: statuses[kind], code: e.Code, detail: e.Message, extra: e.Details}
		if e.RetryAfter > 0 {
			p.retryAfterSeconds = max(1, int(math.Ceil(e.RetryAfter.Seconds())))
		}
		return p
	case kind == muster.NotFound:
		return problem{status: statuses[kind], code: "not_found", detail: "there is no such thing"}
	}
	return problem{status: statuses[kind], code: "conflict", detail: "it changed meanwhile; read it again and retry"}
}

// MarshalJSON writes the details beside the standard members, which they cannot
// replace. A detail that does not encode is left out.
func (p problem) MarshalJSON() ([]byte, error) {
	members := make(map[string]any, len(p.extra)+6)
	for name, value := range p.extra {
		if text, err := json.Marshal(value); err == nil {
			members[name] = json.RawMessage(text)
		}
	}
	members["type"], members["title"], members["status"] = "about:blank", http.StatusText(p.status), p.status
	members["code"], members["detail"] = p.code, p.detail
	if p.retryAfterSeconds > 0 {
		members["retryAfterSeconds"] = p.retryAfterSeconds
	}
	return json.Marshal(members)
}

// writeProblem answers a request that does not become a connection.
func writeProblem(w http.ResponseWriter, status int, code, detail string) {
	body, err := json.Marshal(problem{status: status, code: code, detail: detail})
	if err != nil {
		panic("realtime: a problem does not encode: " + err.Error()) // its members are text and a number
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client is gone: nobody to tell
}

package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

// statuses maps every kind of error; nothing else chooses a status for the rules.
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

// statusClientGone stands in the access log for a request whose client left before
// the answer; nobody receives it. Source: nginx uses the same number.
const statusClientGone = 499

// problem is one refusal as RFC 9457 writes it, with our code.
type problem struct {
	Type   string  `json:"type" doc:"Always about:blank: the code says more" example:"about:blank"`
	Title  string  `json:"title" doc:"The status in words" example:"Conflict"`
	Status int     `json:"status" doc:"The status of the answer" example:"409"`
	Code   string  `json:"code" doc:"Stable, for programs" example:"ticket.already_queued"`
	Detail string  `json:"detail" doc:"For people" example:"you are already waiting for a match"`
	Errors []fault `json:"errors,omitempty" doc:"What is wrong with the request, place by place"`

	extra  map[string]json.RawMessage // further members: "ticketId", "seat"
	header http.Header                // Retry-After, Allow, WWW-Authenticate; may be nil
}

// fault is one thing wrong with a request. It never repeats the value, which may be a
// secret.
type fault struct {
	Location string `json:"location" doc:"Where: body.mode, query.wait" example:"body.mode"`
	Message  string `json:"message" doc:"What was expected there" example:"expected required property mode to be present"`
}

func newProblem(status int, code, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// Error, GetStatus, GetHeaders and ContentType make a problem an error that huma
// serves as it is.
func (p *problem) Error() string                { return p.Code + ": " + p.Detail }
func (p *problem) GetStatus() int               { return p.Status }
func (p *problem) GetHeaders() http.Header      { return p.header }
func (p *problem) ContentType(ct string) string { return "application/problem+json" }

// MarshalJSON writes the extra members beside the standard ones, which they cannot
// replace.
func (p *problem) MarshalJSON() ([]byte, error) {
	members := make(map[string]any, len(p.extra)+6)
	for name, value := range p.extra {
		members[name] = value
	}
	members["type"], members["title"], members["status"] = p.Type, p.Title, p.Status
	members["code"], members["detail"] = p.Code, p.Detail
	if len(p.Errors) > 0 {
		members["errors"] = p.Errors
	} else {
		delete(members, "errors")
	}
	return json.Marshal(members)
}

// problemOf is the one place where an error of the rules becomes an answer. What
// nobody classified is internal, and its text stays here.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	kind := muster.KindOf(err)
	var e *muster.Error
	switch {
	case errors.As(err, &e) && kind < muster.NumKinds && kind != muster.Internal:
		p = newProblem(statuses[kind], e.Code, e.Message)
		p.extra = encoded(e.Details)
		p.header = http.Header{}
		if e.RetryAfter > 0 {
			p.header.Set("Retry-After", retryAfter(e.RetryAfter))
		}
		if kind == muster.Unauthenticated {
			p.header.Set("WWW-Authenticate", `Bearer realm="muster"`)
		}
		return p
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p = newProblem(http.StatusServiceUnavailable, "request.interrupted", "the request took too long or was given up; try again")
		p.header = http.Header{"Retry-After": {"1"}}
		return p
	case kind == muster.NotFound:
		return newProblem(http.StatusNotFound, "not_found", "there is no such thing")
	case kind == muster.Conflict:
		return newProblem(http.StatusConflict, "conflict", "it changed meanwhile; read it again and retry")
	}
	return newProblem(http.StatusInternalServerError, "internal", "something went wrong on our side; quote the request id when you report it")
}

// encoded turns details into members of an answer. One that does not encode is left
// out: it only adds to a refusal that stands without it.
func encoded(details map[string]any) map[string]json.RawMessage {
	members := make(map[string]json.RawMessage, len(details))
	for name, value := range details {
		if text, err := json.Marshal(value); err == nil {
			members[name] = text
		}
	}
	return members
}

// retryAfter is a delay in whole seconds, rounded up, at least one.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// tooLarge refuses a body that is longer than a call's limit in bytes.
func tooLarge(limit int64) *problem {
	p := newProblem(http.StatusRequestEntityTooLarge, "request.too_large", fmt.Sprintf("a body of this call has at most %d bytes", limit))
	p.extra = encoded(map[string]any{"maxBytes": limit})
	return p
}

// problemOfRequest turns huma's own refusal of a request into ours.
func problemOfRequest(m *huma.ErrorModel, op *huma.Operation) *problem {
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		return tooLarge(op.MaxBodyBytes - 1) // see describe
	case http.StatusRequestTimeout:
		return newProblem(m.Status, "request.timeout", "the body came too slowly")
	case http.StatusInternalServerError:
		// The one failure huma calls internal by itself is a body that broke off.
		return newProblem(http.StatusBadRequest, "request.unreadable", "the body could not be read to its end")
	}
	p := newProblem(http.StatusBadRequest, "request.invalid", "the request is not valid")
	if len(m.Errors) == 0 {
		p.Detail = m.Detail
	}
	for _, e := range m.Errors {
		if e != nil {
			p.Errors = append(p.Errors, fault{Location: e.Location, Message: messageOf(e.Message)})
		}
	}
	return p
}

// problemOfDocument is a refusal of a body that the rules never saw, in their words: it was
// missing, or no JSON. Other refusals stay.
func problemOfDocument(p *problem) *problem {
	elsewhere := func(f fault) bool { return f.Location != "body" }
	if p.Code != "request.invalid" || slices.ContainsFunc(p.Errors, elsewhere) {
		return p
	}
	said := newProblem(http.StatusBadRequest, "data.not_json", "a document is JSON in UTF-8")
	said.Errors = p.Errors
	return said
}

// messageOf says what is wrong in words that do not depend on what decodes JSON here.
func messageOf(text string) string {
	switch {
	case strings.HasPrefix(text, "json: cannot unmarshal number"):
		return "a number is out of range or of the wrong kind"
	case strings.HasPrefix(text, "json: "), strings.HasPrefix(text, "strconv."):
		return "a value is of the wrong kind"
	case strings.HasPrefix(text, "invalid character"), strings.HasPrefix(text, "unexpected end of JSON"), strings.HasPrefix(text, "unexpected EOF"):
		return "this is not JSON: " + text
	}
	return text
}

// writeProblem answers outside huma.
func (s *server) writeProblem(w http.ResponseWriter, p *problem) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic("httpapi: a problem does not encode: " + err.Error()) // its members are text, numbers and encoded JSON
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client is gone: nobody to tell
}

// fail logs what is ours to fix and returns what the client sees.
func (s *server) fail(ctx context.Context, err error) *problem {
	p := problemOf(err)
	switch {
	case ctx.Err() != nil:
		traceFrom(ctx).gone = true
	case p.Code == "provider.unavailable": // what is ours to fix about it has a line of its own
		s.Log.WarnContext(ctx, "request failed", "requestId", traceFrom(ctx).id, "code", p.Code, "err", err)
	case p.Status >= http.StatusInternalServerError:
		s.Log.ErrorContext(ctx, "request failed", "requestId", traceFrom(ctx).id, "code", p.Code, "err", err)
	}
	return p
}

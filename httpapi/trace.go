package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"muster"
)

// requestIDHeader carries the id of a request, both ways.
const requestIDHeader = "X-Request-Id"

// trace is what the layers learn about one request, for the access log. Only the
// goroutine that serves the request touches it.
type trace struct {
	id     string
	route  string        // pattern of the route; empty when none matched
	caller muster.Caller // zero when nobody was verified
	gone   bool          // the client left before the answer
}

type traceKey struct{}

// traceFrom returns the trace of a request, or a fresh one outside of any.
func traceFrom(ctx context.Context) *trace {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok {
		return t
	}
	return &trace{}
}

// statusWriter remembers what was answered. Unwrap lets the realtime socket take the
// connection over.
type statusWriter struct {
	http.ResponseWriter
	status int // 0: nothing yet
	bytes  int64
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// traced gives every request an id and writes one line about it when it ends. Query
// strings, headers and bodies are never logged: they may hold secrets.
func (s *server) traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		t := &trace{id: r.Header.Get(requestIDHeader)}
		if !isRequestID(t.id) {
			t.id = s.NewID()
		}
		w.Header().Set(requestIDHeader, t.id)
		sw := &statusWriter{ResponseWriter: w}
		ctx := context.WithValue(r.Context(), traceKey{}, t)
		defer func() { s.logAccess(ctx, r, t, sw, s.Now().Sub(start)) }()
		next.ServeHTTP(sw, r.WithContext(ctx))
	})
}

func (s *server) logAccess(ctx context.Context, r *http.Request, t *trace, w *statusWriter, took time.Duration) {
	status := w.status
	switch {
	case t.gone:
		status = statusClientGone
	case status == 0:
		status = http.StatusOK
	}
	s.Log.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("requestId", t.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.EscapedPath()),
		slog.String("route", t.route),
		slog.Int("status", status),
		slog.Int64("bytes", w.bytes),
		slog.Float64("tookMs", float64(took.Microseconds())/1000),
		slog.String("playerId", string(t.caller.Player)),
	)
}

// isRequestID reports whether an id that came with a request is short and plain
// enough to be kept.
func isRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// recovered turns a panic into a 500 and a log entry. When the answer has begun, the
// connection is cut instead, so that nobody takes half an answer for a whole one.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			s.Log.ErrorContext(r.Context(), "panic", "requestId", traceFrom(r.Context()).id, "panic", v, "stack", string(debug.Stack()))
			if sw, ok := w.(*statusWriter); ok && sw.status != 0 {
				panic(http.ErrAbortHandler)
			}
			s.writeProblem(w, problemOf(muster.Errorf(muster.Internal, "internal", "panic")))
		}()
		next.ServeHTTP(w, r)
	})
}

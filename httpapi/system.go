package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"muster"
)

type statusBody struct {
	Status string `json:"status" example:"ok"`
}

// systemRoutes are what operators, gateways and tools ask for. The documents and the
// socket are served without huma, since their bodies are not ours to encode.
func (s *server) systemRoutes() {
	handle(s, operation{
		method: http.MethodGet, path: "/healthz", id: "healthz", tag: "operate",
		summary: "Is the process alive?", example: statusBody{"ok"},
	}, func(context.Context, *struct{}) (*struct{ Body statusBody }, error) {
		return &struct{ Body statusBody }{statusBody{"ok"}}, nil
	})
	handle(s, operation{
		method: http.MethodGet, path: "/readyz", id: "readyz", tag: "operate",
		summary: "Can this replica serve?", description: "503 while it cannot, for load balancers.", example: statusBody{"ok"},
	}, s.readyz)

	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json; version=3.1")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(s.openAPI) // the client is gone: nobody to tell
	})
	s.document("/openapi.json", "openapi", "operate", "This document", "200", "OK", nil)
	s.wellKnown("/.well-known/jwks.json", "jwks", "The keys that verify our tokens", s.JWKS)
	s.wellKnown("/.well-known/openid-configuration", "openidConfiguration", "Where our keys are, for those who verify our tokens", s.Configuration)
	if s.Realtime != nil {
		s.mux.Handle("GET /v1/realtime", s.Realtime)
		s.document("/v1/realtime", "realtime", "play", "Open the realtime socket", "101", "WebSocket of JSON text messages",
			[]*huma.Param{
				queryParam("ticket", "From POST /v1/auth/socket-ticket", true),
				queryParam("epoch", "To resume: the epoch of the socket before", false),
				queryParam("after", "To resume: the seq of the last message received", false),
			}, "400", "401", "403", "426", "503")
	}
}

// waiting is an error of Ready that says what is waited for.
type waiting interface {
	error
	WaitsFor() string
}

func (s *server) readyz(ctx context.Context, _ *struct{}) (*struct{ Body statusBody }, error) {
	if err := s.Ready(ctx); err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.Any("err", err))
		why := ""
		if waits := waiting(nil); errors.As(err, &waits) {
			why = ": it waits for " + waits.WaitsFor()
		}
		return nil, muster.Errorf(muster.Unavailable, "not_ready", "this replica cannot serve now%s", why)
	}
	return &struct{ Body statusBody }{statusBody{"ok"}}, nil
}

// wellKnownCached is how long others may keep the public documents, in seconds. A replica reads
// the file of its keys every ten; both together are less than the least that a new key waits
// before it signs, a minute, so that nobody who obeys meets a key that they do not have.
const wellKnownCached = 40

// wellKnown serves a public document.
func (s *server) wellKnown(path, id, summary string, content func() []byte) {
	if content == nil {
		return
	}
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", wellKnownCached))
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(content()) // the client is gone: nobody to tell
	})
	s.document(path, id, "auth", summary, "200", "OK", nil)
}

// document describes a GET that huma does not serve.
func (s *server) document(path, id, tag, summary, status, meaning string, params []*huma.Param, refusals ...string) {
	responses := map[string]*huma.Response{status: {Description: meaning}}
	for _, refusal := range refusals {
		responses[refusal] = &huma.Response{Description: "Refused"}
	}
	s.api.OpenAPI().AddOperation(&huma.Operation{
		Method: http.MethodGet, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary,
		Parameters: params, Responses: responses, Security: securityOf(needNobody),
	})
}

func queryParam(name, description string, required bool) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: description, Required: required, Schema: &huma.Schema{Type: huma.TypeString}}
}

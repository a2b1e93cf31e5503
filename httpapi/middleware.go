package httpapi

import (
	"context"
	"net/http"
	"strings"

	"muster"
)

// headers sets what every answer carries. A handler may replace Cache-Control.
func (s *server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// crossOrigin lets pages of the allowed origins call. There are no cookies, so
// credentials are never allowed.
func (s *server) crossOrigin(next http.Handler) http.Handler {
	if len(s.origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" || !s.origins[strings.ToLower(origin)] {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, Location, Allow, ETag")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Muster-Device, Muster-Operator, Muster-Proof, X-Request-Id")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type refusalKey struct{}

// authenticate refuses who calls too often, verifies whatever token a request brings and puts the caller in its
// context. A bad token is only remembered: routes that need nobody ignore it, the
// others refuse with its reason.
func (s *server) authenticate(next http.Handler) http.Handler {
	verifiers := muster.Verifiers{Token: s.Verify, Server: s.VerifyServer, Admin: s.VerifyAdmin}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := s.clientOf(r)
		ctx := muster.WithClient(r.Context(), client)
		if err := s.refuseAddress(r, client); err != nil {
			s.writeProblem(w, s.fail(ctx, err))
			return
		}
		known, caller, err := s.withCaller(ctx, r, verifiers)
		if err != nil {
			ctx = context.WithValue(ctx, refusalKey{}, err)
		} else {
			ctx = known
			traceFrom(ctx).caller = caller
			if err := s.refusePlayer(caller, client); err != nil {
				s.writeProblem(w, s.fail(ctx, err))
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// need says who may call a route.
type need uint8

const (
	needNobody need = iota
	needPlayer
	needServer
	needAdmin
)

// allow decides whether the caller of a request meets a need; a refusal is a
// *muster.Error, or whatever verification failed with.
func allow(ctx context.Context, n need) error {
	if n == needNobody {
		return nil
	}
	caller, ok := muster.CallerFrom(ctx)
	if !ok {
		if err, ok := ctx.Value(refusalKey{}).(error); ok {
			return err
		}
		return muster.Errorf(muster.Unauthenticated, "auth.missing", "send an access token as Authorization: Bearer")
	}
	isPlayer := (caller.Scope == muster.PlayerScope || caller.Scope == muster.GuestScope) && caller.Player != ""
	switch {
	case n == needPlayer && !isPlayer:
		return muster.Errorf(muster.Denied, "auth.wrong_scope", "this call is for players")
	case n == needServer && caller.Scope != muster.ServerScope:
		return muster.Errorf(muster.Denied, "auth.wrong_scope", "this call is for game servers")
	case n == needAdmin && caller.Scope != muster.AdminScope:
		return muster.Errorf(muster.Denied, "auth.wrong_scope", "this call is for operators")
	}
	return nil
}

// me is the player who calls a route that needs one.
func me(ctx context.Context) muster.PlayerID {
	caller, _ := muster.CallerFrom(ctx) // allow was asked before
	return caller.Player
}

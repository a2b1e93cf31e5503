package samples

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"

	"muster"
)

// answer is what a call is answered with: JSON of body, or nothing at all where it is nil.
type answer struct {
	status int // 0: 200
	body   any
}

// refusal is an answer that is a text, as the samples give it.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status, text} }

// identityCall serves a call that signs in.
func (f *Front) identityCall(serve func(r *http.Request) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(muster.WithDevice(r.Context(), r.UserAgent()))
		a, err := serve(r)
		f.write(w, r, a, err)
	})
}

// playCall serves a call of a signed-in player, whose token is where token finds it.
func (f *Front) playCall(token func(r *http.Request) string, serve func(r *http.Request, me muster.PlayerID) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := f.player(r, token(r))
		if err != nil {
			f.write(w, r, answer{}, err)
			return
		}
		a, err := serve(r.WithContext(muster.WithCaller(r.Context(), caller)), caller.Player)
		f.write(w, r, a, err)
	})
}

// player is the player whom an access token speaks for.
func (f *Front) player(r *http.Request, token string) (muster.Caller, error) {
	if token == "" {
		return muster.Caller{}, refuse(http.StatusUnauthorized, "No token provided")
	}
	caller, err := f.Verify(r.Context(), token)
	if err != nil {
		return muster.Caller{}, err
	}
	if caller.Player == "" {
		return muster.Caller{}, refuse(http.StatusForbidden, "This call is for players")
	}
	return caller, nil
}

// maxToken bounds an access token, in bytes.
const maxToken = 8 << 10

// authorization is the token of the guidance's clients, which leave the word Bearer out.
func authorization(r *http.Request) string {
	token := r.Header.Get("Authorization")
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	return short(token)
}

// pluginHeader is the token of the plug-in's clients, in a header of its own.
func pluginHeader(r *http.Request) string { return short(r.Header.Get("Auth")) }

func short(token string) string {
	if len(token) > maxToken {
		return ""
	}
	return token
}

// statuses are the answers to what the rules refuse.
var statuses = map[muster.Kind]int{
	muster.Invalid: http.StatusBadRequest, muster.Unauthenticated: http.StatusUnauthorized, muster.Denied: http.StatusForbidden,
	muster.NotFound: http.StatusNotFound, muster.Conflict: http.StatusConflict, muster.Exhausted: http.StatusTooManyRequests,
	muster.Unavailable: http.StatusServiceUnavailable,
}

func (f *Front) write(w http.ResponseWriter, r *http.Request, a answer, err error) {
	var plain *refusal
	var known *muster.Error
	switch {
	case err == nil && a.body == nil:
		w.WriteHeader(a.status)
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(max(a.status, http.StatusOK))
		_ = json.NewEncoder(w).Encode(a.body) // the client has gone
	case errors.As(err, &plain):
		http.Error(w, plain.text, plain.status)
	case errors.As(err, &known) && statuses[known.Kind] != 0:
		if known.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
		}
		http.Error(w, known.Code+": "+known.Message, statuses[known.Kind])
	default:
		f.Log.ErrorContext(r.Context(), "sample client's call failed", "path", r.URL.Path, "error", err)
		http.Error(w, "Something went wrong on our side", http.StatusInternalServerError)
	}
}

// readJSON reads the body of a request into value.
func readJSON(r *http.Request, value any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return refuse(http.StatusBadRequest, "The body is too long, or did not come whole")
	}
	if err := json.Unmarshal(body, value); err != nil {
		return refuse(http.StatusBadRequest, "The body is not the JSON that this call takes")
	}
	return nil
}

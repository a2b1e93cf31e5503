package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster"
)

const awsSignature = "AWS4-HMAC-SHA256 Credential=ASIA/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=host, Signature=00"

// signedBy has every call signed by a player, or refused.
func signedBy(c muster.Caller, err error) func(*Options) {
	return func(o *Options) {
		o.Signed = func(context.Context) (muster.Caller, bool, error) { return c, true, err }
	}
}

func TestTokensWinOverSignatures(t *testing.T) {
	signer := muster.Caller{Player: "signer", Scope: muster.PlayerScope}
	nobody := func(o *Options) {
		o.Signed = func(context.Context) (muster.Caller, bool, error) { return muster.Caller{}, false, nil }
	}
	for name, c := range map[string]struct {
		signed func(*Options)
		header []string
		status int
		who    muster.PlayerID
	}{
		"a signature in the header":        {signedBy(signer, nil), []string{awsSignature}, http.StatusOK, "signer"},
		"a signature in the query":         {signedBy(signer, nil), nil, http.StatusOK, "signer"},
		"a signature and a token":          {signedBy(signer, nil), []string{"Bearer ada"}, http.StatusOK, ada},
		"a signature and a bad token":      {signedBy(signer, nil), []string{"Bearer bad"}, http.StatusUnauthorized, ""},
		"a signature and a key":            {signedBy(signer, nil), []string{"Bearer msk_good"}, http.StatusForbidden, ""},
		"two headers":                      {signedBy(signer, nil), []string{awsSignature, "Bearer ada"}, http.StatusUnauthorized, ""},
		"a signature and another scheme":   {signedBy(signer, nil), []string{"Basic eDp5"}, http.StatusUnauthorized, ""},
		"a signer who is refused":          {signedBy(muster.Caller{}, muster.Errorf(muster.Denied, "identity.not_entitled", "no")), []string{awsSignature}, http.StatusForbidden, ""},
		"a signature that nobody checked":  {nobody, []string{awsSignature}, http.StatusUnauthorized, ""},
		"nothing":                          {nobody, nil, http.StatusUnauthorized, ""},
		"a signature where none is looked": {nil, []string{awsSignature}, http.StatusUnauthorized, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.signed)
			req := httptest.NewRequest(http.MethodGet, "/v1/players/me", nil)
			for _, value := range c.header {
				req.Header.Add("Authorization", value)
			}
			rec := httptest.NewRecorder()
			r.handler.ServeHTTP(rec, req)
			if rec.Code != c.status {
				t.Fatalf("status %d, want %d: %s", rec.Code, c.status, rec.Body)
			}
			if c.who != "" && !strings.Contains(r.log.String(), `"playerId":"`+string(c.who)+`"`) {
				t.Errorf("the call is not %s's: %s", c.who, r.log)
			}
		})
	}
}

func TestARefusedSignatureHindersNobodyWhereNobodyIsNeeded(t *testing.T) {
	r := newRig(t, signedBy(muster.Caller{}, muster.Errorf(muster.Denied, "identity.not_entitled", "no")))
	if a := r.do(http.MethodGet, "/healthz", "", ""); a.status != http.StatusOK {
		t.Errorf("status %d", a.status)
	}
}

func TestSessionIDsAreMadeWholeAgain(t *testing.T) {
	const id, escaped = "arn:aws:gamelift:us-west-2::gamesession/fleet-1/g 1", "arn:aws:gamelift:us-west-2::gamesession%2Ffleet-1%2Fg%201"
	for path, want := range map[string]string{
		"/v1/sessions/" + id:                              "/v1/sessions/" + escaped,
		"/v1/sessions/" + id + "/players":                 "/v1/sessions/" + escaped + "/players",
		"/v1/server/sessions/" + id + "/players/p-1":      "/v1/server/sessions/" + escaped + "/players/p-1",
		"/v1/admin/sessions/" + id + "/result/void":       "/v1/admin/sessions/" + escaped + "/result/void",
		"/v1/sessions":                                    "/v1/sessions",
		"/v1/sessions/x":                                  "/v1/sessions/x",
		"/v1/players/" + id:                               "/v1/players/arn:aws:gamelift:us-west-2::gamesession/fleet-1/g%201",
		"/v1/sessions/arn:aws:gamelift:r::gamesession/f1": "/v1/sessions/arn:aws:gamelift:r::gamesession/f1",
	} {
		got := ""
		h := WholeSessionIDs(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.EscapedPath() }))
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.URL.Path = path
		h.ServeHTTP(httptest.NewRecorder(), req)
		if got = strings.ReplaceAll(got, "%3A", ":"); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	got := ""
	h := WholeSessionIDs(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.EscapedPath() }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/sessions/"+escaped, nil))
	if got != "/v1/sessions/"+escaped {
		t.Errorf("an id that is whole became %s", got)
	}
}

func TestWaitsEndBeforeTheCallDoes(t *testing.T) {
	if got := patience(t.Context(), 30); got != 30*time.Second {
		t.Errorf("without an end: %v", got)
	}
	for left, want := range map[time.Duration]time.Duration{time.Hour: 30 * time.Second, 11 * time.Second: 10 * time.Second, time.Second / 2: 0, -time.Second: 0} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		if got := patience(ctx, 30); got > want || got < want-time.Second {
			t.Errorf("with %v left: %v, want %v", left, got, want)
		}
		cancel()
	}
}

package samples

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"muster"
)

// tokens is the answer to every sign-in. Lifetimes are seconds.
type tokens struct {
	UserID      muster.PlayerID `json:"user_id"`
	GuestSecret string          `json:"guest_secret,omitempty"`
	Auth        string          `json:"auth_token"`
	Refresh     string          `json:"refresh_token"`
	AuthEnds    int             `json:"auth_token_expires_in"`
	RefreshEnds int             `json:"refresh_token_expires_in"`

	SteamID      string `json:"steam_id,omitempty"`
	AppleID      string `json:"apple_id,omitempty"`
	GooglePlayID string `json:"google_play_id,omitempty"`
	FacebookID   string `json:"facebook_id,omitempty"`
	CognitoID    string `json:"cognito_id,omitempty"`
}

func (f *Front) tokens(g muster.Grant) tokens {
	return tokens{
		UserID: g.Player.ID, Auth: g.AccessToken, Refresh: g.RefreshToken,
		AuthEnds: g.ExpiresInSeconds, RefreshEnds: int(g.RefreshExpiresAt.Sub(f.Now()) / time.Second),
	}
}

// The clients know a guest by the player's id and keep one secret. Ours has an id of its
// own, which therefore stands in front of the secret.
func guestSecret(g *muster.Guest) string { return g.ID + "." + g.Secret }

// loginAsGuest signs a guest in, or makes one when neither id nor secret is given.
func (f *Front) loginAsGuest(r *http.Request) (answer, error) {
	query := r.URL.Query()
	user, secret := query.Get("user_id"), query.Get("guest_secret")
	if user == "" && secret == "" {
		grant, err := f.Identity.Guest(r.Context(), nil)
		if err != nil {
			return answer{}, err
		}
		out := f.tokens(grant)
		out.GuestSecret = guestSecret(grant.Guest)
		return answer{body: out}, nil
	}
	if user == "" || secret == "" {
		return answer{}, refuse(http.StatusBadRequest, "Both user_id and guest_secret are needed, or neither")
	}
	id, word, ok := strings.Cut(secret, ".")
	if !ok || id == "" {
		return answer{}, refuse(http.StatusUnauthorized, "Invalid user_id or guest_secret")
	}
	grant, err := f.Identity.GuestOf(r.Context(), muster.PlayerID(user), muster.Guest{ID: id, Secret: word})
	if err != nil {
		return answer{}, err
	}
	out := f.tokens(grant)
	out.GuestSecret = secret // the clients store what they are answered
	return answer{body: out}, nil
}

func (f *Front) refresh(r *http.Request) (answer, error) {
	token := r.URL.Query().Get("refresh_token")
	if token == "" {
		return answer{}, refuse(http.StatusUnauthorized, "No refresh token provided")
	}
	grant, err := f.Identity.Refresh(r.Context(), token)
	if err != nil {
		return answer{}, err
	}
	return answer{body: f.tokens(grant)}, nil
}

// way is how the clients sign in with a platform.
type way struct {
	path  string
	kinds []string // of the providers that take it; the first that is configured does
	proof func(query url.Values) (muster.Proof, bool)
	told  func(*tokens, string) // where the subject stands in the answer
}

var ways = []way{
	{
		"/login-with-steam",
		[]string{"steam"},
		func(q url.Values) (muster.Proof, bool) {
			return muster.Proof{Token: q.Get("steam_auth_token")}, q.Has("steam_auth_token")
		},
		func(t *tokens, id string) { t.SteamID = id },
	},
	{
		"/login-with-apple-id",
		[]string{"apple"},
		func(q url.Values) (muster.Proof, bool) {
			return muster.Proof{Token: q.Get("apple_auth_token")}, q.Has("apple_auth_token")
		},
		func(t *tokens, id string) { t.AppleID = id },
	},
	{
		"/login-with-google-play",
		[]string{"playgames"},
		func(q url.Values) (muster.Proof, bool) {
			return muster.Proof{Code: q.Get("google_play_auth_token")}, q.Has("google_play_auth_token")
		},
		func(t *tokens, id string) { t.GooglePlayID = id },
	},
	{
		"/login-with-facebook", // the id that the client sends beside the token is not looked at
		[]string{"facebook", "facebook-limited"},
		func(q url.Values) (muster.Proof, bool) {
			return muster.Proof{Token: q.Get("facebook_access_token")}, q.Has("facebook_access_token")
		},
		func(t *tokens, id string) { t.FacebookID = id },
	},
}

// loginWith signs in with a platform, or makes it a further way in of whoever is signed
// in. Somebody whom the platform's account leads to already is signed in instead.
func (f *Front) loginWith(r *http.Request, w way) (answer, error) {
	name, err := f.provider(w.kinds...)
	if err != nil {
		return answer{}, err
	}
	query := r.URL.Query()
	proof, sent := w.proof(query)
	if !sent {
		return answer{}, refuse(http.StatusUnauthorized, "No token provided")
	}
	caller, err := f.linking(r)
	if err != nil {
		return answer{}, err
	}
	in, err := f.Identity.Enter(r.Context(), caller, name, proof)
	if err != nil {
		return answer{}, err
	}
	out := f.tokens(in.Grant)
	w.told(&out, in.Subject)
	if in.Guest != nil {
		out.GuestSecret = guestSecret(in.Guest)
	}
	return answer{body: out}, nil
}

// provider is the name of the first provider of one of the kinds.
func (f *Front) provider(kinds ...string) (string, error) {
	for _, kind := range kinds {
		if name, there := f.providers[kind]; there {
			return name, nil
		}
	}
	return "", refuse(http.StatusNotFound, "This way in is not switched on: configure a provider of kind "+kinds[0])
}

// linking is whoever asks for a further way in; nobody: it is a plain sign-in.
func (f *Front) linking(r *http.Request) (muster.Caller, error) {
	query := r.URL.Query()
	if query.Get("link_to_existing_user") != "Yes" {
		return muster.Caller{}, nil
	}
	return f.player(r, short(query.Get("auth_token")))
}

// poolCall is what the client of the user pool sends, one body in another. The flags say
// what is asked.
type poolCall struct {
	Body struct {
		Username  string `json:"username"`
		Password  string `json:"password"`
		Email     string `json:"email"`
		Code      string `json:"confirmation_code"`
		ResetCode string `json:"reset_password_code"`
		SignUp    flag   `json:"signup"`
		SignIn    flag   `json:"signin"`
		Confirm   flag   `json:"signup_confirmation_code"`
		Forgot    flag   `json:"forgot_password"`
		Reset     flag   `json:"reset_password"`
		SignOut   flag   `json:"signout"`
	} `json:"body"`
}

// flag is "True" where it is set.
type flag string

func (f flag) set() bool { return strings.EqualFold(string(f), "True") }

// done is the answer to a call that signs nobody in.
type done struct {
	Message string `json:"message"`
}

// loginWithCognito is all that the clients do with a user pool.
func (f *Front) loginWithCognito(r *http.Request) (answer, error) {
	if f.UserPool == nil {
		return answer{}, refuse(http.StatusNotFound, "This way in is not switched on: configure a user pool")
	}
	var call poolCall
	if err := readJSON(r, &call); err != nil {
		return answer{}, err
	}
	if r.URL.Query().Get("link_to_existing_user") == "Yes" {
		return answer{}, refuse(http.StatusBadRequest, "Link a user pool with POST /v1/auth/links")
	}
	ctx, body := r.Context(), call.Body
	var err error
	switch {
	case body.SignIn.set():
		return f.poolSignIn(r, body.Username, body.Password)
	case body.SignUp.set():
		err = f.UserPool.SignUp(ctx, muster.PoolSignUp{Username: body.Username, Password: body.Password, Attributes: map[string]string{"email": body.Email}})
	case body.Confirm.set():
		err = f.UserPool.ConfirmSignUp(ctx, body.Username, body.Code)
	case body.Forgot.set():
		err = f.UserPool.ForgotPassword(ctx, body.Username)
	case body.Reset.set():
		err = f.UserPool.ResetPassword(ctx, body.Username, body.ResetCode, body.Password)
	case body.SignOut.set():
		return answer{}, refuse(http.StatusBadRequest, "Sign out with POST /v1/auth/logout and the refresh token")
	default:
		return answer{}, refuse(http.StatusBadRequest, `One of signin, signup, signup_confirmation_code, forgot_password and reset_password must be "True"`)
	}
	if err != nil {
		return answer{}, err
	}
	return answer{body: done{"OK"}}, nil
}

// poolSignIn signs in with a name and a password of the pool.
func (f *Front) poolSignIn(r *http.Request, username, password string) (answer, error) {
	signedIn, err := f.UserPool.SignIn(r.Context(), muster.PoolSignIn{Username: username, Password: password})
	if err != nil {
		return answer{}, err
	}
	if signedIn.Grant == nil {
		return answer{}, refuse(http.StatusUnauthorized, "The user pool asks for a further step, which this client does not know")
	}
	return answer{body: f.tokens(*signedIn.Grant)}, nil
}

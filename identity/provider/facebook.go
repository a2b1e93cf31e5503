package provider

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"muster/identity"
)

// FacebookGraphAPI is where Facebook is asked, with the version that this is written for.
const FacebookGraphAPI = "https://graph.facebook.com/v22.0"

// longestReuse is how long a used token is remembered whose end the platform does not tell,
// or tells to be later.
const longestReuse = 90 * 24 * time.Hour

// FacebookOptions says for which app players are proved. Client, Now, AppID and AppSecret are
// required.
type FacebookOptions struct {
	Client    *Client
	Now       func() time.Time
	AppID     string
	AppSecret Secret
	Endpoint  string // empty: FacebookGraphAPI

	// AllowReuse takes a token more than once, for games whose clients keep it.
	AllowReuse bool
	// Limited proves the tokens of Limited Login, which Facebook's iOS SDK gives. Nil: they are
	// refused.
	Limited identity.Provider
}

// Facebook proves Facebook accounts by access tokens, which it has Facebook inspect, and by
// tokens of Limited Login. Subjects are ids that Facebook gives for this app alone.
type Facebook struct{ o FacebookOptions }

// NewFacebook makes a Facebook.
func NewFacebook(o FacebookOptions) *Facebook {
	o.Endpoint = or(o.Endpoint, FacebookGraphAPI)
	return &Facebook{o}
}

// Takes implements identity.Taker.
func (f *Facebook) Takes() [][]string {
	if f.o.Limited == nil {
		return [][]string{{"token"}}
	}
	return [][]string{{"token"}, {"token", "nonce"}}
}

// Verify implements identity.Provider. The two kinds of tokens differ in shape: the one of
// Limited Login is a JWT.
func (f *Facebook) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	switch {
	case !visible(proof.Token):
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("there is no token, or one that none can be"))
	case !LooksLikeJWT(proof.Token):
		return f.verifyAccess(ctx, proof.Token)
	case f.o.Limited == nil:
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, errors.New("a token of Limited Login is not taken"))
	}
	return f.o.Limited.Verify(ctx, proof)
}

func (f *Facebook) verifyAccess(ctx context.Context, token string) (identity.Verified, error) {
	secret, err := f.o.AppSecret.read(ctx, f.o.Client, "Facebook's app secret")
	if err != nil {
		return identity.Verified{}, err
	}
	inspected, err := f.inspect(ctx, token, secret)
	if err != nil {
		return identity.Verified{}, err
	}
	if reason, err := f.decide(inspected); err != nil {
		return identity.Verified{}, identity.Refusal(reason, err)
	}
	name, err := f.profile(ctx, token, secret, inspected.UserID)
	if err != nil {
		return identity.Verified{}, err
	}
	who := identity.Verified{Subject: inspected.UserID, DisplayName: name}
	if !f.o.AllowReuse {
		who.Once, who.Until = token, inspected.usedTill(f.o.Now())
	}
	return who, nil
}

// graphError is how the Graph API fails.
type graphError struct {
	Code    int `json:"code"`
	Subcode int `json:"error_subcode"`
	// Of debug_token, whose errors stand in its data.
	InspectedSubcode int `json:"subcode"`
}

// Error says the codes, not Facebook's text.
func (e graphError) Error() string {
	return fmt.Sprintf("error %d, %d of Facebook", e.Code, e.subcode())
}

func (e graphError) subcode() int { return max(e.Subcode, e.InspectedSubcode) }

// reason is that of an error about a player's token, and empty for one that is none. The
// codes are known from use: 463 is expired, 460 a changed password; 100 another app's token.
func (e graphError) reason() identity.Reason {
	switch e.Code {
	case 1, 2:
		return identity.ProviderUnavailable
	case 4, 17, 32, 613:
		return identity.ProviderRateLimited
	case 100:
		return identity.WrongApplication
	}
	if sub := e.subcode(); sub == 463 || sub == 460 {
		return identity.CredentialExpired
	}
	return identity.CredentialInvalid
}

// temporary says that an error passes.
func (e graphError) temporary() bool {
	r := e.reason()
	return r == identity.ProviderUnavailable || r == identity.ProviderRateLimited
}

// inspected is what debug_token says of a token. Times are seconds since 1970.
type inspected struct {
	AppID               string      `json:"app_id"`
	Type                string      `json:"type"`
	Valid               bool        `json:"is_valid"`
	ExpiresAt           int64       `json:"expires_at"` // 0: never
	DataAccessExpiresAt int64       `json:"data_access_expires_at"`
	UserID              string      `json:"user_id"`
	Error               *graphError `json:"error"`
}

func (f *Facebook) inspect(ctx context.Context, token, secret string) (inspected, error) {
	query := url.Values{"input_token": {token}, "access_token": {f.o.AppID + "|" + secret}}
	answer, err := f.o.Client.Do(ctx, Call{URL: f.o.Endpoint + "/debug_token?" + query.Encode()})
	if err != nil {
		return inspected{}, err
	}
	var told struct {
		Data  *inspected  `json:"data"`
		Error *graphError `json:"error"`
	}
	if err := answer.JSON(&told); err != nil && answer.OK() {
		return inspected{}, err
	}
	switch {
	case told.Error != nil && told.Error.temporary():
		return inspected{}, identity.Refusal(told.Error.reason(), told.Error)
	case told.Error != nil || !answer.OK():
		return inspected{}, f.o.Client.Misconfigured(ctx, fmt.Sprintf("Facebook answers %d to the app id and secret", answer.Status))
	case told.Data == nil:
		return inspected{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the answer of Facebook is of no known form"))
	}
	return *told.Data, nil
}

// decide says whether an inspected token is a player's, for this app.
func (f *Facebook) decide(i inspected) (identity.Reason, error) {
	switch {
	case i.Error != nil:
		return i.Error.reason(), i.Error
	case i.AppID != f.o.AppID:
		return identity.WrongApplication, errors.New("the token is another app's")
	case i.Type != "USER":
		return identity.CredentialInvalid, errors.New("the token is not a user's")
	case i.ExpiresAt != 0 && !f.o.Now().Before(time.Unix(i.ExpiresAt, 0)):
		return identity.CredentialExpired, errors.New("the token has expired")
	case !i.Valid || i.UserID == "":
		return identity.CredentialInvalid, errors.New("the token is not valid")
	}
	return "", nil
}

// usedTill is until when a used token has to be remembered.
func (i inspected) usedTill(now time.Time) time.Time {
	latest := now.Add(longestReuse)
	if i.ExpiresAt == 0 || time.Unix(i.ExpiresAt, 0).After(latest) {
		return latest
	}
	return time.Unix(i.ExpiresAt, 0)
}

// profile asks in the player's name, with proof that we hold the app secret, and so makes
// sure that the token is the one inspected.
func (f *Facebook) profile(ctx context.Context, token, secret, user string) (name string, err error) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	query := url.Values{"fields": {"id,name"}, "access_token": {token}, "appsecret_proof": {hex.EncodeToString(mac.Sum(nil))}}
	answer, err := f.o.Client.Do(ctx, Call{URL: f.o.Endpoint + "/me?" + query.Encode()})
	if err != nil {
		return "", err
	}
	var me struct {
		ID    string      `json:"id"`
		Name  string      `json:"name"`
		Error *graphError `json:"error"`
	}
	if err := answer.JSON(&me); err != nil && answer.OK() {
		return "", err
	}
	switch {
	case me.Error != nil && me.Error.Code != 100:
		return "", identity.Refusal(me.Error.reason(), me.Error)
	case !answer.OK(): // error 100 says here that the request is wrong
		return "", f.o.Client.Misconfigured(ctx, fmt.Sprintf("Facebook answers %d to the proof of the app secret", answer.Status))
	case me.ID != user:
		return "", identity.Refusal(identity.CredentialInvalid, errors.New("the token is not of the user that it was inspected to be of"))
	}
	return me.Name, nil
}

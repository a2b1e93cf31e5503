package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"muster/identity"
)

// Where players' Microsoft accounts become Xbox users.
const (
	MicrosoftTokenURL = "https://login.live.com/oauth20_token.srf"
	XboxUserURL       = "https://user.auth.xboxlive.com"
	XboxXSTSURL       = "https://xsts.auth.xboxlive.com"
)

const (
	xboxUserRelyingParty = "http://auth.xboxlive.com"
	xboxLiveRelyingParty = "http://xboxlive.com"
)

// XboxWebOptions says for which application players are proved. Client, Now, ClientID and
// RedirectURIs are required.
type XboxWebOptions struct {
	Client       *Client
	Now          func() time.Time
	ClientID     string   // of the app registration at Microsoft
	ClientSecret Secret   // nil: the registration is of a public client, whose codes come with a verifier
	RedirectURIs []string // that clients may have asked for the code with
	Sandbox      string   // empty: XboxRetail
	AllowSolo    bool     // takes players without the privilege to play with others

	TokenURL string // empty: MicrosoftTokenURL
	UserURL  string // empty: XboxUserURL
	XSTSURL  string // empty: XboxXSTSURL
}

// XboxWeb proves players by authorization codes of Microsoft accounts, asked for with the
// scope XboxLive.signin: for clients that are no Xbox titles. Subjects are Xbox user ids, so
// they are not those of Xbox.
type XboxWeb struct {
	o    XboxWebOptions
	code *codeExchange
}

// NewXboxWeb makes an XboxWeb.
func NewXboxWeb(o XboxWebOptions) *XboxWeb {
	o.Sandbox, o.TokenURL = or(o.Sandbox, XboxRetail), or(o.TokenURL, MicrosoftTokenURL)
	o.UserURL, o.XSTSURL = or(o.UserURL, XboxUserURL), or(o.XSTSURL, XboxXSTSURL)
	credentials := Credentials{ClientID: o.ClientID, Auth: AuthPost, Secret: o.ClientSecret}
	if o.ClientSecret == nil {
		credentials.Auth = AuthNone
	}
	return &XboxWeb{o, &codeExchange{
		client: o.Client, now: o.Now, redirects: o.RedirectURIs, pkce: o.ClientSecret == nil,
		endpoint:    func(context.Context) (string, error) { return o.TokenURL, nil },
		credentials: func(identity.Proof) (Credentials, error) { return credentials, nil },
	}}
}

// Takes implements identity.Taker.
func (x *XboxWeb) Takes() [][]string {
	if x.o.ClientSecret == nil {
		return [][]string{{"code", "redirectUri", "codeVerifier"}}
	}
	return [][]string{{"code", "redirectUri"}, {"code", "redirectUri", "codeVerifier"}}
}

// Verify implements identity.Provider. Microsoft takes a code once.
func (x *XboxWeb) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	access, err := x.exchange(ctx, proof)
	if err != nil {
		return identity.Verified{}, err
	}
	user, err := x.ticket(ctx, x.o.UserURL+"/user/authenticate", xboxRequest{
		RelyingParty: xboxUserRelyingParty, TokenType: "JWT",
		Properties: map[string]any{"AuthMethod": "RPS", "SiteName": "user.auth.xboxlive.com", "RpsTicket": "d=" + access},
	})
	if err != nil {
		return identity.Verified{}, err
	}
	ticket, err := x.ticket(ctx, x.o.XSTSURL+"/xsts/authorize", xboxRequest{
		RelyingParty: xboxLiveRelyingParty, TokenType: "JWT",
		Properties: map[string]any{"SandboxId": x.o.Sandbox, "UserTokens": []string{user.Token}},
	})
	if err != nil {
		return identity.Verified{}, err
	}
	return x.decide(ticket)
}

// exchange gives the code for an access token of the Microsoft account.
func (x *XboxWeb) exchange(ctx context.Context, proof identity.Proof) (access string, err error) {
	given, err := x.code.trade(ctx, proof)
	if err != nil {
		return "", err
	}
	if given.AccessToken == "" {
		return "", identity.Refusal(identity.ProviderUnavailable, errors.New("the platform gives no access token for a code"))
	}
	if !slices.Contains(strings.Fields(given.Scope), "XboxLive.signin") {
		return "", identity.Refusal(identity.CredentialInvalid, errors.New("the code was asked for without the scope XboxLive.signin"))
	}
	return given.AccessToken, nil
}

// xboxRequest asks Xbox for a token.
type xboxRequest struct {
	RelyingParty string
	TokenType    string
	Properties   map[string]any
}

// xboxTicket is a token with what it says to us. It came from Xbox itself, so its claims
// are taken without a signature.
type xboxTicket struct {
	Token         string
	NotAfter      time.Time
	DisplayClaims struct {
		Users []map[string]string `json:"xui"`
	}
	XErr int64
}

// ticket asks for a token.
func (x *XboxWeb) ticket(ctx context.Context, address string, request xboxRequest) (xboxTicket, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return xboxTicket{}, fmt.Errorf("ask Xbox for a token: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "X-Xbl-Contract-Version": {"1"}}
	answer, err := x.o.Client.Do(ctx, Call{URL: address, Body: body, Header: header, Repeatable: true})
	if err != nil {
		return xboxTicket{}, err
	}
	var told xboxTicket
	if err := answer.JSON(&told); err != nil && answer.OK() {
		return xboxTicket{}, err
	}
	switch {
	case told.XErr != 0:
		return xboxTicket{}, identity.Refusal(xboxReason(told.XErr), fmt.Errorf("error %d of Xbox", told.XErr))
	case !answer.OK():
		return xboxTicket{}, x.o.Client.Misconfigured(ctx, fmt.Sprintf("Xbox answers %d to the app or sandbox", answer.Status))
	case told.Token == "":
		return xboxTicket{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the answer of Xbox is of no known form"))
	}
	return told, nil
}

// xboxReason is that of an XErr. The codes are known from use: 2148916227 is banned, ...29 a
// child without consent, ...33 no Xbox profile, ...34 terms not accepted, ...35 a country
// without Xbox, ...36 and ...37 age not checked, ...38 a child outside a family.
func xboxReason(code int64) identity.Reason {
	switch code {
	case 2148916227:
		return identity.AccountBanned
	case 2148916229, 2148916233, 2148916234, 2148916235, 2148916236, 2148916237, 2148916238:
		return identity.AgeOrPrivilege
	}
	return identity.CredentialInvalid
}

// decide says whom a token for Xbox's own services is about.
func (x *XboxWeb) decide(t xboxTicket) (identity.Verified, error) {
	users := t.DisplayClaims.Users
	switch {
	case len(users) != 1 || !isXUID(users[0]["xid"]):
		return identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, errors.New("Xbox does not name one user"))
	case !x.o.Now().Before(t.NotAfter):
		return identity.Verified{}, identity.Refusal(identity.CredentialExpired, errors.New("the token has expired"))
	case !x.o.AllowSolo && !slices.Contains(strings.Fields(users[0]["prv"]), xboxMultiplayer):
		return identity.Verified{}, identity.Refusal(identity.AgeOrPrivilege, errors.New("without the privilege "+xboxMultiplayer))
	}
	return identity.Verified{Subject: users[0]["xid"], DisplayName: users[0]["gtg"]}, nil
}

// isXUID says whether a text is a 64-bit number in its one spelling, other than 0, as
// SteamIDs are.
func isXUID(text string) bool { return isSteamID(text) }

package provider

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"muster/identity"
)

// What SteamOptions stand for when they leave it out.
const (
	SteamPartnerAPI      = "https://partner.steam-api.com" // for publishers' keys; api.steampowered.com takes users' keys, at a limited rate
	DefaultSteamIdentity = "muster"
)

const (
	maxSteamTicket = 8 << 10 // hexadecimal digits

	steamRetries    = 3
	steamRetryAfter = time.Second
)

// SteamOptions says for which application tickets are taken. Client, Now, Key and AppID are
// required.
type SteamOptions struct {
	Client *Client
	Now    func() time.Time
	Key    Secret // the publisher's Web API key
	AppID  string // decimal

	// Identity is what clients pass to GetAuthTicketForWebApi; a ticket made with another is
	// refused by Steam. Empty: DefaultSteamIdentity.
	Identity string
	Endpoint string // empty: SteamPartnerAPI

	AllowVACBanned bool // players that Valve's anti-cheat banned, in whatever game
	AllowBorrowed  bool // players who do not own the game, but borrow it (family sharing)

	// Wait passes time between tries; nil: on the clock.
	Wait func(context.Context, time.Duration) error
}

// Steam proves Steam accounts by tickets, which Steam checks with
// ISteamUserAuth/AuthenticateUserTicket. Subjects are SteamIDs in decimal.
type Steam struct{ o SteamOptions }

// NewSteam makes a Steam.
func NewSteam(o SteamOptions) *Steam {
	o.Identity, o.Endpoint = or(o.Identity, DefaultSteamIdentity), or(o.Endpoint, SteamPartnerAPI)
	if o.Wait == nil {
		o.Wait = onTheClock
	}
	return &Steam{o}
}

func onTheClock(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Takes implements identity.Taker.
func (s *Steam) Takes() [][]string { return [][]string{{"token"}} }

// Verify implements identity.Provider. The token is the ticket's bytes in hexadecimal.
func (s *Steam) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	ticket, err := steamTicket(proof.Token)
	if err != nil {
		return identity.Verified{}, identity.Refusal(identity.CredentialInvalid, err)
	}
	for tries := 0; ; tries++ {
		answer, err := s.authenticate(ctx, hex.EncodeToString(ticket))
		if err != nil {
			return identity.Verified{}, err
		}
		if answer.busy() && tries < steamRetries {
			if err := s.o.Wait(ctx, steamRetryAfter); err != nil {
				return identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, err)
			}
			continue
		}
		who, err := s.decide(answer)
		if err != nil {
			return identity.Verified{}, err
		}
		// Steam does not say how long it takes a ticket that nobody cancels. The proof of ownership
		// in it is good for some weeks (node-steam-user's wiki, "Steam App Auth", 2022).
		who.Once, who.Until = steamOnce(ticket, who.Subject), s.o.Now().Add(longestReuse)
		return who, nil
	}
}

// steamTicket is a ticket in its bytes.
func steamTicket(text string) ([]byte, error) {
	if len(text) > maxSteamTicket {
		return nil, fmt.Errorf("a ticket of %d characters is none", len(text))
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("the ticket is not hexadecimal")
	}
	if len(bytes.TrimRight(raw, "\x00")) == 0 {
		return nil, errors.New("the ticket is empty")
	}
	return raw, nil
}

// A ticket begins with the length of its token, little-endian, and the token: eight bytes by which
// Steam knows the ticket, the SteamID and an instant. Steam gives clients some to make tickets of,
// each once. What comes then (of the session, a proof of ownership, zero bytes of a larger buffer)
// may be any number of tickets' or anybody's. (SteamKit2, SteamAuthTicket, and
// node-steam-appticket, parseAppTicket; both 2025. Valve documents none of it.)
const (
	steamTokenLength = 20
	steamTokenID     = 8
)

// steamOnce is what a player's ticket is used up as: whatever follows its token, and whatever
// else of it Steam does not look at, it is the same one. A ticket of another form is the whole of
// it, but for zero bytes at its end.
func steamOnce(ticket []byte, player string) string {
	if len(ticket) >= 4+steamTokenLength && binary.LittleEndian.Uint32(ticket) == steamTokenLength {
		return player + " " + hex.EncodeToString(ticket[4:4+steamTokenID])
	}
	return hex.EncodeToString(bytes.TrimRight(ticket, "\x00"))
}

// steamAnswer is what AuthenticateUserTicket says: one of its parts.
type steamAnswer struct {
	Params *struct {
		Result          string `json:"result"`
		SteamID         string `json:"steamid"`
		OwnerSteamID    string `json:"ownersteamid"`
		VACBanned       bool   `json:"vacbanned"`
		PublisherBanned bool   `json:"publisherbanned"`
	} `json:"params"`
	Error *struct {
		Code int `json:"errorcode"`
	} `json:"error"`
}

// Codes of errors. 101 stands in a public thread and 103, which passes, in a sample of
// Amazon's; 3 and 102 are known from use.
const (
	steamBadParameter = 3
	steamBadTicket    = 101
	steamOtherApp     = 102
	steamBusy         = 103
)

func (a steamAnswer) busy() bool { return a.Error != nil && a.Error.Code == steamBusy }

func (s *Steam) authenticate(ctx context.Context, ticket string) (steamAnswer, error) {
	key, err := s.o.Key.read(ctx, s.o.Client, "Steam's Web API key")
	if err != nil {
		return steamAnswer{}, err
	}
	query := url.Values{"key": {key}, "appid": {s.o.AppID}, "ticket": {ticket}, "identity": {s.o.Identity}}
	answer, err := s.o.Client.Do(ctx, Call{URL: s.o.Endpoint + "/ISteamUserAuth/AuthenticateUserTicket/v1/?" + query.Encode()})
	if err != nil {
		return steamAnswer{}, err
	}
	switch {
	case answer.OK():
	case answer.Status == http.StatusBadRequest || answer.Status == http.StatusRequestURITooLong:
		return steamAnswer{}, identity.Refusal(identity.CredentialInvalid, fmt.Errorf("Steam answers %d to the ticket", answer.Status))
	default:
		return steamAnswer{}, s.o.Client.Misconfigured(ctx, fmt.Sprintf("Steam answers %d to the Web API key and app id", answer.Status))
	}
	var told struct {
		Response steamAnswer `json:"response"`
	}
	err = answer.JSON(&told)
	return told.Response, err
}

// decide says what becomes of Steam's answer.
func (s *Steam) decide(a steamAnswer) (identity.Verified, error) {
	if a.Error != nil {
		return identity.Verified{}, identity.Refusal(steamReason(a.Error.Code), fmt.Errorf("error %d of Steam", a.Error.Code))
	}
	if a.Params == nil || a.Params.Result != "OK" || !isSteamID(a.Params.SteamID) || !isSteamID(a.Params.OwnerSteamID) {
		return identity.Verified{}, identity.Refusal(identity.ProviderUnavailable, errors.New("the answer of Steam is of no known form"))
	}
	switch p := a.Params; {
	case p.PublisherBanned:
		return identity.Verified{}, identity.Refusal(identity.AccountBanned, errors.New("banned by the publisher"))
	case p.VACBanned && !s.o.AllowVACBanned:
		return identity.Verified{}, identity.Refusal(identity.AccountBanned, errors.New("banned by VAC"))
	case p.OwnerSteamID != p.SteamID && !s.o.AllowBorrowed:
		return identity.Verified{}, identity.Refusal(identity.NotEntitled, errors.New("a borrowed copy"))
	}
	return identity.Verified{Subject: a.Params.SteamID}, nil
}

func steamReason(code int) identity.Reason {
	switch code {
	case steamOtherApp:
		return identity.WrongApplication
	case steamBusy:
		return identity.ProviderUnavailable
	case steamBadParameter, steamBadTicket:
	}
	return identity.CredentialInvalid
}

// isSteamID says whether a text is a 64-bit number in its one spelling, other than 0.
func isSteamID(text string) bool {
	id, err := strconv.ParseUint(text, 10, 64)
	return err == nil && id != 0 && !strings.HasPrefix(text, "0") && !strings.HasPrefix(text, "+")
}

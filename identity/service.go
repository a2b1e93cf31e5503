package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"muster"
)

// Accounts is where players and their ways in are kept.
type Accounts interface {
	// EnsurePlayer returns the player of an identity, creating player and identity in
	// one transaction when it is new. secretHash is stored with a new guest identity.
	EnsurePlayer(ctx context.Context, id muster.Identity, secretHash []byte) (player muster.PlayerID, created bool, err error)
	// FindIdentity returns the player of a known identity; an unknown one is NotFound.
	// secretHash is nil for every provider but guest.
	FindIdentity(ctx context.Context, id muster.Identity) (player muster.PlayerID, secretHash []byte, err error)
	// ScopeOf is what sign-ins of a player may do; a player who is gone is NotFound.
	ScopeOf(ctx context.Context, player muster.PlayerID, in muster.SignInRef) (muster.Scope, error)
}

// How long tokens live unless Options say otherwise.
const (
	DefaultAccessTTL  = 15 * time.Minute
	DefaultRefreshTTL = 30 * 24 * time.Hour
	DefaultJoinTTL    = 10 * time.Minute
	socketTicketTTL   = 30 * time.Second
)

// Options is what a Service needs. All of it is required but the lifetimes.
type Options struct {
	Accounts Accounts
	Store    muster.Store
	Keys     KeySource // *Keys or *KeyRing
	Linker   Linker    // nil: nothing is linked or merged

	Issuer   string // the base URL at which the keys are published, without a final slash
	Audience string // of access tokens; anything but "game-session"

	// Guard says who may sign in, and ends sign-ins. Nil: everybody may, and the access tokens
	// of a sign-in that has ended live to their end.
	Guard Guard

	// Providers are the ways in besides guest secrets, by the names that players' records
	// and the API know them by. A name is never given to something else.
	Providers map[string]Provider
	// Kinds says of which kind each provider is; one that is not there is of the kind that
	// its name says.
	Kinds map[string]string
	// Refused hears of every proof that signs nobody in; it must not block. Nil: nobody does.
	Refused func(provider string, refusal *muster.Error)

	// SignOut ends all sign-ins of a player whose platform says so; *muster.Backend does. Nil:
	// nobody is signed out.
	SignOut func(ctx context.Context, player muster.PlayerID) error
	// Limits slows down who asks too often, or guesses. Nil: nobody is.
	Limits muster.Limits

	AccessTTL  time.Duration // zero: DefaultAccessTTL
	RefreshTTL time.Duration // of a sign-in as a whole, however often renewed; zero: DefaultRefreshTTL
	IdleTTL    time.Duration // of a sign-in that is not renewed; zero: no less than RefreshTTL
	JoinTTL    time.Duration // zero: DefaultJoinTTL

	// SeveralPerDevice lets a device that names itself keep its earlier sign-ins of a player
	// when it signs in again. False: they end.
	SeveralPerDevice bool

	Now    func() time.Time
	NewID  func() string // unique, ascending with time, of the alphabet [a-zA-Z0-9-]
	Random io.Reader     // cryptographically strong
}

// Service signs players in and checks who they are. It keeps no state outside its
// store and is safe for concurrent use.
type Service struct {
	accounts   Accounts
	store      muster.Store
	keys       KeySource
	linker     Linker
	issuer     string
	audience   string
	guard      Guard
	limits     muster.Limits
	providers  map[string]Provider
	ways       []muster.ProviderView
	refused    func(provider string, refusal *muster.Error)
	signOut    func(context.Context, muster.PlayerID) error
	accessTTL  time.Duration
	refreshTTL time.Duration
	idleTTL    time.Duration
	several    bool // sign-ins per device
	joinTTL    time.Duration
	now        func() time.Time
	newID      func() string
	random     io.Reader
	verified   verifiedTokens
}

// New makes a Service.
func New(o Options) *Service {
	if o.Guard == nil {
		o.Guard = noGuard{o.Store}
	}
	if o.Limits == nil {
		o.Limits = muster.NoLimits{}
	}
	if o.SignOut == nil {
		o.SignOut = func(context.Context, muster.PlayerID) error { return nil }
	}
	return &Service{
		accounts: o.Accounts, store: o.Store, keys: o.Keys, linker: o.Linker, issuer: o.Issuer, audience: o.Audience, guard: o.Guard, limits: o.Limits,
		providers: o.Providers, ways: describeProviders(o.Providers, o.Kinds), refused: o.Refused, signOut: o.SignOut,
		accessTTL:  orDefault(o.AccessTTL, DefaultAccessTTL),
		refreshTTL: orDefault(o.RefreshTTL, DefaultRefreshTTL),
		idleTTL:    o.IdleTTL,
		joinTTL:    orDefault(o.JoinTTL, DefaultJoinTTL),
		several:    o.SeveralPerDevice,
		now:        o.Now, newID: o.NewID, random: o.Random,
	}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}

// granted is the answer for a refresh token and an access token of the same family.
func (s *Service) granted(h handout) (muster.Grant, error) {
	access, err := s.accessToken(muster.Caller{Player: h.token.player, Scope: h.scope, Family: h.token.family, SignedInAt: h.opened})
	if err != nil {
		return muster.Grant{}, err
	}
	return muster.Grant{
		Player:           muster.GrantPlayer{ID: h.token.player},
		AccessToken:      access,
		ExpiresInSeconds: int(s.accessTTL / time.Second),
		RefreshToken:     h.token.String(),
		RefreshExpiresAt: h.ends,
	}, nil
}

// secretBytes is the size of everything unguessable that is made here.
const secretBytes = 32

// newSecret draws 256 random bits.
func newSecret(random io.Reader) ([]byte, error) {
	secret := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("draw a secret: %w", err)
	}
	return secret, nil
}

// newSecretText draws 256 random bits as 43 characters that are safe in a URL.
func newSecretText(random io.Reader) (string, error) {
	secret, err := newSecret(random)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(secret), nil
}

// hashText is how the text of a secret is kept: with 256 random bits in it, a plain
// SHA-256 cannot be searched.
func hashText(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// instant is the present, as records keep it.
func (s *Service) instant() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

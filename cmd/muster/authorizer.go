package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"muster"
	"muster/aws/lambda"
	"muster/identity"
	"muster/identity/provider"
)

// authorizerCmd answers API Gateway and AppSync who a caller is.
type authorizerCmd struct {
	URL               string `name:"url" help:"Where players reach the backend: the issuer of its tokens." required:"" env:"MUSTER_URL" placeholder:"URL"`
	KeysURL           string `name:"keys-url" help:"Where its keys are published; else below --url." env:"MUSTER_KEYS_URL" placeholder:"URL"`
	SigningKeys       string `help:"File of the keys that sign tokens, or their text in MUSTER_SIGNING_KEYS, instead of the published ones. Tickets for sockets need them." env:"MUSTER_SIGNING_KEYS_FILE" placeholder:"FILE"`
	SigningKeysSecret string `help:"Secret of AWS Secrets Manager that holds them, in place of a file." env:"MUSTER_SIGNING_KEYS_SECRET" placeholder:"ARN"`

	Store    string `help:"The backend's store: with it bans and ended sign-ins count at once, and tickets for sockets are taken." env:"MUSTER_STORE" placeholder:"STORE"`
	DynamoDB string `name:"dynamodb-endpoint" help:"Another DynamoDB than Amazon's." env:"MUSTER_DYNAMODB_ENDPOINT" placeholder:"URL"`
	Region   string `help:"The region of DynamoDB; else as the AWS SDK finds it." env:"AWS_REGION" placeholder:"REGION"`
	Config   string `help:"The backend's configuration, whose identity.bearers are taken too. Needs --store." env:"MUSTER_CONFIG" placeholder:"FILE"`

	ServerKeyHashes []string `name:"server-key-hash" help:"Hash of a key that game servers show." env:"MUSTER_SERVER_KEY_HASHES" placeholder:"HASH"`
	AdminKeyHashes  []string `name:"admin-key-hash" help:"Hash of a key that operators show." env:"MUSTER_ADMIN_KEY_HASHES" placeholder:"HASH"`

	Scopes       []string      `name:"scope" help:"Let only these in: guest, player, server, admin; else everybody who is somebody." enum:"guest,player,server,admin" env:"MUSTER_AUTHORIZER_SCOPES" placeholder:"SCOPE"`
	HTTPAnswers  string        `name:"http-answers" help:"What an HTTP API with payload format 2.0 wants: simple or iam (default ${default})." default:"simple" enum:"simple,iam" env:"MUSTER_AUTHORIZER_HTTP_ANSWERS" placeholder:"ANSWERS"`
	DeniedFields []string      `name:"denied-field" help:"What a scope may not ask AppSync for, as guest=Mutation.createParty." env:"MUSTER_AUTHORIZER_DENIED_FIELDS" placeholder:"SCOPE=FIELD"`
	MaxTTL       time.Duration `name:"max-ttl" help:"How long AppSync may keep an answer (default ${default})." default:"1m" env:"MUSTER_AUTHORIZER_MAX_TTL" placeholder:"D"`
}

// Help is the long description that --help shows.
func (*authorizerCmd) Help() string {
	return "As a function of Lambda with the handler authorizer it runs by itself. Elsewhere it answers the one event at its standard input. docs/authorizers.md says how APIs use it."
}

// Validate is called by the command line parser.
func (c *authorizerCmd) Validate() error {
	if c.MaxTTL < 0 || c.MaxTTL > time.Hour {
		return usageError{fmt.Sprintf("--max-ttl is %v, not 0 to 1h", c.MaxTTL)}
	}
	if _, err := c.deniedFields(); err != nil {
		return err
	}
	if c.Config != "" && c.Store == "" {
		return usageError{"--config needs --store: tokens of others lead to players there"}
	}
	return nil
}

func (c *authorizerCmd) deniedFields() (map[muster.Scope][]string, error) {
	denied := make(map[muster.Scope][]string)
	for _, entry := range c.DeniedFields {
		scope, field, _ := strings.Cut(entry, "=")
		switch s := muster.Scope(scope); s {
		case muster.GuestScope, muster.PlayerScope, muster.ServerScope, muster.AdminScope:
			if strings.Contains(field, ".") {
				denied[s] = append(denied[s], field)
				continue
			}
		}
		return nil, usageError{fmt.Sprintf("--denied-field %q is not like guest=Mutation.createParty", entry)}
	}
	return denied, nil
}

// Run answers until the context ends, or one event.
func (c *authorizerCmd) Run(ctx context.Context, p *process) error {
	a, end, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	if p.getenv(envRuntimeAPI) != "" {
		lambda.Run(ctx, a)
		return end()
	}
	event, err := io.ReadAll(p.stdin)
	if err != nil {
		return errors.Join(fmt.Errorf("read the event: %w", err), end())
	}
	answer, err := a.Invoke(ctx, event)
	if err == nil {
		_, err = p.stdout.Write(answer)
	}
	return errors.Join(err, end())
}

// wallClock is the time of day alone: the other clock, which Go compares instants by, may
// stand still while a function is frozen.
func wallClock() time.Time { return time.Now().Round(0) }

// open makes the authorizer; end closes what it has opened.
func (c *authorizerCmd) open(ctx context.Context, p *process) (a *lambda.Authorizer, end func() error, err error) {
	check, end, err := c.checks(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	denied, _ := c.deniedFields() // Validate has read them
	o := lambda.AuthorizerOptions{
		Verifiers: check.verifiers, Redeem: check.redeem,
		HTTPAnswers: lambda.Answers(c.HTTPAnswers), DeniedFields: denied, MaxTTL: c.MaxTTL, Now: wallClock, Log: p.log,
	}
	for _, scope := range c.Scopes {
		o.Scopes = append(o.Scopes, muster.Scope(scope))
	}
	return lambda.NewAuthorizer(o), end, nil
}

// checks is what an authorizer verifies with.
type checks struct {
	verifiers muster.Verifiers
	redeem    verification // nil: there are no tickets
}

func (c *authorizerCmd) checks(ctx context.Context, p *process) (made checks, end func() error, err error) {
	end = func() error { return nil }
	issuer, err := baseURL("--url", c.URL)
	if err != nil {
		return made, nil, err
	}
	if made.verifiers, err = c.keyVerifiers(); err != nil {
		return made, nil, err
	}
	signing, err := c.held(ctx, p)
	if err != nil {
		return made, nil, err
	}
	if signing != nil && c.KeysURL != "" {
		return made, nil, errors.New("--keys-url says where keys are published, and --signing-keys, its secret or " + envSigningKeys + " holds them: which are meant?")
	}
	own, err := c.published(issuer, signing, p)
	if err != nil {
		return made, nil, err
	}
	made.verifiers.Token = own
	if c.Store == "" {
		return made, end, nil
	}
	store, err := openStore(ctx, storePlace{Spec: c.Store, Region: c.Region, Endpoint: c.DynamoDB, Log: p.log})
	if err != nil {
		return made, nil, err
	}
	if err := c.withStore(&made, store, issuer, signing, p); err != nil {
		return made, nil, errors.Join(err, store.Close())
	}
	return made, store.Close, nil
}

// keyVerifiers knows the keys of game servers and operators by their hashes.
func (c *authorizerCmd) keyVerifiers() (muster.Verifiers, error) {
	if err := errors.Join(checkKeyHashes("server", c.ServerKeyHashes), checkKeyHashes("admin", c.AdminKeyHashes)); err != nil {
		return muster.Verifiers{}, err
	}
	servers, err := identity.NewServerKeys(c.ServerKeyHashes...)
	if err != nil {
		return muster.Verifiers{}, err
	}
	v := muster.Verifiers{Server: servers.Verify}
	if len(c.AdminKeyHashes) > 0 {
		admins, err := identity.NewAdminKeys(c.AdminKeyHashes...)
		if err != nil {
			return muster.Verifiers{}, err
		}
		v.Admin = admins.Verify
	}
	return v, nil
}

// published checks tokens of the backend by the keys given, or by those it publishes.
func (c *authorizerCmd) published(issuer string, signing *heldKeys, p *process) (verification, error) {
	own := identity.AccessTokens{Issuer: issuer, Audience: tokenAudience, Now: wallClock}
	if signing != nil {
		own.Keys = signing.ring
		return signing.first(own.Verify), nil
	}
	address := c.KeysURL
	if address == "" {
		address = issuer + "/.well-known/jwks.json"
	}
	if err := provider.CheckURL(address); err != nil {
		return nil, fmt.Errorf("the keys cannot be read from %q, which %w", address, err)
	}
	client := provider.NewClient(provider.ClientOptions{Name: "published keys", Misfit: "the keys of the backend cannot be had: nobody is let in", Now: wallClock, Log: p.log})
	own.Keys = provider.NewKeySet(client, address, wallClock)
	return own.Verify, nil
}

// withStore adds what only the store knows.
func (c *authorizerCmd) withStore(made *checks, store muster.Store, issuer string, signing *heldKeys, p *process) error {
	rules := muster.New(muster.Options{Store: store, Notifier: nobodyListens{}, Now: wallClock, NewID: newID, Log: p.log})
	own := verification(made.verifiers.Token)
	if signing != nil {
		ids := identity.New(identity.Options{
			Accounts: rules, Store: store, Keys: signing.ring, Issuer: issuer, Audience: tokenAudience, Guard: rules,
			Now: wallClock, NewID: newID, Random: rand.Reader,
		})
		made.redeem = newLookout(rules).first(unlessRevoked(rules, signing.first(ids.RedeemSocketTicket)))
	}
	if c.Config != "" {
		var err error
		if own, err = c.bearers(own, rules, p); err != nil {
			return err
		}
	}
	made.verifiers.Token = newLookout(rules).first(unlessRevoked(rules, own))
	return nil
}

// bearers takes access tokens of the providers that the configuration says too.
func (c *authorizerCmd) bearers(own verification, rules *muster.Backend, p *process) (verification, error) {
	conf, err := loadConfigFor(true, c.Config)
	if err != nil {
		return nil, err
	}
	// The others are not made: their secrets are none of an authorizer's business.
	needed := identityConfig{Bearers: conf.Identity.Bearers, Providers: make(map[string]providerConfig)}
	for name := range needed.Bearers {
		needed.Providers[name] = conf.Identity.Providers[name]
	}
	providers, err := needed.providers(providerTools{getenv: p.getenv, now: wallClock, log: p.log})
	if err != nil {
		return nil, err
	}
	issuers, err := needed.bearers(providers)
	if err != nil {
		return nil, err
	}
	bearers, err := identity.NewBearers(identity.BearersOptions{Own: own, Issuers: issuers, Accounts: rules, Admit: rules.AdmitBearer, Now: wallClock})
	if err != nil {
		return nil, err
	}
	return conf.Identity.denials().unless(bearers.Verify), nil
}

// learnEvery is how old what is known of revocations may be: as old as at a replica that did
// not hear of them.
const learnEvery = time.Second

// lookout learns of revocations when somebody asks: a function has no time of its own.
type lookout struct {
	rules *muster.Backend

	mu      sync.Mutex
	learned time.Time // guarded by mu
}

func newLookout(rules *muster.Backend) *lookout { return &lookout{rules: rules} }

// first learns what there is to learn, and then verifies. While the store does not answer
// nobody is let in.
func (l *lookout) first(verify verification) verification {
	return func(ctx context.Context, token string) (muster.Caller, error) {
		if err := l.learn(ctx); err != nil {
			return muster.Caller{}, err
		}
		return verify(ctx, token)
	}
}

func (l *lookout) learn(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := wallClock()
	if since := now.Sub(l.learned); since >= 0 && since < learnEvery {
		return nil
	}
	if err := l.rules.LearnRevocations(ctx); err != nil {
		return fmt.Errorf("learn of revocations: %w", err)
	}
	l.learned = now
	return nil
}

// nobodyListens tells nobody: an authorizer changes nothing that players see.
type nobodyListens struct{}

func (nobodyListens) Notify(context.Context, ...muster.Notice) {}

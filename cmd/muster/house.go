package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"muster"
	"muster/advisor"
	"muster/aws/gamelift"
	"muster/console"
	"muster/gameliftlocal"
	"muster/gameliftlocal/launcher"
	"muster/httpapi"
	"muster/identity"
	letters "muster/mail"
	"muster/realtime"
	"muster/replica"
	"muster/store/sqlite"
)

// What the local GameLift is called by. The names go into ARNs, which Amazon's Server
// SDKs check for the form of real ones.
const (
	region      = "us-west-2"
	account     = "123456789012"
	topicARN    = "arn:aws:sns:" + region + ":" + account + ":muster-matchmaking"
	fleetName   = "muster-up"
	queueName   = "muster-up"
	computeName = "this-machine"
)

// house is everything that `muster up` runs, as it is being built: each part leans on
// those before it, and the stack takes them down in the opposite order.
type house struct {
	cmd     *upCmd
	conf    config
	process *process
	stack   *stack
	front   net.Listener // players, pages, events
	lift    net.Listener // the local GameLift

	credentials credentials
	serverKey   string
	adminKey    string
	keys        *identity.KeyRing
	local       *gameliftlocal.Service
	client      *gamelift.Client
	fleet       gamelift.Provisioned
	launcher    atomic.Pointer[launcher.Launcher] // nil until game servers are started
	changed     chan struct{}                     // holds a token when game servers came or went
}

func (h *house) url() string             { return "http://" + h.front.Addr().String() }
func (h *house) liftURL() string         { return "http://" + h.lift.Addr().String() }
func (h *house) liftFolder() string      { return filepath.Join(h.cmd.Data, "gamelift") }
func (h *house) credentialsFile() string { return filepath.Join(h.cmd.Data, credentialsFile) }

// open builds everything. What it started when it fails is the stack's to end.
func (h *house) open(ctx context.Context) error {
	began := time.Now()
	for _, l := range []net.Listener{h.front, h.lift} {
		h.stack.onEnd("listener", func() error { return ignoreClosed(l.Close()) })
	}
	if err := makeDataFolder(h.cmd.Data); err != nil {
		return err
	}
	// The store comes first: it keeps a second process out of the folder.
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(h.cmd.Data, databaseFile), Log: h.process.log})
	if err != nil {
		return err
	}
	h.stack.onEnd("store", store.Close)
	if err := h.openSecrets(); err != nil {
		return err
	}
	if err := h.openGameLift(ctx); err != nil {
		return err
	}
	rules, err := h.openBackend(ctx, store)
	if err != nil {
		return err
	}
	// The local GameLift runs above the backend: when it ends it cancels what is under
	// way, and the backend must still hear of that.
	h.stack.run("local GameLift's address", func(ctx context.Context) error {
		return serve(ctx, h.lift, h.local.Handler(), nil)
	})
	h.stack.run("local GameLift", h.local.Run)
	if err := h.provision(ctx); err != nil {
		return err
	}
	if err := h.awaitSubscriber(ctx); err != nil {
		return err
	}
	if err := rules.LoseTickets(ctx, began); err != nil { // this GameLift is new
		h.process.log.Warn("tickets of before the start wait for the reconciler", "error", err)
	}
	return h.openGameServers(ctx)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil // the HTTP server has closed it
	}
	return err
}

// openSecrets reads the keys of the data folder, or makes them.
func (h *house) openSecrets() (err error) {
	keys, err := identity.LoadOrCreateKeys(h.cmd.Data, rand.Reader)
	if err != nil {
		return err
	}
	h.keys = identity.NewKeyRing(keys)
	if h.serverKey, err = secretFile(h.cmd.Data, "server-key", func() (string, error) {
		key, _, err := identity.NewServerKey(rand.Reader)
		return key, err
	}); err != nil {
		return err
	}
	if h.adminKey, err = secretFile(h.cmd.Data, "admin-key", func() (string, error) {
		key, _, err := identity.NewAdminKey(rand.Reader)
		return key, err
	}); err != nil {
		return err
	}
	h.credentials, err = openCredentials(h.cmd.Data)
	return err
}

// openGameLift makes the local GameLift and a client of it.
func (h *house) openGameLift(ctx context.Context) (err error) {
	if err := makeDataFolder(h.liftFolder()); err != nil {
		return err
	}
	lock, err := lockFolder(h.liftFolder()) // muster gamelift may have it
	if err != nil {
		return err
	}
	h.stack.onEnd("lock", lock.Close)
	h.local, err = gameliftlocal.Open(ctx, gameliftlocal.Options{
		Data: h.liftFolder(), Region: region, Account: account, BaseURL: h.liftURL(),
		Credentials:   h.credentials.find,
		Subscriptions: map[string][]string{topicARN: {h.url() + "/v1/events/sns"}},
		Log:           h.process.log, ProcessChanged: h.gameServersChanged,
	})
	if err != nil {
		return err
	}
	h.client, err = gamelift.New(gamelift.Options{
		Endpoint: h.liftURL(), Region: region, AccessKeyID: h.credentials.id, SecretAccessKey: h.credentials.secret,
		Log: h.process.log,
	})
	return err
}

// openBackend starts the backend and serves it.
func (h *house) openBackend(ctx context.Context, store muster.Store) (*muster.Backend, error) {
	b, err := newBackend(h.backendParts(store))
	if err != nil {
		return nil, err
	}
	if err := b.rules.LearnRevocations(ctx); err != nil {
		return nil, err
	}
	if err := b.followKeys(ctx); err != nil {
		return nil, err
	}
	h.stack.run("signing keys", h.keyWatch().Run)
	h.stack.run("reconciler", b.rules.Run)
	h.stack.run("rating systems", ratingWatch{b.rules, h.process.log, "--data " + h.cmd.Data, h.conf.name}.Run)
	h.stack.run("realtime", func(ctx context.Context) error { b.hub.Run(ctx); return nil })
	if b.mail != nil {
		h.stack.run("mail", b.mail)
	}
	if b.seal != nil {
		h.stack.run("second factors", b.seal.Run)
	}
	h.stack.run("http", func(ctx context.Context) error { return serve(ctx, h.front, b.handler, b.stopping) })
	return b.rules, nil
}

func (h *house) backendParts(store muster.Store) backendParts {
	p := h.conf.backendParts()
	p.url, p.store, p.gameLift, p.keys, p.log = h.url(), store, h.client, h.keys, h.process.log
	p.serverKeyHashes, p.adminKeyHashes = []string{identity.HashServerKey(h.serverKey)}, []string{identity.HashAdminKey(h.adminKey)}
	p.topics, p.trustedCertificates = []string{topicARN}, []string{h.liftURL() + "/sns/"}
	if p.terminal = h.process.stdout; h.cmd.JSON {
		p.terminal = h.process.stderr // standard output is for programs
	}
	if len(h.process.command) > 0 {
		p.game = console.Own
	}
	if p.identity.Passwords == nil && p.terminal != nil {
		p.identity.Passwords = &passwordsConfig{}
	}
	return p
}

// provision makes fleet, queue, rule sets and configurations, through Amazon's API.
func (h *house) provision(ctx context.Context) (err error) {
	h.fleet, err = h.client.Provision(ctx, gamelift.Plan{
		Location: h.conf.Locations[0], FleetName: fleetName, QueueName: queueName, NotificationTarget: topicARN,
		Matchmakers: h.conf.matchmakers(), SessionQueues: h.conf.sessionQueues(),
	})
	return h.notSetUp(err)
}

// notSetUp tells in one sentence what the local GameLift refused. Nil stays nil.
func (h *house) notSetUp(err error) error {
	return refusedSetUp("the local GameLift in "+h.liftFolder(), err, h.process.log)
}

// subscribedWithin is how long the backend may take to subscribe to events.
const subscribedWithin = 10 * time.Second

// awaitSubscriber waits until the backend has confirmed its subscription: events before
// that would be lost.
func (h *house) awaitSubscriber(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, subscribedWithin)
	defer cancel()
	if err := h.local.AwaitSubscribers(ctx); err != nil {
		h.process.log.Info("await the backend's subscription", "error", err)
		return fmt.Errorf("the backend did not subscribe to the local GameLift's events within %v", subscribedWithin)
	}
	return nil
}

// openGameServers registers this machine and starts game servers on it.
func (h *house) openGameServers(ctx context.Context) error {
	g := gameServers{
		fleetID: h.fleet.FleetID, location: h.conf.Locations[0], spare: *h.conf.GameServers.Spare, max: *h.conf.GameServers.Max,
		logs: filepath.Join(h.cmd.Data, "logs"), command: h.process.command,
		env: append(os.Environ(), "MUSTER_URL="+h.url(), "MUSTER_SERVER_KEY="+h.serverKey),
	}
	if len(g.command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program to start game servers: %w", err)
		}
		g.command = []string{self, "demo-server", "--port", "{port}"}
		g.env = append(g.env, "MUSTER_DEMO_ROUND="+h.cmd.round().String())
	}
	l, err := g.start(ctx, h.local, h.client, h.stack)
	if err != nil {
		return h.notSetUp(err)
	}
	h.launcher.Store(l)
	if len(h.process.command) == 0 {
		h.awaitSpares(ctx, g.spare)
	}
	return nil
}

// gameServersChanged lets the launcher look at once whether a spare is missing.
func (h *house) gameServersChanged() {
	if l := h.launcher.Load(); l != nil {
		l.Wake()
	}
	select {
	case h.changed <- struct{}{}:
	default: // a look is due already
	}
}

// sparesWithin is how long the demo's game servers may take to be ready; after it
// players may come all the same, and the first of them wait.
const sparesWithin = 3 * time.Second

// awaitSpares waits until enough game servers can host.
func (h *house) awaitSpares(ctx context.Context, enough int) {
	ctx, cancel := context.WithTimeout(ctx, sparesWithin)
	defer cancel()
	for h.local.IdleProcesses(h.fleet.FleetID, "") < enough {
		select {
		case <-h.changed:
		case <-ctx.Done():
			return
		}
	}
}

// backendParts is what the backend is made of.
type backendParts struct {
	url                 string
	store               muster.Store
	gameLift            *gamelift.Client
	keys                identity.KeySource
	serverKeyHashes     []string
	adminKeyHashes      []string // none: no calls for operators
	modes               []muster.Mode
	locations           []string
	profile             muster.ProfileOptions
	data                []muster.Namespace
	identity            identityConfig
	terminal            io.Writer // who reads it reads mails that are not sent; nil: nobody
	topics              []string
	trustedCertificates []string
	proxies             httpapi.Proxies
	game                console.Game                // which game servers play
	origins             []string                    // whose pages may call, besides our own
	ready               func(context.Context) error // nil: always
	peers               joinPeers                   // nil: there are no other replicas
	function            bool                        // of Lambda: nothing runs between calls, and there are no sockets
	now                 func() time.Time            // nil: time.Now
	log                 *slog.Logger
}

// backend is the backend, wired.
type backend struct {
	rules    *muster.Backend
	hub      *realtime.Hub
	mesh     *replica.Mesh // nil: there are no other replicas
	handler  http.Handler
	stopping func()                          // lets long polls end; call it once
	mail     func(ctx context.Context) error // sends mails; nil: there are none
	outbox   *letters.Outbox                 // of mails; nil: there are none
	seal     *identity.FactorSeal            // of second factors; nil: there are no passwords
	// rounds do once what the rules, mail and seal do again and again, for a function.
	rounds []func(ctx context.Context) error
}

// lateNotifier lets the rules and the hub, which need each other, be made in turn.
type lateNotifier struct{ muster.Notifier }

// newBackend wires rules, identity and transports. It starts nothing.
func newBackend(p backendParts) (*backend, error) {
	notifier := &lateNotifier{}
	if p.now == nil {
		p.now = time.Now
	}
	tools := providerTools{getenv: os.Getenv, now: p.now, log: p.log}
	developer, err := p.identity.developer(tools)
	if err != nil {
		return nil, err
	}
	var ids *identity.Service
	var passwords passwordParts
	rules := muster.New(muster.Options{
		Store: p.store, GameLift: p.gameLift, Notifier: notifier, Rating: defaultRating(),
		Advisor: advisor.New(p.gameLift),
		Modes:   p.modes, Locations: p.locations, Profile: p.profile, Data: p.data, Merging: p.identity.Merging,
		SignIns:       func(ctx context.Context, p muster.PlayerID) ([]muster.SignInView, error) { return ids.SignIns(ctx, p) },
		TakeBack:      func(ctx context.Context, id muster.Identity) error { return ids.TakeBack(ctx, id) },
		TakeBackMails: passwords.takeBack,
		ForgetPlayer:  forgetPlayer(developer),
		ConsentOf: func(ctx context.Context, id muster.Identity) (muster.ConsentView, error) {
			return ids.ConsentOf(ctx, id)
		},
		SignSeat: func(seat *muster.SeatView, owner muster.PlayerID) error { return ids.JoinToken(seat, owner) },
		Now:      p.now, NewID: newID, Log: p.log,
		Canonical: identity.Canonical, Providers: slices.Collect(maps.Keys(p.identity.Providers)),
	})
	providers, err := p.identity.providers(tools)
	if err != nil {
		return nil, err
	}
	passwords = passwordParts{conf: &p.identity, keys: p.keys, rules: rules, store: p.store, terminal: p.terminal, tools: tools, function: p.function}
	limits, calls := p.identity.Limits.limiter(p.store, p.now, p.log), p.identity.Limits.calls(p.now)
	p.identity.Limits.announce(p.log)
	p.identity.announceName(p.log)
	p.identity.warnOfMail(p.log)
	if err := passwords.provide(providers, limits); err != nil {
		return nil, err
	}
	lookout := newLookout(rules)
	var entrance doors = rules
	if p.function {
		entrance = lookedDoors{rules, lookout}
	}
	service := identity.Options{
		Accounts: entrance, Store: p.store, Keys: p.keys, Linker: rules, Issuer: p.url, Audience: tokenAudience, Guard: entrance, Limits: limits, SignOut: rules.SignOutEverywhere, Providers: providers, Kinds: p.identity.kinds(), Refused: logRefusedProofs(p.log, p.now),
		Now: p.now, NewID: newID, Random: rand.Reader,
	}
	p.identity.Tokens.apply(&service)
	ids = identity.New(service)
	issuers, err := p.identity.bearers(providers)
	if err != nil {
		return nil, err
	}
	bearers, err := identity.NewBearers(identity.BearersOptions{Own: ids.Verify, Issuers: issuers, Accounts: rules, Admit: rules.AdmitBearer, Now: p.now})
	if err != nil {
		return nil, err
	}
	serverKeys, err := identity.NewServerKeys(p.serverKeyHashes...)
	if err != nil {
		return nil, err
	}
	verify := p.identity.denials().unless(unlessRevoked(rules, bearers.Verify))
	if p.function {
		verify = lookout.first(verify)
	}
	hub, mesh := openHub(p, rules, notifier, realtime.Options{Redeem: unlessRevoked(rules, ids.RedeemSocketTicket), Revoked: rules.Revoked, Admit: admitBySocket(calls), Play: rules, Parties: rules, AllowedOrigins: p.origins, Log: p.log})
	receiver := gamelift.NewReceiver(gamelift.ReceiverOptions{
		Topics: p.topics, CertificateURLPrefixes: p.trustedCertificates, Now: p.now,
	})
	stopping := make(chan struct{})
	b := &backend{rules: rules, hub: hub, mesh: mesh, stopping: func() { close(stopping) }, rounds: []func(context.Context) error{rules.Tick}}
	o := httpapi.Options{
		Play: rules, Auth: ids, Verify: verify, VerifyServer: serverKeys.Verify,
		Profiles: rules, Documents: rules, Logins: ids, Links: ids, Heralds: ids,
		Parties: rules, Rooms: rules, ServerRooms: rules, History: rules, Boards: rules,
		Privacy: rules, Prove: ids.Prove, SignIns: rules,
		JWKS: ids.JWKS, Configuration: ids.Configuration,
		SNS: newRefusals(p.log, p.now).watch(receiver.Handler(rules.ApplyEvent, rules.ApplyPlacement)), Realtime: hub, Pages: console.Handler(p.game),
		Stopping: stopping, Ready: p.ready, AllowedOrigins: p.origins, Proxies: p.proxies, Calls: calls, Log: p.log,
	}
	if err := p.identity.serveAWS(&o, ids, p.url, tools); err != nil {
		return nil, err
	}
	if developer != nil {
		o.AWSIdentities = developer
	}
	p.identity.serveSamples(&o, ids)
	p.identity.Tokens.serve(&o, ids)
	if len(p.adminKeyHashes) > 0 || p.identity.givesAdmin() {
		adminKeys, err := identity.NewAdminKeys(p.adminKeyHashes...)
		if err != nil {
			return nil, err
		}
		o.Admin, o.VerifyAdmin, o.Inspect, o.Referee, o.Bans, o.Desk, o.Everyone = rules, adminKeys.Verify, rules, rules, rules, rules, rules
	}
	if err := passwords.serve(ids, &o, b); err != nil {
		return nil, err
	}
	if p.function {
		if err := p.asFunction(&o, rules, limits, notifier); err != nil {
			return nil, err
		}
	}
	b.handler = httpapi.New(o)
	return b, nil
}

// tokenAudience is the audience of access tokens.
const tokenAudience = "muster"

// newID makes ids that ascend with time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

package gameliftlocal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
	"muster/gameliftlocal/hosting"
	"muster/gameliftlocal/serversdk"
	"muster/gameliftlocal/sns"
	"muster/gameliftlocal/wire"
)

// Options configure Open. The zero value is a service in memory at
// http://127.0.0.1:4570 that knows no credentials.
type Options struct {
	// Data is the folder of the resources' file; it is made when it is missing. Empty:
	// nothing survives the process. One service at a time may use a folder.
	Data string

	Region  string // empty: "us-west-2". Game servers need one of that form
	Account string // twelve digits; empty: "123456789012"

	// BaseURL is how clients, game servers and subscribers reach Handler. It becomes
	// part of answers and messages. Empty: "http://127.0.0.1:4570".
	BaseURL string

	// Credentials finds the secret of an access key id; false: there is no such key. It
	// is called concurrently. Nil: no key is known.
	Credentials func(accessKeyID string) (wire.Credentials, bool)
	// AcceptAnyKey takes API requests signed with any key, without a look at the
	// signature, for a service on the same machine as its only users. Game servers still
	// need the token of their compute, or a key of Credentials.
	AcceptAnyKey bool

	// Subscriptions are the HTTP endpoints of each topic that a configuration or queue
	// may name as its NotificationTarget. A topic without any is silent.
	Subscriptions map[string][]string

	MaxTickets int // live and remembered together; 0: 100,000

	Now   func() time.Time // must go with the clock of package time; nil: time.Now
	NewID func() string    // unique, of [A-Za-z0-9-], at most 36 characters; nil: random UUIDs
	Log   *slog.Logger     // nil: nothing is logged

	// RateLimits applies Amazon's published limits to the calls of each game server.
	RateLimits bool
	// StopGrace is how long Run waits at its end for game servers to end, once they have
	// been told to; 0: 3 s.
	StopGrace time.Duration

	// QueueDelay keeps every new ticket QUEUED for a while before it searches, as
	// Amazon's service does for some seconds. A ticket that no longer fits its
	// configuration's rule set by then fails. 0: none.
	QueueDelay time.Duration

	// Rules chooses between readings of the rule language; the zero value is the usual one.
	Rules flexmatch.ParseOptions
	// TellUnaccepted sends MatchmakingCancelled also for the tickets whose players did not
	// accept a match. Amazon's guide ties that event to requests to stop, so without it
	// AcceptMatchCompleted is the last event of such a ticket.
	TellUnaccepted bool

	// ProcessChanged is called when a game-server process comes, goes, or becomes idle or
	// busy. It must not block, nor call the service. Nil: nobody is told.
	ProcessChanged func()

	// SNS and Hosting adjust timing and limits of the two; their ids, clocks, URLs and
	// regions are set from the options above. Zero values mean what those packages say.
	SNS     sns.Options
	Hosting hosting.Options
}

const (
	defaultMaxTickets = 100_000
	defaultStopGrace  = 3 * time.Second
)

// Service is the local GameLift service. It is safe for concurrent use.
type Service struct {
	names     names
	clock     *clock
	newID     func() string
	log       *slog.Logger
	file      file
	socketURL string // where game servers connect to
	stopGrace time.Duration
	delay     time.Duration // Options.QueueDelay
	reading   flexmatch.ParseOptions
	tellAll   bool   // Options.TellUnaccepted
	changed   func() // Options.ProcessChanged, or one that does nothing
	handler   http.Handler
	topics    *sns.Topics
	sockets   *serversdk.Server
	// subscriptions are those of Options.Subscriptions.
	subscriptions []sns.Subscription

	// changing makes changes of resources serial. It is held while the file is written,
	// and nothing but another change ever waits for it.
	changing sync.Mutex
	res      atomic.Pointer[resources] // replaced under mu

	started atomic.Bool   // Run has been called
	stopped chan struct{} // closed when Run has ended
	moved   chan struct{} // holds a token when the world's deadline may have moved

	// mu guards what follows: what lives. No I/O happens while it is held, and nothing
	// under it waits.
	mu        sync.Mutex
	world     *hosting.World
	events    map[hosting.FleetID][]types.Event
	queues    map[string]types.GameSessionQueue // as the world knows them, by name
	makers    map[string]*matchmaker            // by configuration name
	tickets   *ticketBook
	placing   map[hosting.PlacementID]*liveMatch
	backfills map[string]*ticket         // live ones, by session ARN
	processes map[hosting.ProcessID]bool // those that live
	spawn     func(*matchmaker)          // starts a matchmaker's goroutine; nil unless Run runs
}

// errStopped is the answer to calls that need Run after it has ended.
var errStopped error = &wire.Error{Code: "ServiceUnavailableException", Message: "The service is stopping."}

// Open reads the resources and makes a service of them. It starts nothing. The error
// says what is wrong with an option or with the file, which is left as it was.
func Open(_ context.Context, o Options) (*Service, error) {
	s := &Service{
		names: names{cmp.Or(o.Region, "us-west-2"), cmp.Or(o.Account, "123456789012")},
		clock: newClock(o.Now), newID: o.NewID, log: o.Log,
		stopped: make(chan struct{}), moved: make(chan struct{}, 1),
		events: map[hosting.FleetID][]types.Event{}, queues: map[string]types.GameSessionQueue{},
		makers: map[string]*matchmaker{}, tickets: newTicketBook(cmp.Or(o.MaxTickets, defaultMaxTickets)),
		placing: map[hosting.PlacementID]*liveMatch{}, backfills: map[string]*ticket{},
		processes: map[hosting.ProcessID]bool{}, stopGrace: cmp.Or(o.StopGrace, defaultStopGrace),
		delay: o.QueueDelay, changed: o.ProcessChanged, reading: o.Rules, tellAll: o.TellUnaccepted,
	}
	if s.changed == nil {
		s.changed = func() {}
	}
	if s.newID == nil {
		s.newID = uuid.NewString
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	base := strings.TrimRight(cmp.Or(o.BaseURL, "http://127.0.0.1:4570"), "/")
	rest, isHTTP := strings.CutPrefix(base, "http")
	if !isHTTP {
		return nil, fmt.Errorf("base url %q: not an http or https URL", base)
	}
	s.socketURL = "ws" + rest + socketPath
	if err := s.openTopics(o, base); err != nil {
		return nil, err
	}
	s.openWorld(o)
	s.handler = s.routes(o)
	return s, s.openResources(o.Data)
}

func (s *Service) openTopics(o Options, base string) error {
	settings := o.SNS
	settings.BaseURL, settings.Now, settings.NewID, settings.Log = base, s.clock.now, s.newID, s.log
	topics, err := sns.New(settings)
	if err != nil {
		return fmt.Errorf("open topics: %w", err)
	}
	s.topics = topics
	for _, topic := range sortedKeys(o.Subscriptions) {
		for _, endpoint := range o.Subscriptions[topic] {
			subscription, err := topics.Subscribe(topic, endpoint)
			if err != nil {
				return fmt.Errorf("subscribe %s to %s: %w", endpoint, topic, err)
			}
			s.subscriptions = append(s.subscriptions, subscription)
		}
	}
	return nil
}

func (s *Service) openWorld(o Options) {
	settings := o.Hosting
	settings.Region, settings.NewID, settings.Resolve = s.names.region, s.newID, s.destinationFleet
	s.world = hosting.New(settings)
	s.sockets = serversdk.New(serversdk.Options{
		Backend: gameServers{s}, Endpoint: s.socketURL, RateLimits: o.RateLimits, Now: s.clock.now, Log: s.log,
		SecretKey: func(id string) (string, bool) {
			if o.Credentials == nil {
				return "", false
			}
			c, ok := o.Credentials(id)
			expired := !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(s.clock.now())
			return c.Secret, ok && !expired
		},
	})
}

// openResources reads the file and tells the world and the matchmakers of what is in it.
func (s *Service) openResources(folder string) error {
	if folder != "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return fmt.Errorf("make data folder: %w", err)
		}
		s.file = file{path: filepath.Join(folder, fileName)}
	}
	s.file.names = s.names
	res, err := s.file.load()
	if err != nil {
		return err
	}
	if err := s.consistent(res); err != nil {
		return fmt.Errorf("read resources %s: %w", s.file.path, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.res.Store(res)
	now := s.clock.now()
	for _, id := range sortedKeys(res.Fleets) {
		s.addFleet(now, res.Fleets[id])
	}
	for _, key := range sortedKeys(res.Computes) {
		s.addCompute(now, res.Computes[key])
	}
	s.queuesChanged(now)
	for _, name := range sortedKeys(res.Configurations) {
		s.setMatchmaker(res.Configurations[name])
	}
	return nil
}

// consistent refuses a file with references that lead nowhere, which only another
// hand than ours can have made.
func (s *Service) consistent(r *resources) error {
	for key, c := range r.Computes {
		if _, ok := r.Fleets[val(c.Compute.FleetId)]; !ok {
			return fmt.Errorf("compute %s is of a fleet that does not exist", key)
		}
	}
	for name, c := range r.Configurations {
		rules, ok := r.RuleSets[val(c.RuleSetName)]
		if !ok {
			return fmt.Errorf("matchmaking configuration %s names a rule set that does not exist", name)
		}
		if _, err := s.reading.Parse([]byte(val(rules.RuleSetBody))); err != nil {
			return fmt.Errorf("rule set %s: %w", val(c.RuleSetName), err)
		}
	}
	return nil
}

// change applies edit to a copy of the resources and makes the copy durable. Only then
// does anybody see it, and apply, which may be nil, runs under the service's lock in
// the same step. An error of edit leaves everything as it was, and so does one of the
// disk; the caller of the API is then told of an internal failure.
func (s *Service) change(edit func(r *resources) error, apply func(now time.Time)) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	next := s.res.Load().clone()
	if err := edit(next); err != nil {
		return err
	}
	if err := s.file.save(next); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.res.Store(next)
	if apply != nil {
		apply(s.clock.now())
	}
	return nil
}

// AwaitSubscribers returns when every endpoint of Options.Subscriptions has confirmed
// its subscription, or with the error of ctx. What is published before is not
// delivered, as with Amazon's SNS. Run must run.
func (s *Service) AwaitSubscribers(ctx context.Context) error {
	for _, subscription := range s.subscriptions {
		select {
		case <-subscription.Confirmed:
		case <-ctx.Done():
			return fmt.Errorf("subscription %s is not confirmed: %w", subscription.ARN, ctx.Err())
		}
	}
	return nil
}

// Handler serves the API, the game-server socket, the topics and the health check. It
// may serve before Run is called, but matchmaking calls then wait for it.
func (s *Service) Handler() http.Handler { return s.handler }

// Run owns everything that happens by itself: timers, matchmakers, deliveries. It
// returns nil when ctx has ended and what lives has been ended in order: searching
// tickets are cancelled, placements fail, game servers are told to terminate, and the
// events of it all are delivered, within the limits of package sns. It may be called
// once.
func (s *Service) Run(ctx context.Context) error {
	if !s.started.CompareAndSwap(false, true) {
		return errors.New("run: already called")
	}
	// What delivers and matches must outlive ctx, to end what lives.
	after := context.WithoutCancel(ctx)
	delivering, stopDelivering := context.WithCancel(after)
	defer stopDelivering()
	var topics sync.WaitGroup
	topics.Go(func() { _ = s.topics.Run(delivering) }) // its error is always nil

	matching, stopMatching := context.WithCancel(after)
	defer stopMatching()
	var matchmakers sync.WaitGroup
	s.startActors(matching, &matchmakers)
	s.keepTime(ctx)
	s.endAll()
	stopMatching()
	matchmakers.Wait()
	close(s.stopped)
	s.awaitProcesses()
	s.sockets.Close()
	stopDelivering()
	topics.Wait()
	return nil
}

// startActors runs the matchmakers there are, and those to come, until ctx ends.
func (s *Service) startActors(ctx context.Context, group *sync.WaitGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spawn = func(m *matchmaker) { group.Go(func() { m.run(ctx) }) }
	for _, m := range s.makers {
		s.spawn(m)
	}
}

// endAll ends what lives: tickets that search, then placements, then sessions. No
// matchmaker starts after it.
func (s *Service) endAll() {
	s.mu.Lock()
	s.spawn = func(m *matchmaker) { m.close(errStopped) }
	makers := make([]*matchmaker, 0, len(s.makers))
	for _, name := range sortedKeys(s.makers) {
		makers = append(makers, s.makers[name])
	}
	s.mu.Unlock()
	for _, m := range makers {
		reply := make(chan error, 1)
		m.post(letter{retire: errStopped, reply: reply})
		<-reply //nolint:errcheck // it has stopped, now or before
	}
	s.host(func(w *hosting.World, now time.Time) {
		for _, name := range sortedKeys(s.queues) {
			_ = w.RemoveQueue(now, name) // it is known
		}
		for id := range s.res.Load().Fleets {
			_ = w.RemoveFleet(now, hosting.FleetID(id)) // it is known
		}
	})
}

// awaitProcesses gives game servers the time to end that StopGrace allows.
func (s *Service) awaitProcesses() {
	late := time.NewTimer(s.stopGrace)
	defer late.Stop()
	for {
		s.mu.Lock()
		left := len(s.processes)
		s.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-s.moved: // something happened in the world
		case <-late.C:
			return
		}
	}
}

// Close releases what Open has acquired, for a service whose Run is never called; Run
// does so itself.
func (s *Service) Close() error {
	s.sockets.Close()
	return nil
}

// clock gives instants in UTC that never go back.
type clock struct {
	source func() time.Time
	mu     sync.Mutex // guards last
	last   time.Time
}

func newClock(source func() time.Time) *clock {
	if source == nil {
		source = time.Now
	}
	return &clock{source: source}
}

func (c *clock) now() time.Time {
	at := c.source().UTC().Round(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.last) {
		c.last = at
	}
	return c.last
}

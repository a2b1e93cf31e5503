package muster

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Options is what a Backend needs from outside. All of it is required but what says
// otherwise.
type Options struct {
	Store    Store
	GameLift GameLift
	Notifier Notifier
	// Rating rates the modes that name no system of their own.
	Rating RatingSystem
	// Advisor explains tickets. Nil: nobody does.
	Advisor Advisor

	Modes     []Mode
	Locations []string // where latencies count; others are dropped

	// Profile is what players may make of their profiles; it must be valid.
	Profile ProfileOptions
	// Data is what is stored for players; it must be valid (ValidateData).
	Data []Namespace

	// Merging is what becomes of the documents of players who are merged into others.
	Merging MergePolicy
	// SignIns lists a player's sign-ins, for the player's export. Nil: they are left out.
	SignIns func(ctx context.Context, p PlayerID) ([]SignInView, error)
	// Canonical is the form in which an identity is kept, for operators who look for one. Nil:
	// as it is given.
	Canonical func(id Identity) (Identity, error)
	// Providers names the configured ways in besides e-mail and guests, for operators who look
	// for one that is not.
	Providers []string
	// TakeBack tells the platform of an identity that it was unlinked or its player deleted,
	// unless it leads to somebody again; it may be called again. Nil: no platform wants to hear
	// of it.
	TakeBack func(ctx context.Context, id Identity) error
	// TakeBackMails takes back the mails of deleted players. Nil: there are none.
	TakeBackMails TakeBackMails
	// ConsentOf is what the platform of an identity gave us, for the player's export; NotFound:
	// nothing. Nil: none does.
	ConsentOf func(ctx context.Context, id Identity) (ConsentView, error)
	// ForgetPlayer tells services that know players by our ids that one was deleted or merged;
	// it may be called again. Nil: there is no such service.
	ForgetPlayer func(ctx context.Context, p PlayerID) error

	// SignSeat completes a seat for its owner with a join token. Nil: no tokens.
	SignSeat func(seat *SeatView, owner PlayerID) error

	Now   func() time.Time
	NewID func() string // unique and of the alphabet [a-zA-Z0-9-]
	// Random is where codes that must not be guessed come from; safe for concurrent use.
	// Nil: crypto/rand.
	Random io.Reader
	// Parallel bounds how many calls of one request reach the store at once; 1: they come
	// one after the other, in an order that repeats. 0: 16.
	Parallel int
	Log      *slog.Logger
}

// Backend is the rules: what a player, a game server and GameLift's events may do.
// It keeps no state that matters outside its Store and is safe for concurrent use.
type Backend struct {
	store       Store
	gamelift    GameLift
	notifier    Notifier
	rating      RatingSystem
	modes       map[ModeName]Mode
	modeOrder   []ModeName
	locations   map[string]bool
	placeList   []LocationView
	signSeat    func(*SeatView, PlayerID) error
	now         func() time.Time
	newID       func() string
	log         *slog.Logger
	watch       *watch
	desk        *desk
	boardroom   *boardroom
	random      io.Reader
	parallel    int
	guesses     *quota // of codes, that were wrong
	looks       looks
	asks        *quota // of GameLift
	waits       waits
	invitesSent *quota
	profile     ProfileOptions
	data        map[string]Namespace
	revocations revocations
	merging     MergePolicy
	signIns     func(context.Context, PlayerID) ([]SignInView, error)
	takeBack    func(context.Context, Identity) error // nil: nobody is told
	canonical   func(Identity) (Identity, error)      // nil: as it is
	providers   []string

	takeBackMails TakeBackMails                         // nil: there are no mails
	forgetPlayer  func(context.Context, PlayerID) error // nil: nobody is told
	consentOf     func(context.Context, Identity) (ConsentView, error)

	placesSessions bool // some mode's sessions are asked for by the backend
}

// New makes a Backend. The modes must be valid (Mode.Validate) and of different names.
func New(o Options) *Backend {
	b := &Backend{
		store: o.Store, gamelift: o.GameLift, notifier: o.Notifier, rating: o.Rating,
		modes: make(map[ModeName]Mode, len(o.Modes)), locations: make(map[string]bool, len(o.Locations)),
		placeList: make([]LocationView, 0, len(o.Locations)),
		signSeat:  o.SignSeat, now: o.Now, newID: o.NewID, log: o.Log, watch: newWatch(), desk: newDesk(o.Advisor),
		boardroom: newBoardroom(),
		random:    o.Random, parallel: o.Parallel, profile: o.Profile, signIns: o.SignIns,
		takeBack: o.TakeBack, forgetPlayer: o.ForgetPlayer, canonical: o.Canonical, providers: o.Providers, merging: o.Merging,
		takeBackMails: o.TakeBackMails, consentOf: o.ConsentOf,
		guesses: newQuota(maxGuesses, guessWindow), asks: newQuota(maxAsks, askWindow), invitesSent: newQuota(maxInvitesSent, inviteWindow),
	}
	b.data = map[string]Namespace{AttributesNamespace: attributesDefault}
	for _, n := range o.Data {
		b.data[n.Name] = n.withDefaults()
	}
	if b.random == nil {
		b.random = rand.Reader
	}
	for _, m := range o.Modes {
		b.modes[m.Name] = m
		b.placesSessions = b.placesSessions || m.places()
		b.modeOrder = append(b.modeOrder, m.Name)
	}
	for _, name := range o.Locations {
		b.locations[name] = true
		b.placeList = append(b.placeList, LocationView{Name: name})
	}
	return b
}

// instant is now as records and answers hold it: UTC, whole milliseconds.
func (b *Backend) instant() time.Time { return b.now().UTC().Truncate(time.Millisecond) }

// Run does what falls due until ctx ends: it settles silent tickets, finishes results,
// recounts ratings, erases deleted players, tells outsiders of them, and learns what other
// replicas revoked. Every replica runs it; they share the work.
func (b *Backend) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, c := range b.chores() {
		wg.Go(func() { b.repeat(ctx, c.every, c.what, c.work) })
	}
	wg.Wait()
	return nil
}

// repeat does work again and again, with a pause before each time, until ctx ends.
func (b *Backend) repeat(ctx context.Context, every time.Duration, what string, work func(context.Context) error) {
	for pause(ctx, every) == nil {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, what, "error", err)
		}
	}
}

// Modes lists the playable modes in the order of the configuration.
func (b *Backend) Modes() []ModeView {
	views := make([]ModeView, 0, len(b.modeOrder))
	for _, name := range b.modeOrder {
		view := b.modes[name].view()
		view.Season = b.modes[name].Competition.seasonView(b.now())
		views = append(views, view)
	}
	return views
}

// Locations lists the places where sessions can run, in the order of the
// configuration.
func (b *Backend) Locations() []LocationView { return b.placeList }

package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How long a bot waits for things that always come when all is well.
const (
	seatTimeout   = 2 * time.Minute
	playTimeout   = 15 * time.Minute
	resultTimeout = time.Minute
	liveTimeout   = 5 * time.Second
	askAgain      = 5 * time.Second        // without news, ask for the ticket itself
	askSoon       = 700 * time.Millisecond // a question got no answer: a backend that starts anew is back
	maxFailures   = 20                     // in a row, of all bots together, before giving up
)

// errStopped says that a bot stopped queueing because it was enough.
var errStopped = errors.New("no more matches are wanted")

// BotOptions say who plays, where and for how long. URL and Count must be set.
type BotOptions struct {
	URL      string        // the backend's base URL; several of one backend are separated by commas
	Count    int           // bots at the same time, at least as many as the smallest match has players
	Matches  int           // stop after that many whole matches of all bots together; 0: no such limit. Where teams need not be full, the last ones may be more than asked for
	For      time.Duration // queue for that long, then finish what was begun as long as the backend answers; 0: until ctx ends
	Mode     string        // "": the first mode with matchmaking that the backend offers
	Progress func(Report)  // told after every match, by one bot at a time; may be nil
	Log      *slog.Logger  // nil: nothing is logged

	patience patience // zero: usualPatience
}

// RunBots lets bots sign in as guests, queue, accept, play and come back until the
// options say that it is enough. The report counts what happened in any case. The error,
// one line, names what is missing: with Matches that many whole matches must have been
// played. A backend that goes away is waited for; for how long, usualPatience says.
func RunBots(ctx context.Context, opts BotOptions) (Report, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.patience == (patience{}) {
		opts.patience = usualPatience()
	}
	urls := baseURLs(opts.URL)
	transport := &http.Transport{MaxIdleConnsPerHost: max(opts.Count, 2) * 2}
	defer transport.CloseIdleConnections()
	life := newLifeline(opts)
	scout := newBotAPI(urls, 0, &http.Client{Transport: transport}, life) // becomes the first bot
	mode, err := chooseMode(ctx, opts, scout)
	if err != nil {
		return Report{}, err
	}
	_, size := mode.size()
	s := newSchedule(size, opts.Matches, opts.Progress)
	ctx, end := context.WithCancelCause(ctx)
	queueing, stop := limit(ctx, opts.For) // ends when no bot shall queue any more
	var watching sync.WaitGroup
	watching.Go(func() { life.watch(ctx, queueing, end) })
	defer watching.Wait()
	defer end(nil)
	defer stop()
	runAll(ctx, queueing, opts, mode, scout, s)
	report, err := s.outcome(context.Cause(ctx))
	report.Retries = int(life.retries.Load())
	return report, err
}

// baseURLs splits the URLs of one backend; there is at least one.
func baseURLs(text string) []string {
	var urls []string
	for url := range strings.SplitSeq(text, ",") {
		if url = strings.TrimSuffix(strings.TrimSpace(url), "/"); url != "" {
			urls = append(urls, url)
		}
	}
	if len(urls) == 0 {
		return []string{text} // whatever it is: the first call says so
	}
	return urls
}

// limit is ctx for some time; 0: as long as ctx itself.
func limit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d > 0 {
		return context.WithTimeout(ctx, d)
	}
	return context.WithCancel(ctx)
}

// runAll starts the bots and returns when all of them are through.
func runAll(ctx, queueing context.Context, opts BotOptions, mode modeInfo, scout *botAPI, s *schedule) {
	var running, arriving sync.WaitGroup
	arriving.Add(opts.Count)
	for i := range opts.Count {
		b := newBot(i, opts, mode, scout, s)
		running.Go(func() {
			if err := b.run(ctx, queueing, &arriving); err != nil && ctx.Err() == nil {
				opts.Log.Warn("a bot gave up", "bot", b.name, "error", err)
				s.gaveUp(err)
			}
		})
	}
	running.Wait()
}

// queueKind is the kind of modes without matchmaking.
const queueKind = "queue"

// chooseMode finds the mode to play and checks that there are enough bots for it.
func chooseMode(ctx context.Context, opts BotOptions, scout *botAPI) (modeInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, opts.patience.away)
	defer cancel()
	for tries := len(scout.urls); ; tries-- { // one of them must be there from the start
		err := scout.signIn(ctx)
		if err == nil {
			break
		}
		if tries == 1 {
			return modeInfo{}, err
		}
	}
	var answer struct {
		Modes []modeInfo `json:"modes"`
	}
	if err := scout.keepCalling(ctx, http.MethodGet, "/v1/modes", nil, &answer); err != nil {
		return modeInfo{}, fmt.Errorf("ask for the modes: %w", err)
	}
	for _, m := range answer.Modes {
		if opts.Mode != "" && m.Name != opts.Mode || opts.Mode == "" && m.Kind == queueKind {
			continue
		}
		if m.Kind == queueKind {
			return modeInfo{}, fmt.Errorf("mode %q has no matchmaking, so bots cannot queue for it", m.Name)
		}
		if fewest, _ := m.size(); opts.Count < fewest {
			return modeInfo{}, fmt.Errorf("%d bots cannot fill a match of mode %q, which takes %d", opts.Count, m.Name, fewest)
		}
		return m, nil
	}
	if opts.Mode == "" {
		return modeInfo{}, errors.New("the backend has no mode with matchmaking for bots to play")
	}
	return modeInfo{}, fmt.Errorf("the backend has no mode %q", opts.Mode)
}

var botNames = [...]string{"Ada", "Blot", "Cleo", "Dash", "Echo", "Fizz", "Gus", "Hue", "Inka", "Jet", "Kiwi", "Lou", "Moss", "Nib", "Odo", "Pip"}

// bot is one player.
type bot struct {
	name     string
	mode     modeInfo
	api      *botAPI
	log      *slog.Logger
	schedule *schedule
	rng      *rand.Rand
	events   chan news
	latency  map[string]int
}

func newBot(i int, opts BotOptions, mode modeInfo, scout *botAPI, s *schedule) *bot {
	name := botNames[i%len(botNames)]
	if i >= len(botNames) {
		name = fmt.Sprintf("%s %d", name, i/len(botNames)+1)
	}
	api := scout
	if i > 0 {
		api = newBotAPI(scout.urls, i, scout.client, scout.life)
	}
	return &bot{
		name: name, mode: mode, log: opts.Log, schedule: s, events: make(chan news, 64),
		api: api,
		rng: rand.New(rand.NewPCG(uint64(i), 0x0b07)),
	}
}

// run plays match after match until the schedule has no more for this bot. It first
// waits for the others to have arrived, so that a wait for a seat measures no sign-ins.
func (b *bot) run(ctx, queueing context.Context, arriving *sync.WaitGroup) error {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	err := b.arrive(ctx, queueing, &following)
	arriving.Done()
	if err != nil {
		return err
	}
	arriving.Wait()
	for sleep(queueing, b.hesitate()) == nil && b.schedule.begin(queueing) {
		session, err := b.playOne(ctx, queueing)
		switch {
		case err == nil || errors.Is(err, errStopped) || ctx.Err() != nil:
		case b.api.life.gone():
			err = fmt.Errorf("%w: %w", errAway, err)
			b.log.Debug("a match was cut off", "bot", b.name, "session", session, "error", err)
		default:
			b.log.Info("a match went wrong", "bot", b.name, "session", session, "error", err)
		}
		b.schedule.end(session, err)
		var refused *apiError
		if session == "" && errors.As(err, &refused) && refused.final() {
			b.schedule.giveUp(err)
			return nil
		}
		if err != nil && sleep(queueing, 250*time.Millisecond) != nil {
			return nil
		}
	}
	return nil
}

// hesitation is the longest that a bot waits before it queues. People do not press Play
// in one instant, and a burst of all bots would measure how many matches start at once.
const hesitation = 200 * time.Millisecond

func (b *bot) hesitate() time.Duration { return time.Duration(b.rng.Int64N(int64(hesitation))) }

// arrive signs in, takes a name, learns where games run and starts to follow events;
// following ends with ctx.
func (b *bot) arrive(ctx, queueing context.Context, following *sync.WaitGroup) error {
	if err := b.introduce(ctx); err != nil {
		return err
	}
	f := &follower{api: b.api, log: b.log, out: b.events, live: make(chan struct{})}
	following.Go(func() { f.run(ctx) })
	select {
	case <-f.live:
	case <-time.After(liveTimeout): // it asks instead of being told, until it works
	case <-queueing.Done():
	}
	return nil
}

// introduce signs in, takes a name and learns where games run.
func (b *bot) introduce(ctx context.Context) error {
	if b.api.id() == "" {
		if err := b.api.insist(ctx, func() error { return b.api.signIn(ctx) }); err != nil {
			return err
		}
	}
	if err := b.api.keepCalling(ctx, http.MethodPatch, "/v1/players/me", map[string]string{"displayName": b.name}, nil); err != nil {
		b.log.Debug("take a name", "bot", b.name, "error", err) // it plays without one
	}
	var where struct {
		Locations []struct {
			Name string `json:"name"`
		} `json:"locations"`
	}
	if err := b.api.keepCalling(ctx, http.MethodGet, "/v1/locations", nil, &where); err != nil {
		return fmt.Errorf("ask for the locations: %w", err)
	}
	b.latency = map[string]int{}
	for _, l := range where.Locations {
		b.latency[l.Name] = 1 + b.rng.IntN(20)
	}
	return nil
}

// playOne queues once and plays the match that comes of it to its result.
func (b *bot) playOne(ctx, queueing context.Context) (session string, err error) {
	for len(b.events) > 0 {
		<-b.events // of the match before
	}
	sentAt := time.Now()
	seat, ticket, err := b.queue(ctx)
	if err == nil && seat == nil {
		seat, err = b.awaitSeat(ctx, queueing, ticket)
	}
	if err != nil {
		return "", err
	}
	b.schedule.seat(seat.SessionID, time.Since(sentAt))
	if err := b.play(ctx, seat); err != nil {
		return seat.SessionID, err
	}
	return seat.SessionID, b.awaitResult(ctx, seat.SessionID)
}

// queue asks for a match. A seat comes back at once when the player has one already.
func (b *bot) queue(ctx context.Context) (*seatInfo, string, error) {
	wishes := map[string]string{}
	for name, values := range b.mode.Choices {
		if len(values) > 0 {
			wishes[name] = values[b.rng.IntN(len(values))]
		}
	}
	ctx, cancel := context.WithTimeout(ctx, seatTimeout)
	defer cancel()
	body := map[string]any{"mode": b.mode.Name, "latencyInMs": b.latency, "preferences": wishes}
	var t ticketInfo
	err := b.api.keepCalling(ctx, http.MethodPost, "/v1/matchmaking/tickets", body, &t)
	var refused *apiError
	if errors.As(err, &refused) {
		switch {
		case refused.Code == "ticket.already_queued" && refused.TicketID != "":
			return nil, refused.TicketID, nil
		case refused.Code == "session.live" && refused.Seat != nil:
			return refused.Seat, "", nil
		}
	}
	if err != nil {
		return nil, "", fmt.Errorf("queue: %w", err)
	}
	return nil, t.ID, nil
}

// awaitSeat follows a ticket to its seat and accepts on the way. When queueing ends
// first, the ticket is taken back, unless a match is under way already.
func (b *bot) awaitSeat(ctx, queueing context.Context, id string) (*seatInfo, error) {
	deadline, cancel := context.WithTimeoutCause(ctx, seatTimeout, errors.New("no seat within "+seatTimeout.String()))
	defer cancel()
	accepted := ""
	for {
		n, err := b.hear(deadline, queueing, id)
		if err != nil {
			return nil, err
		}
		t := n.ticket
		switch {
		case n.seat != nil:
			return n.seat, nil
		case t == nil || t.ID != id:
		case t.Seat != nil:
			return t.Seat, nil
		case t.Status == "requiresAcceptance" && t.Match != nil && t.Match.You == "pending" && t.Match.ID != accepted:
			accepted = t.Match.ID
			if err := b.api.keepCalling(deadline, http.MethodPost, ticketPath(id, "/accept"), nil, nil); err != nil {
				b.log.Debug("accept", "bot", b.name, "error", err) // the ticket says what became of it
			}
		case t.Status == "failed" || t.Status == "cancelled" || t.Status == "timedOut":
			return nil, fmt.Errorf("the ticket ended as %s: %s", t.Status, reasonOf(t))
		}
	}
}

func reasonOf(t *ticketInfo) string {
	if t.Reason == nil {
		return "no reason given"
	}
	return t.Reason.Code + " " + t.Reason.Message
}

// hear waits for the next news. When none comes for a while it asks for the ticket.
func (b *bot) hear(deadline, queueing context.Context, id string) (news, error) {
	quiet := time.NewTimer(askAgain)
	defer quiet.Stop()
	stopped := queueing.Done()
	for {
		select {
		case n := <-b.events:
			return n, nil
		case <-stopped:
			stopped = nil
			err := b.api.keepCalling(deadline, http.MethodDelete, ticketPath(id, ""), nil, nil)
			var refused *apiError
			if !errors.As(err, &refused) || refused.Status != http.StatusConflict {
				return news{}, errStopped
			}
		case <-quiet.C:
			var t ticketInfo
			if err := b.api.call(deadline, http.MethodGet, ticketPath(id, ""), nil, &t); err == nil {
				return news{ticket: &t}, nil
			}
			quiet.Reset(askSoon)
		case <-deadline.Done():
			return news{}, context.Cause(deadline)
		}
	}
}

// play takes the seat to the end of the match, coming back when it is cut off.
func (b *bot) play(ctx context.Context, seat *seatInfo) error {
	ctx, cancel := context.WithTimeout(ctx, playTimeout)
	defer cancel()
	first := true
	for cuts := 1; ; cuts++ {
		err := playSeat(ctx, b.api.client, seat, b.name, b.rng, func(round time.Duration) {
			if first {
				b.schedule.seated(b.api.id())
				b.api.life.lasts(round)
			}
			first = false
		})
		switch {
		case errors.Is(err, errSeatRefused):
			b.schedule.refused()
			return err
		case !errors.Is(err, errCut) || cuts == 6:
			return err
		}
		if err := sleep(ctx, time.Duration(cuts)*100*time.Millisecond); err != nil {
			return err
		}
		var again seatInfo
		err = b.api.keepCalling(ctx, http.MethodGet, "/v1/players/me/session", nil, &again)
		var gone *apiError
		if errors.As(err, &gone) && gone.Status == http.StatusNotFound {
			return nil // it ended meanwhile: the result tells
		}
		if err != nil {
			return err
		}
		seat = &again
	}
}

// awaitResult waits until the backend says how the match ended.
func (b *bot) awaitResult(ctx context.Context, session string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, resultTimeout, errors.New("no result within "+resultTimeout.String()))
	defer cancel()
	quiet := time.NewTimer(askAgain)
	defer quiet.Stop()
	for {
		select {
		case n := <-b.events:
			if n.result != nil && n.result.SessionID == session {
				return nil
			}
		case <-quiet.C:
			var page struct {
				Matches []resultInfo `json:"matches"`
			}
			err := b.api.call(ctx, http.MethodGet, "/v1/players/me/matches?limit=1", nil, &page)
			switch {
			case err != nil:
				quiet.Reset(askSoon)
			case len(page.Matches) > 0 && page.Matches[0].SessionID == session:
				return nil
			default:
				quiet.Reset(askAgain)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

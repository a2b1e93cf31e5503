package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"muster/demo/game"
)

// maxConnections bounds the open connections of one process, joined or not.
const maxConnections = 64

// arena is the shell around a match: connections, ticks, GameLift and the backend.
type arena struct {
	opts     ServerOptions
	host     host
	verifier *tokenVerifier
	serving  sync.WaitGroup // connections that accept is busy with; see reserve

	mu      sync.Mutex // guards what follows; no I/O while it is held
	match   *match     // nil before the session
	players []*connection
	closing bool // no further connection is taken
	open    int  // connections, joined or not
	refused int  // joins that were refused
}

// serve answers players on the listener until stop is called, which waits for their
// connections to end.
func (a *arena) serve(listener net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	srv := &http.Server{
		Handler:           http.HandlerFunc(a.accept),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served.Go(func() {
		_ = srv.Serve(listener) // ends by Close
	})
	return func() {
		_ = srv.Close() // closes the listener; hijacked connections end by their context
		cancel()
		served.Wait()
		a.close()
	}
}

// reserve counts a connection in, unless there are too many or the arena closes. Since
// both are decided under mu, close waits for every connection that was counted.
func (a *arena) reserve() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing || a.open >= maxConnections {
		return false
	}
	a.open++
	a.serving.Add(1)
	return true
}

func (a *arena) release() {
	a.mu.Lock()
	a.open--
	a.mu.Unlock()
	a.serving.Done()
}

// close refuses further connections and waits for those there are. Who calls it has
// ended their context.
func (a *arena) close() {
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	a.serving.Wait()
}

// run serves one session from its activation to its reported result.
func (a *arena) run(ctx context.Context, s session) error {
	log := a.opts.Log.With("session", s.ID)
	plan, err := planTeams(s.MatchmakerData, s.MaximumPlayers)
	if err != nil {
		return err
	}
	rules := matchRules{Round: a.opts.Round, Countdown: a.opts.Countdown, JoinWait: a.opts.JoinWait, Grace: a.opts.Grace}
	m, err := newMatch(a.opts.Now(), s.ID, plan, rules, a.opts.Seed())
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.match, a.players = m, make([]*connection, len(m.seats))
	a.mu.Unlock()
	var fetching sync.WaitGroup
	fetching.Go(func() { a.verifier.prefetch(ctx) })
	defer fetching.Wait()
	if err := a.host.Activate(); err != nil {
		return fmt.Errorf("activate the session: %w", err)
	}
	log.Info("session started", "players", len(m.seats))
	over, err := a.play(ctx)
	if err != nil {
		a.broadcast(text((&refusal{Code: "session.closed", Message: "The game server was stopped."}).encode()))
		a.hangUp("the game server was stopped")
		return nil // asked to end: nobody won
	}
	return a.finish(ctx, over)
}

// finish reports the result, tells the players and lets them go. Nobody else knows the
// result, so it is reported until the backend takes it or ctx ends with the process. A
// match in which nobody appeared has no result: its session is ended.
func (a *arena) finish(ctx context.Context, over *outcome) error {
	a.broadcast(text(mustJSON(over.message())))
	r := &reporter{url: a.opts.URL, key: a.opts.Key, client: a.opts.Client, wait: sleep}
	var err error
	if over.Unseen {
		err = r.end(ctx, a.match.session)
	} else {
		err = r.report(ctx, a.match.session, over.Result)
	}
	if err == nil && !over.Unseen {
		a.broadcast(text(mustJSON(plainMessage{"recorded"})))
	}
	a.hangUp("the match is over")
	a.mu.Lock()
	refused := a.refused
	a.mu.Unlock()
	a.opts.Log.Info("session over", "reason", over.Reason, "teams", over.Result.Teams, "refused", refused, "reported", err == nil)
	return err
}

// play runs the match at its tick rate until it is over or ctx ends.
func (a *arena) play(ctx context.Context) (*outcome, error) {
	ticker := time.NewTicker(time.Second / game.TicksPerSecond)
	defer ticker.Stop()
	leaving := newLeavers(a)
	defer leaving.wait()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
		if over := a.tick(leaving); over != nil {
			return over, nil
		}
	}
}

// tick advances the match by one tick and sends what changed.
func (a *arena) tick(leaving *leavers) *outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.match.step(a.opts.Now())
	if t.roster {
		a.send(text(mustJSON(rosterMessage{Type: "roster", Cars: a.match.cars()})))
	}
	a.send(outgoing{binary: true, data: encodeFrame(t.frame)})
	for _, seatID := range t.remove {
		leaving.remove(seatID)
	}
	return t.over
}

// broadcast queues one message for everybody.
func (a *arena) broadcast(msg outgoing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.send(msg)
}

// send queues a message for everybody. The caller holds mu. Who cannot keep up is
// dropped, so nobody waits.
func (a *arena) send(msg outgoing) {
	for _, p := range a.players {
		if p != nil {
			p.send(msg)
		}
	}
}

// hangUp ends every player's connection once its queue is written.
func (a *arena) hangUp(reason string) {
	a.mu.Lock()
	players := append([]*connection(nil), a.players...)
	clear(a.players)
	a.mu.Unlock()
	for _, p := range players {
		if p != nil {
			p.finish(reason)
		}
	}
	for _, p := range players {
		if p != nil {
			p.wait()
		}
	}
}

// admit checks a join from its token to GameLift's word and seats the player. A
// connection that had the seat before is told and closed.
func (a *arena) admit(ctx context.Context, c *connection, msg clientMessage) error {
	claims, err := a.verifier.verify(ctx, msg.Token)
	if errors.Is(err, errNoKeys) {
		return &refusal{Code: "token.unverifiable", Message: "Your seat cannot be checked right now, try again.", cause: err}
	}
	if err != nil {
		return &refusal{Code: "token.invalid", Message: "Your join token is not valid.", cause: err}
	}
	a.mu.Lock()
	i, known, err := a.claim(claims, msg)
	a.mu.Unlock()
	if err != nil {
		return err
	}
	if !known {
		err = a.checkSeat(claims)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.match.unclaim(i)
		return err
	}
	if a.match.over != nil || a.match.seats[i].state == left {
		a.match.unclaim(i)
		return &refusal{Code: "session.over", Message: "This match went on without you."}
	}
	if old := a.players[i]; old != nil {
		old.send(text(mustJSON(plainMessage{"replaced"})))
		old.finish("another connection took the seat over")
	}
	a.match.join(i, msg.Seat, msg.Name)
	a.players[i], c.seat = c, i
	c.send(text(mustJSON(a.match.welcome(i))))
	return nil
}

// claim compares a verified token with what was asked for. The caller holds mu.
func (a *arena) claim(claims joinClaims, msg clientMessage) (seat int, known bool, err error) {
	switch {
	case a.match == nil:
		return 0, false, &refusal{Code: "session.none", Message: "This game server has no session yet."}
	case claims.Session != a.match.session:
		return 0, false, &refusal{Code: "seat.other_session", Message: "Your seat is in another match."}
	case claims.Seat != msg.Seat:
		return 0, false, &refusal{Code: "seat.mismatch", Message: "Your join token is for another seat."}
	}
	return a.match.claim(claims.Player, msg.Seat)
}

// checkSeat asks GameLift whether the seat is the player's and still reserved, and
// says that the player came.
func (a *arena) checkSeat(claims joinClaims) error {
	rec, err := a.host.Owner(claims.Seat)
	switch {
	case errors.Is(err, errNoSeat):
		return &refusal{Code: "seat.unknown", Message: "GameLift does not know your seat."}
	case err != nil:
		return &refusal{Code: "seat.unverifiable", Message: "Your seat cannot be checked right now, try again.", cause: err}
	case rec.Player != claims.Player || rec.Session != claims.Session:
		return &refusal{Code: "seat.mismatch", Message: "This is not your seat."}
	case rec.Status != "RESERVED":
		return &refusal{Code: "seat.not_reserved", Message: "Your seat was not taken in time."}
	}
	if err := a.host.Accept(claims.Seat); err != nil {
		return &refusal{Code: "seat.refused", Message: "GameLift did not accept your seat.", cause: err}
	}
	return nil
}

// receive handles one message of a player that has joined. An error ends the
// connection.
func (a *arena) receive(c *connection, msg clientMessage) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.players[c.seat] != c {
		return errReplaced
	}
	switch msg.Type {
	case "input":
		a.match.input(c.seat, msg.Input)
	case "ping":
		c.send(text(mustJSON(pongMessage{"pong", msg.Time})))
	case "leave":
		return errLeft
	case "join":
		c.send(text((&refusal{Code: "join.repeated", Message: "You have joined already."}).encode()))
	}
	return nil
}

// detach forgets a connection. A player that left gives the seat up at once, one that
// was cut off keeps it for a while.
func (a *arena) detach(c *connection, gaveUp bool) {
	a.mu.Lock()
	if c.seat < 0 || a.players[c.seat] != c {
		a.mu.Unlock()
		return
	}
	a.players[c.seat] = nil
	seatID := ""
	if gaveUp {
		seatID = a.match.leave(c.seat)
	} else {
		a.match.disconnect(a.opts.Now(), c.seat)
	}
	a.mu.Unlock()
	if seatID != "" {
		a.giveBack(seatID)
	}
}

func (a *arena) giveBack(seatID string) {
	if err := a.host.Remove(seatID); err != nil {
		a.opts.Log.Warn("give a seat back", "error", err)
	}
}

// leavers gives seats back beside the game loop, which must not wait for GameLift.
type leavers struct {
	arena *arena
	busy  sync.WaitGroup
}

func newLeavers(a *arena) *leavers { return &leavers{arena: a} }

func (l *leavers) remove(seatID string) { l.busy.Go(func() { l.arena.giveBack(seatID) }) }

func (l *leavers) wait() { l.busy.Wait() }

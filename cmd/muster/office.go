package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"muster"
	"muster/aws/caller"
	"muster/aws/dynamo"
	"muster/aws/gamelift"
	"muster/identity"
)

// office is everything that `muster serve` runs: the backend, on a store and a GameLift
// that others look after.
type office struct {
	settings serveSettings
	log      *slog.Logger
	stack    *stack
	function bool // it answers as a function of Lambda
	front    net.Listener
	back     net.Listener // for other replicas; nil: there are none
	client   *gamelift.Client
	keys     *identity.KeyWatch // nil: the signing keys do not change
	ready    *readiness
	backend  *backend
}

// openOffice builds everything and starts it. What it started when it fails is the
// stack's to end.
func openOffice(ctx context.Context, settings serveSettings, log *slog.Logger, s *stack) (*office, error) {
	o := &office{settings: settings, log: log, stack: s}
	var err error
	if o.front, err = listen(ctx, "--http", settings.http); err != nil {
		return nil, err
	}
	s.onEnd("listener", func() error { return ignoreClosed(o.front.Close()) })
	if err := o.openKeys(ctx); err != nil {
		return nil, err
	}
	store, err := o.openStore(ctx)
	if err != nil {
		return nil, err
	}
	o.client, err = gamelift.New(gamelift.Options{Endpoint: settings.gameLift, Region: settings.region, Log: log})
	if err != nil {
		return nil, err
	}
	o.ready = newReadiness(store, o.client.Reach, time.Now)
	if err := o.ready.askStore(ctx); err != nil {
		return nil, fmt.Errorf("the store %s does not answer: %w", settings.store.Spec, err)
	}
	o.lookAround(ctx)
	peers, err := o.openPeers(ctx, store)
	if err != nil {
		return nil, err
	}
	return o, o.start(ctx, store, peers)
}

// openStore opens the store, and has logged what a table consumes until it closes.
func (o *office) openStore(ctx context.Context) (database, error) {
	place := o.settings.store
	place.Log = o.log
	tally := new(dynamo.Tally)
	place.Meter = tally.Count
	store, err := openStore(ctx, place)
	if missing := (noDatabaseError{}); errors.As(err, &missing) && !o.function {
		return nil, fmt.Errorf("%w: with --create-table it is made", err)
	}
	if err != nil {
		return nil, err
	}
	o.stack.onEnd("store", store.Close)
	if place.isTable() {
		o.stack.run("usage", func(ctx context.Context) error {
			ticker := time.NewTicker(usageEvery)
			defer ticker.Stop()
			logUsage(ctx, ticker.C, tally, o.log)
			return nil
		})
	}
	return store, nil
}

// start starts the backend and serves it.
func (o *office) start(ctx context.Context, store muster.Store, peers joinPeers) error {
	p := o.parts(store)
	p.ready, p.peers = o.ready.check, peers
	b, err := newBackend(p)
	if err != nil {
		return err
	}
	o.backend = b
	if b.mesh != nil {
		o.meetPeers(ctx, b.mesh)
	}
	if err := b.rules.LearnRevocations(ctx); err != nil {
		return err
	}
	if err := b.followKeys(ctx); err != nil {
		return err
	}
	if o.keys != nil {
		o.stack.run("signing keys", o.keys.Run)
	}
	o.stack.run("reconciler", b.rules.Run)
	o.stack.run("rating systems", ratingWatch{b.rules, o.log, "--store " + o.settings.store.Spec, o.settings.conf.name}.Run)
	o.stack.run("realtime", func(ctx context.Context) error { b.hub.Run(ctx); return nil })
	if b.mail != nil {
		o.stack.run("mail", b.mail)
	}
	if b.seal != nil {
		o.stack.run("second factors", b.seal.Run)
	}
	o.stack.run("http", func(ctx context.Context) error {
		return serveWithin(ctx, o.front, b.handler, b.stopping, o.settings.drain/4)
	})
	return nil
}

// parts are what the settings say of the backend.
func (o *office) parts(store muster.Store) backendParts {
	p := o.settings.conf.backendParts()
	p.url, p.store, p.gameLift, p.keys, p.log = o.settings.url, store, o.client, o.settings.keys, o.log
	p.serverKeyHashes, p.adminKeyHashes = o.settings.serverKeyHashes, o.settings.adminKeyHashes
	p.topics, p.trustedCertificates, p.origins = o.settings.topics, o.settings.trusted, o.settings.origins
	p.proxies = o.settings.proxies
	if p.identity.Mail.Console {
		p.terminal = os.Stdout
		if o.function {
			p.terminal = os.Stderr // the answer is on standard output
		}
	}
	return p
}

// address is where the replica listens, as a URL for this machine.
func (o *office) address() string { return "http://" + o.front.Addr().String() }

// lookAround warns of what will not work although the replica can start.
func (o *office) lookAround(ctx context.Context) {
	if len(o.settings.topics) == 0 {
		o.log.Warn("no SNS topic is listened to: matches are noticed only by asking, after many seconds; name one with --sns-topic")
	}
	for i := range o.settings.conf.Modes {
		m := &o.settings.conf.Modes[i]
		if m.kind() == muster.Queue {
			continue // lookAtQueues does
		}
		state, err := o.client.Matchmaker(ctx, m.Configuration)
		if err != nil && muster.KindOf(err) != muster.NotFound {
			o.log.Warn(withoutGameLift(err), "error", err)
			return
		}
		for _, problem := range m.differences(state, err == nil, o.settings.topics) {
			o.log.Warn(problem, "mode", m.Name, "configuration", m.Configuration)
		}
	}
	o.lookAtQueues(ctx)
}

// withoutGameLift says why nothing is known of GameLift.
func withoutGameLift(err error) string {
	var e *muster.Error
	switch {
	case errors.Is(err, caller.ErrNoCredentials):
		return "there are no AWS credentials to ask GameLift with; this replica gets ready when there are"
	case errors.As(err, &e) && e.Code == "gamelift.not_authorized":
		return "GameLift refuses our AWS credentials; this replica gets ready when it takes them"
	}
	return "GameLift does not answer; this replica gets ready when it does"
}

// lookAtQueues warns of session queues that GameLift does not have, or whose events go
// elsewhere.
func (o *office) lookAtQueues(ctx context.Context) {
	for _, name := range o.settings.conf.sessionQueues() {
		target, err := o.client.SessionQueue(ctx, name)
		switch {
		case err != nil && muster.KindOf(err) == muster.NotFound:
			o.log.Warn("GameLift has no such session queue, so no session of its modes can be placed: make it, with muster provision for example", "queue", name)
		case err != nil:
			o.log.Warn(withoutGameLift(err), "error", err)
			return
		case !slices.Contains(o.settings.topics, target):
			o.log.Warn("the session queue does not send its events to a topic that is listened to, so placements are noticed only by asking", "queue", name, "topic", target)
		}
	}
}

// drain lets go of everything in an order that loses nobody: load balancers hear that it
// is over, sockets and long polls are sent elsewhere, requests finish.
func (o *office) drain(ctx context.Context, notice time.Duration) error {
	o.log.Info("draining", "notice", notice)
	o.ready.drain()
	pause(ctx, notice)
	o.backend.hub.Drain(ctx, o.settings.drain/5)
	return o.stack.end()
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"muster"
	"muster/aws/gamelift"
	"muster/aws/lambda"
	"muster/httpapi"
)

// Variables that the Lambda service sets in the environment of a function.
const (
	envRuntimeAPI = "AWS_LAMBDA_RUNTIME_API"
	envHandler    = "_HANDLER"
)

// functionArgs is the command line of a function of Lambda, which has none of its own: its
// handler is the name of a command. Empty: this is no such function.
func functionArgs(getenv func(string) string) ([]string, error) {
	if getenv(envRuntimeAPI) == "" {
		return nil, nil
	}
	switch handler := getenv(envHandler); handler {
	case "authorizer", "lambda":
		return []string{handler}, nil
	default:
		return nil, fmt.Errorf("the function's handler is %q, but it names the command that answers: set it to lambda or authorizer", handler)
	}
}

// lambdaCmd is the backend as a function of Lambda.
type lambdaCmd struct {
	Config string `help:"What can be played." required:"" env:"MUSTER_CONFIG" placeholder:"FILE"`
	URL    string `name:"url" help:"Where players and game servers reach the backend. Tokens name it as their issuer; paths begin with its path." required:"" env:"MUSTER_URL" placeholder:"URL"`

	Store string `help:"Where everything is kept: dynamodb:TABLE." required:"" env:"MUSTER_STORE" placeholder:"STORE"`
	awsFlags

	callerFlags

	TrustedProxies []string `name:"trusted-proxy" help:"Network of proxies before API Gateway whose X-Forwarded-For is believed; may be given again." env:"MUSTER_TRUSTED_PROXIES" placeholder:"CIDR"`
	TrustedHops    int      `name:"trusted-hops" help:"How many proxies every call comes through, API Gateway included, in place of where they are." env:"MUSTER_TRUSTED_HOPS" placeholder:"N"`
}

// Help is the long description that --help shows.
func (*lambdaCmd) Help() string {
	return "As a function of Lambda with the handler lambda it runs by itself. Elsewhere it answers the one event at its standard input. docs/lambda.md says how API Gateway, events and a schedule reach it."
}

// Validate is called by the command line parser.
func (c *lambdaCmd) Validate() error { return c.serve().checkProxies() }

// serve is the same settings as those of a replica.
func (c *lambdaCmd) serve() *serveCmd {
	return &serveCmd{
		Config: c.Config, URL: c.URL, Store: c.Store, awsFlags: c.awsFlags, callerFlags: c.callerFlags,
		TrustedProxies: c.TrustedProxies, TrustedHops: c.TrustedHops,
	}
}

// Run answers until the context ends, or one event.
func (c *lambdaCmd) Run(ctx context.Context, p *process) error {
	inLambda := p.getenv(envRuntimeAPI) != ""
	settings, err := c.serve().settings(p.getenv)
	if err != nil {
		return err
	}
	if inLambda && !settings.store.isTable() {
		return usageError{fmt.Sprintf("--store %s is for one process, and a function runs as many: name a table, dynamodb:TABLE", c.Store)}
	}
	b, err := openBooth(ctx, settings, slog.New(lambda.LogHandler(p.log.Handler())))
	if err != nil {
		return firstProblem(err, b.stack.end(), p.log)
	}
	f := b.function()
	if inLambda {
		lambda.Run(ctx, f)
		return b.stack.end()
	}
	event, err := io.ReadAll(p.stdin)
	if err != nil {
		return errors.Join(fmt.Errorf("read the event: %w", err), b.stack.end())
	}
	answer, err := f.Invoke(ctx, event)
	if err == nil {
		_, err = p.stdout.Write(answer)
	}
	return errors.Join(err, b.stack.end())
}

// booth is what a function runs: a replica without anything that goes on between calls.
type booth struct {
	*office

	lookedAround sync.Once

	mu        sync.Mutex
	caughtUp  time.Time // guarded by mu
	catchesUp bool      // guarded by mu
}

// openBooth builds everything. What it opened when it fails is the stack's to end.
func openBooth(ctx context.Context, settings serveSettings, log *slog.Logger) (*booth, error) {
	b := &booth{office: &office{settings: settings, log: log, stack: newStack(), function: true}}
	if err := b.openKeys(ctx); err != nil {
		return b, err
	}
	store, err := b.openStore(ctx)
	if err != nil {
		return b, err
	}
	b.client, err = gamelift.New(gamelift.Options{Endpoint: settings.gameLift, Region: settings.region, Log: log})
	if err != nil {
		return b, err
	}
	b.ready = newReadiness(store, b.client.Reach, wallClock)
	p := b.parts(store)
	p.function, p.now, p.ready = true, wallClock, b.ready.check
	if b.backend, err = newBackend(p); err != nil {
		return b, err
	}
	b.begin(ctx)
	return b, nil
}

// begin has second factors sealed by the signing keys that it begins with. If that fails the next
// round does it, and calls are answered meanwhile.
func (b *booth) begin(ctx context.Context) {
	if err := b.backend.followKeys(ctx); err != nil {
		b.log.WarnContext(ctx, "the key of second factors could not be sealed again; the next round tries again", "error", err)
	}
}

// freshKeys has the signing keys be as their place has them: they may have changed while the
// function stood still.
func (b *booth) freshKeys(ctx context.Context) {
	if b.keys != nil {
		b.keys.Fresh(ctx, wallClock())
	}
}

func (b *booth) function() *lambda.Function {
	base, _ := url.Parse(b.settings.url) // settings has checked it
	rules := b.backend.rules
	calls := httpapi.WholeSessionIDs(b.backend.handler)
	return lambda.NewFunction(lambda.FunctionOptions{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b.freshKeys(r.Context())
			calls.ServeHTTP(w, r)
		}),
		BasePath: base.Path, Forwarded: len(b.settings.proxies.Networks) > 0 || b.settings.proxies.Hops > 0,
		After: b.catchUp,
		Event: gamelift.Dispatcher(rules.ApplyEvent, rules.ApplyPlacement), Topics: b.settings.topics,
		Tick: b.tick, Log: b.log,
	})
}

// tick is one round of all that a replica does again and again. When it runs out of time the
// next one goes on with it, which is no failure.
func (b *booth) tick(ctx context.Context) error {
	b.freshKeys(ctx) // second factors are sealed by them
	failed := make([]error, len(b.backend.rounds))
	var wg sync.WaitGroup
	if len(b.settings.topics) > 0 { // else events come by EventBridge, which nobody can look up
		wg.Go(func() { b.lookedAround.Do(func() { b.lookAround(ctx) }) }) // it may take as long as GameLift
	}
	for i, round := range b.backend.rounds {
		wg.Go(func() { failed[i] = round(ctx) })
	}
	wg.Wait()
	err := errors.Join(failed...)
	if err != nil && ctx.Err() != nil {
		b.log.WarnContext(ctx, "a round ran out of time", "error", err)
		return nil //nolint:nilerr // what is left is done by the next round
	}
	return err
}

// catchUpEvery is how often a function does what only it can do, while it serves.
const catchUpEvery = 5 * time.Second

// catchUp is what an instance of a function does for itself: it counts the boards that it was
// asked about, and learns whether mails are taken. Of several calls one does it.
func (b *booth) catchUp(ctx context.Context) {
	now := wallClock()
	b.mu.Lock()
	since := now.Sub(b.caughtUp)
	if b.catchesUp || since >= 0 && since < catchUpEvery {
		b.mu.Unlock()
		return
	}
	b.catchesUp, b.caughtUp = true, now
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.catchesUp = false
	}()
	err := b.backend.rules.CountBoards(ctx)
	if b.backend.outbox != nil {
		err = errors.Join(err, b.backend.outbox.Look(ctx))
	}
	if err != nil {
		b.log.WarnContext(ctx, "catch up", "error", err)
	}
}

// asFunction takes out of the interface what needs a process that stays, and lets those in
// whose signature API Gateway has checked.
func (p *backendParts) asFunction(o *httpapi.Options, rules *muster.Backend, limits muster.Limits, notifier *lateNotifier) error {
	notifier.Notifier, o.Realtime = nobodyListens{}, nil
	signers, err := p.identity.signers(rules, limits)
	if err != nil {
		return err
	}
	denied := p.identity.denials()
	o.Signed = func(ctx context.Context) (muster.Caller, bool, error) {
		signer, signed := lambda.SignerFrom(ctx)
		if !signed {
			return muster.Caller{}, false, nil
		}
		caller, err := signers.Caller(ctx, signer)
		if err == nil {
			err = denied.caller(caller)
		}
		if err != nil {
			p.log.InfoContext(ctx, "a signer was refused", "arn", signer.ARN, "identityPool", signer.IdentityPool, "error", err)
		}
		return caller, true, err
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// serveCmd is the backend alone: one replica of any number.
type serveCmd struct {
	Config string `help:"What can be played." required:"" env:"MUSTER_CONFIG" placeholder:"FILE"`
	URL    string `name:"url" help:"Where players and game servers reach the backend: the load balancer. Tokens name it as their issuer." required:"" env:"MUSTER_URL" placeholder:"URL"`
	HTTP   string `name:"http" help:"Where to listen (default ${default})." default:":8080" env:"MUSTER_HTTP" placeholder:"ADDR"`

	Internal  string `help:"Where to listen for other replicas, and for nobody else (default ${default})." default:":8081" env:"MUSTER_INTERNAL" placeholder:"ADDR"`
	Advertise string `help:"Where other replicas reach that; else at the first address of this machine." env:"MUSTER_ADVERTISE" placeholder:"URL"`

	Store       string `help:"Where everything is kept: sqlite:FILE for one replica, dynamodb:TABLE for many." required:"" env:"MUSTER_STORE" placeholder:"STORE"`
	CreateTable bool   `help:"Make the table or the file if it is not there."`
	awsFlags

	SNSTrust []string `name:"sns-trust" help:"A further place of SNS signing certificates, such as http://127.0.0.1:4570/sns/ of muster gamelift." env:"MUSTER_SNS_TRUST" placeholder:"URL"`

	callerFlags

	TrustedProxies []string `name:"trusted-proxy" help:"Network of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/16; may be given again." env:"MUSTER_TRUSTED_PROXIES" placeholder:"CIDR"`
	TrustedHops    int      `name:"trusted-hops" help:"How many proxies every call comes through, in place of where they are." env:"MUSTER_TRUSTED_HOPS" placeholder:"N"`

	Drain       time.Duration `help:"How long ending may take after SIGTERM (default ${default})." default:"25s" env:"MUSTER_DRAIN" placeholder:"D"`
	DrainNotice time.Duration `help:"How much of it to go on serving while /readyz says no, for load balancers to notice (default ${default})." default:"5s" env:"MUSTER_DRAIN_NOTICE" placeholder:"D"`
	JSON        bool          `name:"json" help:"Print JSON instead of text once it serves."`
}

// Help is the long description that --help shows.
func (*serveCmd) Help() string {
	return "Secrets come from the environment or from files: muster keys makes them. docs/serve.md says how replicas run behind a load balancer."
}

// Validate is called by the command line parser.
func (c *serveCmd) Validate() error {
	switch {
	case c.Drain < time.Second || c.Drain > time.Hour:
		return usageError{fmt.Sprintf("--drain is %v, not 1s to 1h", c.Drain)}
	case c.DrainNotice < 0 || c.DrainNotice > c.Drain/2:
		return usageError{fmt.Sprintf("--drain-notice is %v, which is not 0 to half of --drain, %v", c.DrainNotice, c.Drain)}
	}
	return c.checkProxies()
}

func (c *serveCmd) checkProxies() error {
	switch {
	case c.TrustedHops < 0 || c.TrustedHops > 16:
		return usageError{fmt.Sprintf("--trusted-hops is %d, not 0 to 16", c.TrustedHops)}
	case c.TrustedHops > 0 && len(c.TrustedProxies) > 0:
		return usageError{"--trusted-proxy says where proxies are and --trusted-hops how many: give one of them"}
	}
	return nil
}

// Run serves until the context ends, and then drains.
func (c *serveCmd) Run(ctx context.Context, p *process) error {
	settings, err := c.settings(p.getenv)
	if err != nil {
		return err
	}
	s := newStack()
	office, err := openOffice(ctx, settings, p.log, s)
	if err != nil {
		return firstProblem(err, s.end(), p.log)
	}
	c.announce(p, office)
	select {
	case <-ctx.Done():
	case err := <-s.failed:
		return firstProblem(err, s.end(), p.log)
	}
	return byDeadline(c.Drain, func(ctx context.Context) error { return office.drain(ctx, c.DrainNotice) })
}

func (c *serveCmd) announce(p *process, o *office) {
	if c.JSON {
		printJSON(p.stdout, map[string]string{"http": o.address(), "url": o.settings.url})
		return
	}
	fmt.Fprintf(p.stdout, "Muster serves %s on %s.\n", o.settings.url, o.address())
}

// byDeadline runs work with a deadline, and leaves it behind when it does not keep that: the
// process ends then.
func byDeadline(limit time.Duration, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// What was about to end when time ran out has a moment to say so.
	last := time.NewTimer(limit / 20)
	defer last.Stop()
	select {
	case err := <-done:
		return err
	case <-last.C:
		return errors.New("ending took longer than --drain allows")
	}
}

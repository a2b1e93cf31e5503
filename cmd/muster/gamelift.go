package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"muster/aws/gamelift"
	"muster/gameliftlocal"
	"muster/gameliftlocal/launcher"
	"muster/gameliftlocal/wire"
)

type gameliftCmd struct {
	Addr      string            `help:"Where to listen (default ${default}); port 0 picks a free one." default:"127.0.0.1:4570" env:"MUSTER_GAMELIFT" placeholder:"ADDR"`
	Data      string            `help:"Folder for resources and credentials (default ${default})." default:".muster-gamelift" placeholder:"DIR"`
	Region    string            `help:"The region it plays (default ${default})." default:"us-west-2"`
	Subscribe map[string]string `help:"Deliver a topic's events to an HTTP endpoint, as SNS does." placeholder:"TOPIC_ARN=URL"`
	JSON      bool              `name:"json" help:"Print JSON instead of text."`

	// For the game servers of "-- COMMAND".
	Fleet    string `help:"The Anywhere fleet of the game servers (default ${default})." default:"muster" placeholder:"NAME"`
	Location string `help:"Its custom location (default ${default})." default:"custom-local" placeholder:"NAME"`
	Spare    int    `help:"Idle game servers to keep ready (default ${default})." default:"4" placeholder:"N"`
	Max      int    `help:"Game servers altogether (default ${default})." default:"32" placeholder:"N"`
}

// Help is the long description that --help shows.
func (*gameliftCmd) Help() string {
	return "With game servers: muster gamelift -- COMMAND ARGUMENTS, with {port} where the port goes. They run for an Anywhere fleet that is made for them, in this command's environment and the Server SDK's."
}

// Validate is called by the command line parser.
func (c *gameliftCmd) Validate() error {
	switch {
	case !locationName.MatchString(c.Location):
		return usageError{fmt.Sprintf("--location %q is not a custom location; write custom- and letters, digits or hyphens", c.Location)}
	case c.Spare < 1 || c.Max < c.Spare || c.Max > 500:
		return usageError{fmt.Sprintf("--spare %d and --max %d are not 1 or more, and up to 500", c.Spare, c.Max)}
	}
	return nil
}

// Run serves the local GameLift alone until the context ends.
func (c *gameliftCmd) Run(ctx context.Context, p *process) (err error) {
	if err := checkCommand(p.command); err != nil {
		return err
	}
	listener, err := listenLoopback(ctx, "--addr", c.Addr)
	if err != nil {
		return err
	}
	s := newStack()
	defer func() { err = firstProblem(err, s.end(), p.log) }()
	s.onEnd("listener", func() error { return ignoreClosed(listener.Close()) })
	if err := makeDataFolder(c.Data); err != nil {
		return err
	}
	lock, err := lockFolder(c.Data)
	if err != nil {
		return err
	}
	s.onEnd("lock", lock.Close)
	key, err := openCredentials(c.Data)
	if err != nil {
		return err
	}
	subscriptions := make(map[string][]string, len(c.Subscribe))
	for topic, url := range c.Subscribe {
		subscriptions[topic] = []string{url}
	}
	base := "http://" + listener.Addr().String()
	var servers lateLauncher
	local, err := gameliftlocal.Open(ctx, gameliftlocal.Options{
		Data: c.Data, Region: c.Region, Account: account, BaseURL: base, Subscriptions: subscriptions, Log: p.log,
		Credentials: key.find, ProcessChanged: servers.wake,
	})
	if err != nil {
		return err
	}
	s.run("local GameLift", local.Run)
	s.run("http", func(ctx context.Context) error { return serve(ctx, listener, local.Handler(), nil) })
	if len(p.command) > 0 {
		l, err := c.startGameServers(ctx, local, base, key, p.command, s)
		if err != nil {
			return refusedSetUp("the local GameLift in "+c.Data, err, p.log)
		}
		servers.Store(l)
	}
	file := filepath.Join(c.Data, credentialsFile)
	if c.JSON {
		printJSON(p.stdout, map[string]string{"gamelift": base, "region": c.Region, "credentials": file})
	} else {
		fmt.Fprintf(p.stdout, "The local GameLift is at %s, region %s.\n\n  AWS_SHARED_CREDENTIALS_FILE=%s aws gamelift list-fleets --endpoint-url %s --region %s\n\nCtrl-C ends it.\n",
			base, c.Region, file, base, c.Region)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// lateLauncher is a launcher that the local GameLift wakes, and that is made after it.
type lateLauncher struct {
	atomic.Pointer[launcher.Launcher]
}

func (l *lateLauncher) wake() {
	if l := l.Load(); l != nil {
		l.Wake()
	}
}

// startGameServers keeps game servers running for a fleet that is made if it is not
// there.
func (c *gameliftCmd) startGameServers(ctx context.Context, local *gameliftlocal.Service, base string, key credentials, command []string, s *stack) (*launcher.Launcher, error) {
	client, err := gamelift.New(gamelift.Options{Endpoint: base, Region: c.Region, AccessKeyID: key.id, SecretAccessKey: key.secret})
	if err != nil {
		return nil, err
	}
	g := gameServers{location: c.Location, spare: c.Spare, max: c.Max, logs: filepath.Join(c.Data, "logs"), command: command, env: os.Environ()}
	if g.fleetID, _, err = client.AnywhereFleet(ctx, c.Fleet, c.Location); err != nil {
		return nil, err
	}
	return g.start(ctx, local, client, s)
}

// credentialsFile is the AWS credentials file of a data folder.
const credentialsFile = "aws-credentials"

// credentials are the access key that a local GameLift knows.
type credentials struct{ id, secret string }

// openCredentials reads the access key of a data folder, or makes one, as an AWS
// credentials file that any AWS client can use.
func openCredentials(dir string) (credentials, error) {
	text, err := secretFile(dir, credentialsFile, func() (string, error) {
		return fmt.Sprintf("[default]\naws_access_key_id = AKID%s\naws_secret_access_key = %s\n", rand.Text()[:16], rand.Text()+rand.Text()), nil
	})
	if err != nil {
		return credentials{}, err
	}
	c, err := parseCredentials(text)
	if err != nil {
		return credentials{}, fmt.Errorf("%s: %w; remove it and a new one is made", filepath.Join(dir, credentialsFile), err)
	}
	return c, nil
}

// parseCredentials reads the one profile of an AWS credentials file that we made.
func parseCredentials(text string) (credentials, error) {
	found := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, "="); ok {
			found[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	c := credentials{found["aws_access_key_id"], found["aws_secret_access_key"]}
	if c.id == "" || c.secret == "" {
		return credentials{}, errors.New("aws_access_key_id or aws_secret_access_key is missing")
	}
	return c, nil
}

func (c credentials) find(accessKeyID string) (wire.Credentials, bool) {
	return wire.Credentials{Secret: c.secret}, accessKeyID == c.id
}

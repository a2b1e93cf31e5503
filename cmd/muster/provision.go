package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"muster"
	"muster/aws/gamelift"
)

// provisionCmd makes in GameLift what a configuration speaks of.
type provisionCmd struct {
	Config           string `help:"What can be played." required:"" env:"MUSTER_CONFIG" placeholder:"FILE"`
	Topic            string `help:"The SNS topic that events go to; without one, topics stay as they are." env:"MUSTER_SNS_TOPICS" placeholder:"ARN"`
	QueueARN         string `name:"queue-arn" help:"The queue that places sessions; without one, an Anywhere fleet and a queue over it are made." placeholder:"ARN"`
	Fleet            string `help:"The name of that fleet (default ${default})." default:"muster" placeholder:"NAME"`
	Queue            string `help:"The name of that queue (default ${default})." default:"muster" placeholder:"NAME"`
	Region           string `help:"The region of GameLift; else as the AWS SDK finds it." env:"AWS_REGION" placeholder:"REGION"`
	GameliftEndpoint string `help:"Another GameLift than Amazon's, such as muster gamelift." env:"MUSTER_GAMELIFT_ENDPOINT" placeholder:"URL"`
	JSON             bool   `name:"json" help:"Print JSON instead of text."`
}

// Help is the long description that --help shows.
func (*provisionCmd) Help() string {
	return "Makes or changes rule sets and matchmaking configurations so that they are as the file says, and removes rule sets that they leave behind. A second run changes nothing."
}

// Validate is called by the command line parser. muster serve takes several topics from the
// same variable; a matchmaking configuration has one.
func (c *provisionCmd) Validate() error {
	if strings.Contains(c.Topic, ",") {
		return usageError{fmt.Sprintf("--topic, or MUSTER_SNS_TOPICS, names %d topics: name the one that events go to with --topic", strings.Count(c.Topic, ",")+1)}
	}
	return nil
}

// Run provisions once.
func (c *provisionCmd) Run(ctx context.Context, p *process) error {
	conf, err := loadConfigFor(true, c.Config)
	if err != nil {
		return err
	}
	if c.QueueARN == "" && (len(conf.Locations) != 1 || !locationName.MatchString(conf.Locations[0])) {
		return errors.New("an Anywhere fleet has one custom location: name the queue over your own fleets with --queue-arn, or one custom location in the configuration")
	}
	if c.Topic != "" && !isTopicARN(c.Topic) {
		return fmt.Errorf("--topic %q is not the ARN of a topic, such as arn:aws:sns:us-east-1:123456789012:matchmaking", c.Topic)
	}
	endpoint := "" // Amazon's
	if c.GameliftEndpoint != "" {
		if endpoint, err = baseURL("--gamelift-endpoint", c.GameliftEndpoint); err != nil {
			return err
		}
	}
	client, err := gamelift.New(gamelift.Options{Endpoint: endpoint, Region: c.Region, Log: p.log})
	if err != nil {
		return err
	}
	steps := []gamelift.Step{}
	plan := gamelift.Plan{QueueARN: c.QueueARN, FleetName: c.Fleet, QueueName: c.Queue, Location: conf.Locations[0], NotificationTarget: c.Topic, Matchmakers: conf.matchmakers(), SessionQueues: conf.sessionQueues(), Told: func(s gamelift.Step) { steps = append(steps, s) }}
	made, err := client.Provision(ctx, plan)
	if !c.JSON {
		for _, s := range steps { // also of what was done before a refusal
			fmt.Fprintf(p.stdout, "%-10s %s %s\n", s.Outcome, s.Resource, s.Name)
		}
	}
	if err != nil {
		return refusedSetUp("GameLift", err, p.log)
	}
	if c.JSON {
		printJSON(p.stdout, provisionReport{made.FleetID, made.QueueARN, steps})
		return nil
	}
	if c.QueueARN != "" && len(plan.SessionQueues) > 0 {
		fmt.Fprintf(p.stdout, "%-10s queue %s: make it over your fleets, with its events to the topic\n", "left alone", strings.Join(plan.SessionQueues, ", "))
	}
	_, err = fmt.Fprintf(p.stdout, "%d matchmaking configurations are as %s says; sessions are placed by %s.\n", len(plan.Matchmakers), c.Config, made.QueueARN)
	return err
}

// provisionReport is what --json prints.
type provisionReport struct {
	FleetID  string          `json:"fleetId"`
	QueueARN string          `json:"queueArn"`
	Steps    []gamelift.Step `json:"steps"`
}

// isTopicARN says whether text looks like the ARN of an SNS topic.
func isTopicARN(text string) bool {
	parts := strings.Split(text, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "sns" && parts[5] != ""
}

// matchmakers are the matchmaking configurations of the modes.
func (c *config) matchmakers() []gamelift.Matchmaker {
	all := make([]gamelift.Matchmaker, 0, len(c.Modes))
	for i := range c.Modes {
		m := &c.Modes[i]
		if m.kind() == muster.Queue {
			continue
		}
		all = append(all, gamelift.Matchmaker{
			Configuration: m.Configuration, RuleSetBody: string(m.ruleSetBody),
			RequestTimeoutSeconds: *m.RequestTimeoutSeconds, AcceptanceTimeoutSeconds: m.AcceptanceTimeoutSeconds,
			Standalone: m.kind() == muster.Standalone,
		})
	}
	return all
}

// refusedSetUp tells in one sentence what a GameLift refused: its answer without the
// SDK's account of the request, which goes to the log. Nil stays nil.
func refusedSetUp(who string, err error, log *slog.Logger) error {
	var known *muster.Error
	if !errors.As(err, &known) {
		return err
	}
	log.Info("set up GameLift", "error", err)
	said := known.Message
	var answer interface{ ErrorMessage() string } // of the SDK, which only aws/gamelift imports
	if errors.As(known.Err, &answer) && answer.ErrorMessage() != "" {
		said = answer.ErrorMessage()
	}
	doing := strings.TrimSuffix(err.Error(), known.Error())
	return fmt.Errorf("%s cannot be set up: %s%s", who, doing, strings.Join(strings.Fields(said), " "))
}

package gamelift

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster"
)

// queueTimeoutSeconds is how long a match may wait for a game server. Amazon takes 10
// to 600.
const queueTimeoutSeconds = 120

// anywhereCost is the COST of an Anywhere fleet to a queue; with one fleet it decides
// nothing, but GameLift wants one.
const anywhereCost = "1"

// Plan is what must exist before anybody can be matched: one Anywhere fleet at one
// custom location, a queue over it, and a matchmaker per configuration.
type Plan struct {
	// QueueARN is a queue that is there already: then no location, fleet or queue is made,
	// and SessionQueues are for whoever made it to make.
	QueueARN string

	Location  string // "custom-" and up to 57 characters
	FleetName string
	QueueName string
	// NotificationTarget is the ARN of the SNS topic for events; empty leaves the topics
	// that there are, and gives none to what is made.
	NotificationTarget string
	Matchmakers        []Matchmaker
	// SessionQueues are further queues over the same fleet, whose placements are told to
	// the topic: the backend asks them for sessions itself.
	SessionQueues []string
	// Told hears, in order, what became of each resource. Nil: nobody does.
	Told func(Step)
}

// Step is what became of one resource of a plan.
type Step struct {
	Resource string  `json:"resource"` // "location", "fleet", "queue" or "matchmaking configuration"
	Name     string  `json:"name"`
	Outcome  Outcome `json:"outcome"`
}

// Outcome is what Provision did with a resource.
type Outcome string

// What can become of a resource.
const (
	Made      Outcome = "made"
	Changed   Outcome = "changed"
	Unchanged Outcome = "unchanged"
)

// tell says what became of a resource.
func (p Plan) tell(resource, name string, o Outcome) {
	if p.Told != nil {
		p.Told(Step{resource, name, o})
	}
}

// Matchmaker is one matchmaking configuration with its rule set.
type Matchmaker struct {
	Configuration            string // its name, up to 111 characters
	RuleSetBody              string // JSON
	RequestTimeoutSeconds    int
	AcceptanceTimeoutSeconds int               // 0: no acceptance
	Standalone               bool              // matches without a session: the backend places them
	GameProperties           map[string]string // given to the session; up to 16
	GameSessionData          string            // given to the session; empty: none
}

// Provisioned is what a Plan came to.
type Provisioned struct {
	FleetID, FleetARN, QueueARN string
}

// Provision makes what the plan names where it is missing, and changes what differs. A
// second call with the same plan changes nothing. It assumes that nobody else changes
// the same names at the same time.
//
// A rule set cannot be changed, so its name ends in a hash of its content; the one that
// a configuration leaves behind is deleted if it bears such a name and nothing uses it.
func (c *Client) Provision(ctx context.Context, plan Plan) (Provisioned, error) {
	made := Provisioned{QueueARN: plan.QueueARN}
	if plan.QueueARN == "" {
		var err error
		if made.FleetID, made.FleetARN, err = c.anywhereFleet(ctx, plan); err != nil {
			return Provisioned{}, err
		}
		var o Outcome
		if made.QueueARN, o, err = c.ensureQueue(ctx, plan.QueueName, made.FleetARN, ""); err != nil {
			return Provisioned{}, fmt.Errorf("provision queue %s: %w", plan.QueueName, err)
		}
		plan.tell("queue", plan.QueueName, o)
		for _, name := range plan.SessionQueues {
			_, o, err := c.ensureQueue(ctx, name, made.FleetARN, plan.NotificationTarget)
			if err != nil {
				return Provisioned{}, fmt.Errorf("provision queue %s: %w", name, err)
			}
			plan.tell("queue", name, o)
		}
	}
	for _, m := range plan.Matchmakers {
		o, err := c.ensureMatchmaker(ctx, m, made.QueueARN, plan.NotificationTarget)
		if err != nil {
			return Provisioned{}, fmt.Errorf("provision matchmaking configuration %s: %w", m.Configuration, err)
		}
		plan.tell("matchmaking configuration", m.Configuration, o)
	}
	return made, nil
}

// AnywhereFleet finds the Anywhere fleet of a name at a custom location, or makes both.
func (c *Client) AnywhereFleet(ctx context.Context, name, location string) (id, arn string, err error) {
	return c.anywhereFleet(ctx, Plan{FleetName: name, Location: location})
}

func (c *Client) anywhereFleet(ctx context.Context, plan Plan) (id, arn string, err error) {
	o, err := c.ensureLocation(ctx, plan.Location)
	if err != nil {
		return "", "", fmt.Errorf("provision location %s: %w", plan.Location, err)
	}
	plan.tell("location", plan.Location, o)
	fleet, o, err := c.ensureFleet(ctx, plan.FleetName, plan.Location)
	if err != nil {
		return "", "", fmt.Errorf("provision fleet %s: %w", plan.FleetName, err)
	}
	plan.tell("fleet", plan.FleetName, o)
	return aws.ToString(fleet.FleetId), aws.ToString(fleet.FleetArn), nil
}

// absent says that a describe operation knows nothing of the name. Some answer so with
// an error, some with an empty list.
func absent(err error) bool { return err != nil && muster.KindOf(err) == muster.NotFound }

func (c *Client) ensureLocation(ctx context.Context, name string) (Outcome, error) {
	pages := sdk.NewListLocationsPaginator(c.api, &sdk.ListLocationsInput{Filters: []types.LocationFilter{types.LocationFilterCustom}})
	for pages.HasMorePages() {
		page, err := call(ctx, c, nextPage(pages.NextPage), new(struct{}))
		if err != nil {
			return "", err
		}
		for _, l := range page.Locations {
			if aws.ToString(l.LocationName) == name {
				return Unchanged, nil
			}
		}
	}
	_, err := call(ctx, c, c.api.CreateLocation, &sdk.CreateLocationInput{LocationName: &name}, whenThrottled)
	if muster.KindOf(err) == muster.Conflict {
		return Unchanged, nil // made meanwhile
	}
	return Made, err
}

// nextPage gives a paginator the shape of an operation.
func nextPage[Out any](next func(context.Context, ...func(*sdk.Options)) (*Out, error)) func(context.Context, *struct{}, ...func(*sdk.Options)) (*Out, error) {
	return func(ctx context.Context, _ *struct{}, opts ...func(*sdk.Options)) (*Out, error) {
		return next(ctx, opts...)
	}
}

// ensureFleet finds the active Anywhere fleet of that name at the location, or makes
// one. Names of fleets are not unique, and an Anywhere fleet's locations are fixed, so a
// fleet elsewhere is passed over.
func (c *Client) ensureFleet(ctx context.Context, name, location string) (types.FleetAttributes, Outcome, error) {
	pages := sdk.NewDescribeFleetAttributesPaginator(c.api, &sdk.DescribeFleetAttributesInput{})
	for pages.HasMorePages() {
		page, err := call(ctx, c, nextPage(pages.NextPage), new(struct{}))
		if err != nil {
			return types.FleetAttributes{}, "", err
		}
		for _, f := range page.FleetAttributes {
			if aws.ToString(f.Name) != name || f.ComputeType != types.ComputeTypeAnywhere || f.Status != types.FleetStatusActive {
				continue
			}
			here, err := c.fleetAt(ctx, f.FleetId, location)
			if err != nil || here {
				return f, Unchanged, err
			}
		}
	}
	out, err := call(ctx, c, c.api.CreateFleet, &sdk.CreateFleetInput{
		Name: &name, ComputeType: types.ComputeTypeAnywhere,
		Locations:             []types.LocationConfiguration{{Location: &location}},
		AnywhereConfiguration: &types.AnywhereConfiguration{Cost: aws.String(anywhereCost)},
	}, whenThrottled)
	if err != nil {
		return types.FleetAttributes{}, "", err
	}
	if out.FleetAttributes == nil {
		return types.FleetAttributes{}, "", errIncomplete("CreateFleet")
	}
	return *out.FleetAttributes, Made, nil
}

func (c *Client) fleetAt(ctx context.Context, fleetID *string, location string) (bool, error) {
	out, err := call(ctx, c, c.api.DescribeFleetLocationAttributes, &sdk.DescribeFleetLocationAttributesInput{
		FleetId: fleetID, Locations: []string{location},
	})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return len(out.LocationAttributes) > 0, nil
}

// ensureQueue makes a queue whose one destination is the fleet. topicARN is told of its
// placements; empty leaves that as it is.
func (c *Client) ensureQueue(ctx context.Context, name, fleetARN, topicARN string) (arn string, _ Outcome, err error) {
	destinations := []types.GameSessionQueueDestination{{DestinationArn: &fleetARN}}
	timeout := aws.Int32(queueTimeoutSeconds)
	var topic *string
	if topicARN != "" {
		topic = &topicARN
	}
	known, err := call(ctx, c, c.api.DescribeGameSessionQueues, &sdk.DescribeGameSessionQueuesInput{Names: []string{name}})
	if err != nil && !absent(err) {
		return "", "", err
	}
	if absent(err) || len(known.GameSessionQueues) == 0 {
		out, err := call(ctx, c, c.api.CreateGameSessionQueue, &sdk.CreateGameSessionQueueInput{
			Name: &name, Destinations: destinations, TimeoutInSeconds: timeout, NotificationTarget: topic,
		}, whenThrottled)
		if err != nil {
			return "", "", err
		}
		if out.GameSessionQueue == nil {
			return "", "", errIncomplete("CreateGameSessionQueue")
		}
		return aws.ToString(out.GameSessionQueue.GameSessionQueueArn), Made, nil
	}
	queue := known.GameSessionQueues[0]
	same := len(queue.Destinations) == 1 && aws.ToString(queue.Destinations[0].DestinationArn) == fleetARN &&
		aws.ToInt32(queue.TimeoutInSeconds) == queueTimeoutSeconds && (topic == nil || aws.ToString(queue.NotificationTarget) == topicARN)
	if same {
		return aws.ToString(queue.GameSessionQueueArn), Unchanged, nil
	}
	_, err = call(ctx, c, c.api.UpdateGameSessionQueue, &sdk.UpdateGameSessionQueueInput{
		Name: &name, Destinations: destinations, TimeoutInSeconds: timeout, NotificationTarget: topic,
	}, whenThrottled)
	return aws.ToString(queue.GameSessionQueueArn), Changed, err
}

// ruleSetName names a rule set after its configuration and content.
func ruleSetName(configuration, body string) string {
	sum := sha256.Sum256([]byte(body))
	return configuration + "-" + hex.EncodeToString(sum[:ruleSetHashBytes])
}

const ruleSetHashBytes = 8

// ownRuleSet says that a rule set bears a name that ruleSetName gives.
func ownRuleSet(configuration, name string) bool {
	hash, ok := strings.CutPrefix(name, configuration+"-")
	raw, err := hex.DecodeString(hash)
	return ok && err == nil && len(raw) == ruleSetHashBytes
}

func (c *Client) ensureMatchmaker(ctx context.Context, m Matchmaker, queueARN, topicARN string) (Outcome, error) {
	want := m.create(queueARN, topicARN)
	if err := c.ensureRuleSet(ctx, *want.RuleSetName, m.RuleSetBody); err != nil {
		return "", fmt.Errorf("rule set %s: %w", *want.RuleSetName, err)
	}
	known, err := call(ctx, c, c.api.DescribeMatchmakingConfigurations, &sdk.DescribeMatchmakingConfigurationsInput{Names: []string{m.Configuration}})
	if err != nil && !absent(err) {
		return "", err
	}
	if absent(err) || len(known.Configurations) == 0 {
		_, err := call(ctx, c, c.api.CreateMatchmakingConfiguration, want, whenThrottled)
		return Made, err
	}
	have := known.Configurations[0]
	if topicARN == "" {
		want.NotificationTarget = have.NotificationTarget
	}
	if sameConfiguration(have, want) {
		return Unchanged, nil
	}
	if err := c.replaceConfiguration(ctx, have, want); err != nil {
		return "", err
	}
	return Changed, c.dropRuleSet(ctx, m.Configuration, aws.ToString(have.RuleSetName), *want.RuleSetName)
}

func (c *Client) ensureRuleSet(ctx context.Context, name, body string) error {
	known, err := call(ctx, c, c.api.DescribeMatchmakingRuleSets, &sdk.DescribeMatchmakingRuleSetsInput{Names: []string{name}})
	if err != nil && !absent(err) {
		return err
	}
	if err == nil && len(known.RuleSets) > 0 {
		return nil // the same name is the same content
	}
	_, err = call(ctx, c, c.api.CreateMatchmakingRuleSet, &sdk.CreateMatchmakingRuleSetInput{Name: &name, RuleSetBody: &body}, whenThrottled)
	return err
}

// replaceConfiguration brings a configuration to what is wanted. An update cannot take
// away queues, or the properties or data of a session, so then it is made anew.
func (c *Client) replaceConfiguration(ctx context.Context, have types.MatchmakingConfiguration, want *sdk.CreateMatchmakingConfigurationInput) error {
	takesAway := have.FlexMatchMode != want.FlexMatchMode || len(have.GameProperties) > 0 && len(want.GameProperties) == 0 ||
		aws.ToString(have.GameSessionData) != "" && want.GameSessionData == nil
	if takesAway {
		_, err := call(ctx, c, c.api.DeleteMatchmakingConfiguration, &sdk.DeleteMatchmakingConfigurationInput{Name: want.Name}, whenThrottled)
		if err != nil && !absent(err) {
			return err
		}
		_, err = call(ctx, c, c.api.CreateMatchmakingConfiguration, want, whenThrottled)
		return err
	}
	_, err := call(ctx, c, c.api.UpdateMatchmakingConfiguration, &sdk.UpdateMatchmakingConfigurationInput{
		Name: want.Name, RuleSetName: want.RuleSetName, GameSessionQueueArns: want.GameSessionQueueArns,
		RequestTimeoutSeconds: want.RequestTimeoutSeconds, AcceptanceRequired: want.AcceptanceRequired,
		AcceptanceTimeoutSeconds: want.AcceptanceTimeoutSeconds, NotificationTarget: want.NotificationTarget,
		GameProperties: want.GameProperties, GameSessionData: want.GameSessionData,
		BackfillMode: want.BackfillMode, FlexMatchMode: want.FlexMatchMode,
	}, whenThrottled)
	return err
}

// dropRuleSet deletes the rule set that a configuration left behind. One that something
// else uses stays.
func (c *Client) dropRuleSet(ctx context.Context, configuration, left, now string) error {
	if left == now || !ownRuleSet(configuration, left) {
		return nil
	}
	_, err := call(ctx, c, c.api.DeleteMatchmakingRuleSet, &sdk.DeleteMatchmakingRuleSetInput{Name: &left}, whenThrottled)
	if absent(err) || err != nil && muster.KindOf(err) == muster.Invalid {
		return nil
	}
	return err
}

// create is the plan as GameLift takes it.
func (m Matchmaker) create(queueARN, topicARN string) *sdk.CreateMatchmakingConfigurationInput {
	in := &sdk.CreateMatchmakingConfigurationInput{
		Name: aws.String(m.Configuration), RuleSetName: aws.String(ruleSetName(m.Configuration, m.RuleSetBody)),
		GameSessionQueueArns:  []string{queueARN},
		RequestTimeoutSeconds: aws.Int32(int32(m.RequestTimeoutSeconds)),
		AcceptanceRequired:    aws.Bool(m.AcceptanceTimeoutSeconds > 0),
		FlexMatchMode:         types.FlexMatchModeWithQueue,
		BackfillMode:          types.BackfillModeManual,
	}
	if m.Standalone {
		in.FlexMatchMode, in.GameSessionQueueArns = types.FlexMatchModeStandalone, nil
	}
	if m.AcceptanceTimeoutSeconds > 0 {
		in.AcceptanceTimeoutSeconds = aws.Int32(int32(m.AcceptanceTimeoutSeconds))
	}
	if topicARN != "" {
		in.NotificationTarget = &topicARN
	}
	if m.GameSessionData != "" {
		in.GameSessionData = &m.GameSessionData
	}
	for key, value := range m.GameProperties {
		in.GameProperties = append(in.GameProperties, types.GameProperty{Key: &key, Value: &value})
	}
	slices.SortFunc(in.GameProperties, func(a, b types.GameProperty) int { return strings.Compare(*a.Key, *b.Key) })
	return in
}

// sameConfiguration says that nothing needs to change. The acceptance timeout counts
// only where acceptance is asked for.
func sameConfiguration(have types.MatchmakingConfiguration, want *sdk.CreateMatchmakingConfigurationInput) bool {
	accept := aws.ToBool(want.AcceptanceRequired)
	return aws.ToString(have.RuleSetName) == *want.RuleSetName &&
		slices.Equal(have.GameSessionQueueArns, want.GameSessionQueueArns) &&
		aws.ToInt32(have.RequestTimeoutSeconds) == *want.RequestTimeoutSeconds &&
		aws.ToBool(have.AcceptanceRequired) == accept &&
		(!accept || aws.ToInt32(have.AcceptanceTimeoutSeconds) == *want.AcceptanceTimeoutSeconds) &&
		aws.ToString(have.NotificationTarget) == aws.ToString(want.NotificationTarget) &&
		aws.ToString(have.GameSessionData) == aws.ToString(want.GameSessionData) &&
		have.FlexMatchMode == want.FlexMatchMode && have.BackfillMode == want.BackfillMode &&
		sameProperties(have.GameProperties, want.GameProperties)
}

// sameProperties compares by key; the service may answer in any order.
func sameProperties(a, b []types.GameProperty) bool {
	values := make(map[string]string, len(a))
	for _, p := range a {
		values[aws.ToString(p.Key)] = aws.ToString(p.Value)
	}
	for _, p := range b {
		if value, ok := values[aws.ToString(p.Key)]; !ok || value != aws.ToString(p.Value) {
			return false
		}
	}
	return len(a) == len(b)
}

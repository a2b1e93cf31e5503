package gamelift

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"muster"
)

// cloud is a fake of the resources that a plan names. It keeps what was made as it was
// asked for, which is also how it describes it.
type cloud struct {
	*fake

	mu        sync.Mutex
	locations []string
	fleets    []members
	kept      map[string]map[string]members // by kind and name
	writes    []string                      // operations that changed something
}

func newCloud(t *testing.T) (*cloud, *Client) {
	t.Helper()
	f, c := newFake(t)
	w := &cloud{fake: f, kept: map[string]map[string]members{"queue": {}, "ruleset": {}, "configuration": {}, "compute": {}}}
	w.serveLocations()
	w.serveFleets()
	w.serveNamed("GameSessionQueue", "queue", "GameSessionQueues", "GameSessionQueue", "GameSessionQueueArn", true)
	w.serveNamed("MatchmakingRuleSet", "ruleset", "RuleSets", "RuleSet", "RuleSetArn", true)
	w.serveNamed("MatchmakingConfiguration", "configuration", "Configurations", "Configuration", "ConfigurationArn", false)
	w.serveComputes()
	return w, c
}

// change answers an operation that changes something.
func (w *cloud) change(operation string, do func(in members) (members, *fault)) {
	w.on(operation, func(in members) (members, *fault) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.writes = append(w.writes, operation)
		return do(in)
	})
}

func (w *cloud) read(operation string, do func(in members) (members, *fault)) {
	w.on(operation, func(in members) (members, *fault) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return do(in)
	})
}

// changed returns the operations since the last call that changed something.
func (w *cloud) changed() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := strings.Join(w.writes, " ")
	w.writes = nil
	return list
}

func (w *cloud) serveLocations() {
	w.read("ListLocations", func(in members) (members, *fault) {
		// One a page, so that the end is reached only by whoever pages.
		at := 0
		if token, ok := in["NextToken"].(string); ok {
			at = len(token)
		}
		out := members{"Locations": []any{}}
		if at < len(w.locations) {
			out["Locations"] = []any{members{"LocationName": w.locations[at]}}
			out["NextToken"] = strings.Repeat("x", at+1)
		}
		return out, nil
	})
	w.change("CreateLocation", func(in members) (members, *fault) {
		name := in["LocationName"].(string)
		if slices.Contains(w.locations, name) {
			return nil, conflictFault
		}
		w.locations = append(w.locations, name)
		return members{"Location": members{"LocationName": name}}, nil
	})
}

func (w *cloud) serveFleets() {
	w.read("DescribeFleetAttributes", func(members) (members, *fault) {
		list := make([]any, 0, len(w.fleets))
		for _, f := range w.fleets {
			list = append(list, f)
		}
		return members{"FleetAttributes": list}, nil
	})
	w.read("DescribeFleetLocationAttributes", func(in members) (members, *fault) {
		for _, f := range w.fleets {
			if f["FleetId"] == in["FleetId"] && f["at"] == in["Locations"].([]any)[0] {
				return members{"LocationAttributes": []any{members{"LocationState": members{"Location": f["at"]}}}}, nil
			}
		}
		return nil, notFoundFault
	})
	w.change("CreateFleet", func(in members) (members, *fault) {
		id := fmt.Sprintf("fleet-%d", len(w.fleets)+1)
		f := members{
			"FleetId": id, "FleetArn": "arn:aws:gamelift:us-west-2:1:fleet/" + id, "Name": in["Name"],
			"ComputeType": in["ComputeType"], "Status": "ACTIVE", "at": in["Locations"].([]any)[0].(members)["Location"],
		}
		w.fleets = append(w.fleets, f)
		return members{"FleetAttributes": f}, nil
	})
}

// serveNamed answers the four operations of a kind of resource with unique names.
// Describing an unknown one is an error for some kinds and an empty list for others.
func (w *cloud) serveNamed(operation, kind, list, one, arn string, absentIsError bool) {
	made := w.kept[kind]
	w.read("Describe"+operation+"s", func(in members) (members, *fault) {
		found, ok := made[in["Names"].([]any)[0].(string)]
		if ok {
			return members{list: []any{found}}, nil
		}
		if absentIsError {
			return nil, notFoundFault
		}
		return members{list: []any{}}, nil
	})
	put := func(in members) (members, *fault) {
		name := in["Name"].(string)
		resource, ok := made[name]
		if !ok {
			resource = members{arn: "arn:aws:gamelift:us-west-2:1:" + kind + "/" + name}
			made[name] = resource
		}
		for member, value := range in {
			resource[member] = value
		}
		if kind == "ruleset" {
			resource["RuleSetName"] = name
		}
		return members{one: resource}, nil
	}
	w.change("Create"+operation, func(in members) (members, *fault) {
		if _, twice := made[in["Name"].(string)]; twice {
			return nil, invalidFault
		}
		return put(in)
	})
	w.change("Update"+operation, put)
	w.change("Delete"+operation, func(in members) (members, *fault) {
		name := in["Name"].(string)
		for _, c := range w.kept["configuration"] {
			if kind == "ruleset" && c["RuleSetName"] == name {
				return nil, invalidFault
			}
		}
		delete(made, name)
		return members{}, nil
	})
}

func (w *cloud) serveComputes() {
	made := w.kept["compute"]
	w.read("DescribeCompute", func(in members) (members, *fault) {
		found, ok := made[in["ComputeName"].(string)]
		if !ok {
			return nil, notFoundFault
		}
		return members{"Compute": found}, nil
	})
	w.change("RegisterCompute", func(in members) (members, *fault) {
		in["GameLiftServiceSdkEndpoint"] = "wss://us-west-2.api.amazongamelift.com"
		made[in["ComputeName"].(string)] = in
		return members{"Compute": in}, nil
	})
	w.change("DeregisterCompute", func(in members) (members, *fault) {
		delete(made, in["ComputeName"].(string))
		return members{}, nil
	})
	w.read("GetComputeAuthToken", func(in members) (members, *fault) {
		if _, ok := made[in["ComputeName"].(string)]; !ok {
			return nil, notFoundFault
		}
		return members{"AuthToken": "token-of-" + in["ComputeName"].(string)}, nil
	})
}

func examplePlan() Plan {
	return Plan{
		Location: "custom-home", FleetName: "muster", QueueName: "muster", NotificationTarget: topicARN,
		Matchmakers: []Matchmaker{
			{Configuration: "duel", RuleSetBody: `{"name":"duel"}`, RequestTimeoutSeconds: 60},
			{
				Configuration: "skirmish", RuleSetBody: `{"name":"skirmish"}`, RequestTimeoutSeconds: 90, AcceptanceTimeoutSeconds: 20,
				GameProperties: map[string]string{"map": "a", "mode": "b"}, GameSessionData: "data",
			},
		},
	}
}

func provision(t *testing.T, c *Client, plan Plan) Provisioned {
	t.Helper()
	made, err := c.Provision(context.Background(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestProvisionMakesWhatIsMissingOnce(t *testing.T) {
	w, c := newCloud(t)
	w.locations = []string{"custom-other"}
	made := provision(t, c, examplePlan())
	want := "CreateLocation CreateFleet CreateGameSessionQueue CreateMatchmakingRuleSet CreateMatchmakingConfiguration CreateMatchmakingRuleSet CreateMatchmakingConfiguration"
	if got := w.changed(); got != want {
		t.Errorf("changed %s\nwant    %s", got, want)
	}
	if made.FleetID != "fleet-1" || !strings.HasSuffix(made.FleetARN, "/fleet-1") || !strings.HasSuffix(made.QueueARN, "queue/muster") {
		t.Errorf("made %+v", made)
	}
	config := w.kept["configuration"]["skirmish"]
	wanted := members{
		"AcceptanceRequired": true, "AcceptanceTimeoutSeconds": uint64(20), "RequestTimeoutSeconds": uint64(90),
		"NotificationTarget": topicARN, "FlexMatchMode": "WITH_QUEUE", "BackfillMode": "MANUAL", "GameSessionData": "data",
	}
	for member, value := range wanted {
		if config[member] != value {
			t.Errorf("%s is %v, want %v", member, config[member], value)
		}
	}
	if _, set := w.kept["configuration"]["duel"]["AcceptanceTimeoutSeconds"]; set {
		t.Error("a configuration without acceptance has an acceptance timeout")
	}
	if again := provision(t, c, examplePlan()); again != made {
		t.Errorf("the second time it is %+v", again)
	}
	if got := w.changed(); got != "" {
		t.Errorf("the second time changed %s", got)
	}
}

func TestProvisionChangesWhatDiffers(t *testing.T) {
	const update = "UpdateMatchmakingConfiguration"
	cases := []struct {
		name   string
		change func(*Plan)
		want   string
	}{
		{"a rule", func(p *Plan) { p.Matchmakers[0].RuleSetBody = `{"name":"duel2"}` }, "CreateMatchmakingRuleSet " + update + " DeleteMatchmakingRuleSet"},
		{"a request timeout", func(p *Plan) { p.Matchmakers[0].RequestTimeoutSeconds = 61 }, update},
		{"acceptance, now asked for", func(p *Plan) { p.Matchmakers[0].AcceptanceTimeoutSeconds = 10 }, update},
		{"acceptance, no longer asked for", func(p *Plan) { p.Matchmakers[1].AcceptanceTimeoutSeconds = 0 }, update},
		{"a property's value", func(p *Plan) { p.Matchmakers[1].GameProperties["map"] = "c" }, update},
		{"a property's name", func(p *Plan) { p.Matchmakers[1].GameProperties = map[string]string{"map": "a", "other": "b"} }, update},
		{"another topic", func(p *Plan) { p.NotificationTarget = topicARN + "2" }, update + " " + update},
		{"properties taken away", func(p *Plan) { p.Matchmakers[1].GameProperties = nil }, "DeleteMatchmakingConfiguration CreateMatchmakingConfiguration"},
		{"session data taken away", func(p *Plan) { p.Matchmakers[1].GameSessionData = "" }, "DeleteMatchmakingConfiguration CreateMatchmakingConfiguration"},
		{"no topic named, which leaves the one that there is", func(p *Plan) { p.NotificationTarget = "" }, ""},
		{"another place", func(p *Plan) { p.Location = "custom-away" }, "CreateLocation CreateFleet UpdateGameSessionQueue"},
		{"another queue", func(p *Plan) { p.QueueName = "other" }, "CreateGameSessionQueue " + update + " " + update},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w, c := newCloud(t)
			provision(t, c, examplePlan())
			w.changed()
			plan := examplePlan()
			tc.change(&plan)
			provision(t, c, plan)
			if got := w.changed(); got != tc.want {
				t.Errorf("changed %q, want %q", got, tc.want)
			}
			provision(t, c, plan)
			if got := w.changed(); got != "" {
				t.Errorf("the next time changed %q", got)
			}
		})
	}
}

func TestProvisionTellsWhatItDid(t *testing.T) {
	_, c := newCloud(t)
	var told []string
	plan := examplePlan()
	plan.SessionQueues = []string{"lobby"}
	plan.Told = func(s Step) { told = append(told, fmt.Sprint(s.Resource, " ", s.Name, " ", s.Outcome)) }
	for _, run := range []struct {
		name   string
		change func()
		want   string
	}{
		{"the first time", func() {}, "location custom-home made, fleet muster made, queue muster made, queue lobby made, matchmaking configuration duel made, matchmaking configuration skirmish made"},
		{
			"after a change, and without a topic", func() { plan.Matchmakers[1].RequestTimeoutSeconds++; plan.NotificationTarget = "" },
			"location custom-home unchanged, fleet muster unchanged, queue muster unchanged, queue lobby unchanged, matchmaking configuration duel unchanged, matchmaking configuration skirmish changed",
		},
		{
			"with another topic", func() { plan.NotificationTarget = topicARN + "2" },
			"location custom-home unchanged, fleet muster unchanged, queue muster unchanged, queue lobby changed, matchmaking configuration duel changed, matchmaking configuration skirmish changed",
		},
	} {
		told = nil
		run.change()
		provision(t, c, plan)
		if got := strings.Join(told, ", "); got != run.want {
			t.Errorf("%s it told\n%s\nwant\n%s", run.name, got, run.want)
		}
		if state, err := c.Matchmaker(context.Background(), "skirmish"); err != nil || state.NotificationTarget == "" {
			t.Errorf("%s the topic is %+v, %v", run.name, state, err)
		}
	}
}

func TestProvisionPassesOverFleetsThatWillNotDo(t *testing.T) {
	cases := map[string]members{
		"a fleet that ends":          {"Name": "muster", "ComputeType": "ANYWHERE", "Status": "DELETING", "at": "custom-home"},
		"a fleet of Amazon's":        {"Name": "muster", "ComputeType": "EC2", "Status": "ACTIVE", "at": "custom-home"},
		"a fleet of another name":    {"Name": "other", "ComputeType": "ANYWHERE", "Status": "ACTIVE", "at": "custom-home"},
		"a fleet in another place":   {"Name": "muster", "ComputeType": "ANYWHERE", "Status": "ACTIVE", "at": "custom-away"},
		"a fleet without a location": {"Name": "muster", "ComputeType": "ANYWHERE", "Status": "ACTIVE"},
	}
	for name, other := range cases {
		t.Run(name, func(t *testing.T) {
			w, c := newCloud(t)
			other["FleetId"] = "fleet-other"
			w.fleets = []members{other}
			if made := provision(t, c, examplePlan()); made.FleetID != "fleet-2" {
				t.Errorf("took %s", made.FleetID)
			}
		})
	}
}

func TestARuleSetThatSomethingElseUsesStays(t *testing.T) {
	w, c := newCloud(t)
	provision(t, c, examplePlan())
	shared := ruleSetName("duel", `{"name":"duel"}`)
	w.kept["configuration"]["another"] = members{"Name": "another", "RuleSetName": shared}
	plan := examplePlan()
	plan.Matchmakers[0].RuleSetBody = `{"name":"duel2"}`
	provision(t, c, plan)
	if _, kept := w.kept["ruleset"][shared]; !kept {
		t.Error("a rule set in use was deleted")
	}
	w.changed()
	w.kept["configuration"]["duel"]["RuleSetName"] = "written-by-hand"
	provision(t, c, plan)
	if got := w.changed(); strings.Contains(got, "DeleteMatchmakingRuleSet") {
		t.Errorf("a rule set of somebody else was deleted: %s", got)
	}
}

func TestRuleSetNames(t *testing.T) {
	a, b := ruleSetName("duel", "a"), ruleSetName("duel", "b")
	if a == b || a != ruleSetName("duel", "a") || !strings.HasPrefix(a, "duel-") {
		t.Errorf("names are %s and %s", a, b)
	}
	for name, own := range map[string]bool{a: true, "duel-": false, "duel-rules": false, "other-" + a: false, a + "00": false, "duel": false} {
		if ownRuleSet("duel", name) != own {
			t.Errorf("%s: own is %t", name, !own)
		}
	}
}

func TestProvisionSaysWhatFailed(t *testing.T) {
	operations := map[string]string{
		"ListLocations": "location custom-home", "DescribeFleetAttributes": "fleet muster", "CreateFleet": "fleet muster",
		"DescribeGameSessionQueues": "queue muster", "CreateGameSessionQueue": "queue muster",
		"DescribeMatchmakingRuleSets": "rule set duel-", "CreateMatchmakingRuleSet": "rule set duel-",
		"DescribeMatchmakingConfigurations": "matchmaking configuration duel", "CreateMatchmakingConfiguration": "matchmaking configuration duel",
	}
	for operation, want := range operations {
		t.Run(operation, func(t *testing.T) {
			w, c := newCloud(t)
			w.on(operation, func(members) (members, *fault) { return nil, invalidFault })
			_, err := c.Provision(context.Background(), examplePlan())
			if err == nil || !strings.Contains(err.Error(), want) || muster.KindOf(err) != muster.Invalid {
				t.Errorf("error is %v, want one about %q", err, want)
			}
		})
	}
}

func TestAComputeIsRegisteredOnce(t *testing.T) {
	w, c := newCloud(t)
	plan := ComputePlan{FleetID: "fleet-1", Name: "laptop", Location: "custom-home", IPAddress: "127.0.0.1"}
	register := func(want string) {
		t.Helper()
		got, err := c.RegisterCompute(context.Background(), plan)
		if err != nil || got.SDKEndpoint != "wss://us-west-2.api.amazongamelift.com" {
			t.Fatalf("got %+v, %v", got, err)
		}
		if changed := w.changed(); changed != want {
			t.Errorf("changed %q, want %q", changed, want)
		}
	}
	register("RegisterCompute")
	register("")
	plan.IPAddress = "203.0.113.1"
	register("DeregisterCompute RegisterCompute")
	token, err := c.AuthToken(context.Background(), "fleet-1", "laptop")
	if err != nil || token != "token-of-laptop" {
		t.Errorf("token %q, %v", token, err)
	}
	if _, err := c.AuthToken(context.Background(), "fleet-1", "nobody"); muster.KindOf(err) != muster.NotFound {
		t.Errorf("an unknown compute's token: %v", err)
	}
	w.on("DescribeCompute", func(members) (members, *fault) { return nil, invalidFault })
	if _, err := c.RegisterCompute(context.Background(), plan); muster.KindOf(err) != muster.Invalid {
		t.Errorf("a fleet that is none: %v", err)
	}
}

func TestASessionQueueSaysWhereItsEventsGo(t *testing.T) {
	_, c := newCloud(t)
	plan := examplePlan()
	plan.SessionQueues = []string{"lobby"}
	provision(t, c, plan)
	if topic, err := c.SessionQueue(context.Background(), "lobby"); err != nil || topic != topicARN {
		t.Errorf("it goes to %q, %v", topic, err)
	}
	if _, err := c.SessionQueue(context.Background(), "gone"); muster.KindOf(err) != muster.NotFound {
		t.Errorf("a queue that is not there: %v", err)
	}
}

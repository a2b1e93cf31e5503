package gameliftlocal

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// snapshot is what every listing of resources answers.
func snapshot(h *harness, site testSite) []any {
	h.t.Helper()
	locations, err := h.ListLocations(h.ctx, &gamelift.ListLocationsInput{Filters: []types.LocationFilter{types.LocationFilterCustom}})
	must(h.t, 0, err)
	fleets, err := h.DescribeFleetAttributes(h.ctx, &gamelift.DescribeFleetAttributesInput{})
	must(h.t, 0, err)
	computes, err := h.ListCompute(h.ctx, &gamelift.ListComputeInput{FleetId: &site.fleetID})
	must(h.t, 0, err)
	aliases, err := h.ListAliases(h.ctx, &gamelift.ListAliasesInput{})
	must(h.t, 0, err)
	queues, err := h.DescribeGameSessionQueues(h.ctx, &gamelift.DescribeGameSessionQueuesInput{})
	must(h.t, 0, err)
	rules, err := h.DescribeMatchmakingRuleSets(h.ctx, &gamelift.DescribeMatchmakingRuleSetsInput{})
	must(h.t, 0, err)
	configurations, err := h.DescribeMatchmakingConfigurations(h.ctx, &gamelift.DescribeMatchmakingConfigurationsInput{})
	must(h.t, 0, err)
	tags, err := h.ListTagsForResource(h.ctx, &gamelift.ListTagsForResourceInput{ResourceARN: &site.fleetARN})
	must(h.t, 0, err)
	return []any{
		locations.Locations, fleets.FleetAttributes, computes.ComputeList, aliases.Aliases, queues.GameSessionQueues,
		rules.RuleSets, configurations.Configurations, tags.Tags,
	}
}

func TestResourcesSurviveARestart(t *testing.T) {
	signingKey()
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		first := newHarness(t, Options{Data: data})
		site := first.makeSite(&gamelift.CreateGameSessionQueueInput{
			PriorityConfiguration: &types.PriorityConfiguration{
				PriorityOrder: []types.PriorityType{types.PriorityTypeLocation}, LocationOrder: []string{testLocation},
			},
			PlayerLatencyPolicies: []types.PlayerLatencyPolicy{{MaximumIndividualPlayerLatencyMilliseconds: aws.Int32(100)}},
		})
		first.makeMatchmaker("duel", duelRules, site, nil)
		_, err := first.CreateAlias(first.ctx, &gamelift.CreateAliasInput{
			Name: aws.String("live"), RoutingStrategy: &types.RoutingStrategy{Type: types.RoutingStrategyTypeSimple, FleetId: &site.fleetID},
		})
		must(t, 0, err)
		_, err = first.TagResource(first.ctx, &gamelift.TagResourceInput{
			ResourceARN: &site.fleetARN, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("blue")}},
		})
		must(t, 0, err)
		before := snapshot(first, site)
		first.stop()

		second := newHarness(t, Options{Data: data})
		if after := snapshot(second, site); !reflect.DeepEqual(before, after) {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
		// What was kept also works: a new token, a server, a match.
		token, err := second.GetComputeAuthToken(second.ctx, &gamelift.GetComputeAuthTokenInput{FleetId: &site.fleetID, ComputeName: aws.String(testCompute)})
		site.token = *must(t, token, err).AuthToken
		second.ready(site, "process-1")
		second.queueUp("duel", "t1", 1, "ada")
		second.queueUp("duel", "t2", 1, "bob")
		second.advance(1e9)
		second.wantStatus("t1", completed)
	})
}

func TestOpenRefusesAFileItDoesNotUnderstand(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"not JSON", `{"format": 1,`, "not a document"},
		{"a later format", `{"format": 2}`, "format 2, this program reads format 1"},
		{"an unknown member", `{"format":1,"region":"us-west-2","account":"123456789012","planets":{}}`, "planets"},
		{"another region", `{"format":1,"region":"eu-west-1","account":"123456789012"}`, "eu-west-1"},
		{"an empty file", ``, "not a document"},
		{
			"a compute without its fleet",
			`{"format":1,"region":"us-west-2","account":"123456789012","computes":{"fleet-1/box":{"compute":{"FleetId":"fleet-1"}}}}`,
			"fleet that does not exist",
		},
		{
			"a configuration without its rule set",
			`{"format":1,"region":"us-west-2","account":"123456789012","configurations":{"duel":{"Name":"duel","RuleSetName":"gone"}}}`,
			"rule set that does not exist",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			path := filepath.Join(data, fileName)
			if err := os.WriteFile(path, []byte(c.body), 0o600); err != nil {
				t.Fatal(err)
			}
			o := Options{Data: data}
			o.SNS.Key = signingKey()
			if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("Open: %v, want %q and the path", err, c.want)
			}
			if body, _ := os.ReadFile(path); string(body) != c.body {
				t.Errorf("the file was changed to %q", body)
			}
		})
	}
}

func TestAChangeThatCannotBeStoredDoesNotHappen(t *testing.T) {
	data := t.TempDir()
	inBubble(t, Options{Data: data}, func(h *harness) {
		if err := os.RemoveAll(data); err != nil {
			t.Fatal(err)
		}
		_, err := h.CreateLocation(h.ctx, &gamelift.CreateLocationInput{LocationName: aws.String(testLocation)})
		refused[*types.InternalServiceException](t, err, "")
		if strings.Contains(err.Error(), data) {
			t.Errorf("the answer tells of the file: %v", err)
		}
		out, err := h.ListLocations(h.ctx, &gamelift.ListLocationsInput{Filters: []types.LocationFilter{types.LocationFilterCustom}})
		if must(t, out, err); len(out.Locations) != 0 {
			t.Errorf("locations %+v", out.Locations)
		}
	})
}

func TestLocations(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		_, err := h.CreateLocation(h.ctx, &gamelift.CreateLocationInput{LocationName: aws.String(testLocation)})
		refused[*types.ConflictException](t, err, "already exists")
		_, err = h.DeleteLocation(h.ctx, &gamelift.DeleteLocationInput{LocationName: aws.String(testLocation)})
		refused[*types.InvalidRequestException](t, err, site.fleetID)
		_, err = h.DeleteLocation(h.ctx, &gamelift.DeleteLocationInput{LocationName: aws.String("custom-none")})
		refused[*types.NotFoundException](t, err, "custom-none")
		var regions, custom int
		for pages := gamelift.NewListLocationsPaginator(h.Client, &gamelift.ListLocationsInput{Limit: aws.Int32(5)}); pages.HasMorePages(); {
			out, err := pages.NextPage(h.ctx)
			must(t, 0, err)
			for _, l := range out.Locations {
				switch {
				case l.LocationArn != nil:
					custom++
				case *l.PingBeacon.UDPEndpoint.Port > 0:
					regions++
				}
			}
		}
		if regions != len(awsLocations) || custom != 1 {
			t.Errorf("%d AWS locations, %d custom ones", regions, custom)
		}
		_, err = h.DeleteFleet(h.ctx, &gamelift.DeleteFleetInput{FleetId: &site.fleetID})
		must(t, 0, err)
		_, err = h.DeleteLocation(h.ctx, &gamelift.DeleteLocationInput{LocationName: aws.String("arn:aws:gamelift:us-west-2:123456789012:location/" + testLocation)})
		must(t, 0, err)
	})
}

func TestFleetsAndComputes(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		t.Run("a managed fleet is refused", func(t *testing.T) {
			in := anywhereFleet("ec2", testLocation)
			in.ComputeType = types.ComputeTypeEc2
			_, err := h.CreateFleet(h.ctx, in)
			refused[*types.InvalidRequestException](t, err, "ANYWHERE")
		})
		t.Run("a member of managed fleets is refused", func(t *testing.T) {
			in := anywhereFleet("mixed", testLocation)
			in.BuildId = aws.String("build-1")
			_, err := h.CreateFleet(h.ctx, in)
			refused[*types.InvalidRequestException](t, err, "BuildId")
		})
		t.Run("an unknown location is not found", func(t *testing.T) {
			_, err := h.CreateFleet(h.ctx, anywhereFleet("lost", "custom-none"))
			refused[*types.NotFoundException](t, err, "custom-none")
		})
		t.Run("attributes change and ARNs are read", func(t *testing.T) {
			_, err := h.UpdateFleetAttributes(h.ctx, &gamelift.UpdateFleetAttributesInput{FleetId: &site.fleetARN, Name: aws.String("renamed")})
			must(t, 0, err)
			out, err := h.DescribeFleetAttributes(h.ctx, &gamelift.DescribeFleetAttributesInput{FleetIds: []string{
				site.fleetID, "fleet-none", "arn:aws:gamelift:us-west-2::fleet/" + site.fleetID, "arn:aws:gamelift:eu-west-1:123456789012:fleet/" + site.fleetID,
			}})
			if must(t, out, err); len(out.FleetAttributes) != 2 || *out.FleetAttributes[0].Name != "renamed" || out.FleetAttributes[0].Status != types.FleetStatusActive {
				t.Errorf("fleets %+v", out.FleetAttributes)
			}
			_, err = h.DescribeFleetAttributes(h.ctx, &gamelift.DescribeFleetAttributesInput{FleetIds: []string{"fleet-none"}})
			refused[*types.NotFoundException](t, err, "")
		})
		t.Run("locations of a fleet are active", func(t *testing.T) {
			out, err := h.DescribeFleetLocationAttributes(h.ctx, &gamelift.DescribeFleetLocationAttributesInput{FleetId: &site.fleetID})
			if must(t, out, err); len(out.LocationAttributes) != 1 || out.LocationAttributes[0].LocationState.Status != types.FleetStatusActive {
				t.Errorf("locations %+v", out.LocationAttributes)
			}
		})
		t.Run("the runtime configuration is kept", func(t *testing.T) {
			runtime := &types.RuntimeConfiguration{GameSessionActivationTimeoutSeconds: aws.Int32(77)}
			_, err := h.UpdateRuntimeConfiguration(h.ctx, &gamelift.UpdateRuntimeConfigurationInput{FleetId: &site.fleetID, RuntimeConfiguration: runtime})
			must(t, 0, err)
			out, err := h.DescribeRuntimeConfiguration(h.ctx, &gamelift.DescribeRuntimeConfigurationInput{FleetId: &site.fleetID})
			if must(t, out, err); *out.RuntimeConfiguration.GameSessionActivationTimeoutSeconds != 77 {
				t.Errorf("runtime %+v", out.RuntimeConfiguration)
			}
		})
		t.Run("computes are unique, addressed and found", func(t *testing.T) { checkComputes(t, h, site) })
		t.Run("a deleted fleet is gone with its computes", func(t *testing.T) {
			_, err := h.DeleteFleet(h.ctx, &gamelift.DeleteFleetInput{FleetId: &site.fleetID})
			must(t, 0, err)
			out, err := h.ListFleets(h.ctx, &gamelift.ListFleetsInput{})
			if must(t, out, err); len(out.FleetIds) != 0 {
				t.Errorf("fleets %v", out.FleetIds)
			}
			_, err = h.ListCompute(h.ctx, &gamelift.ListComputeInput{FleetId: &site.fleetID})
			refused[*types.InvalidRequestException](t, err, "does not exist")
			_, err = h.DescribeFleetEvents(h.ctx, &gamelift.DescribeFleetEventsInput{FleetId: &site.fleetID})
			refused[*types.NotFoundException](t, err, site.fleetID)
		})
	})
}

func checkComputes(t *testing.T, h *harness, site testSite) {
	register := func(edit func(*gamelift.RegisterComputeInput)) error {
		in := &gamelift.RegisterComputeInput{
			FleetId: &site.fleetID, ComputeName: aws.String("box-2"), IpAddress: aws.String("127.0.0.1"), Location: aws.String(testLocation),
		}
		edit(in)
		_, err := h.RegisterCompute(h.ctx, in)
		return err
	}
	refused[*types.ConflictException](t, register(func(in *gamelift.RegisterComputeInput) { in.ComputeName = aws.String(testCompute) }), testCompute)
	refused[*types.InvalidRequestException](t, register(func(in *gamelift.RegisterComputeInput) { in.Location = aws.String("custom-away") }), "custom-away")
	refused[*types.InvalidRequestException](t, register(func(in *gamelift.RegisterComputeInput) { in.IpAddress = nil }), "IpAddress")
	refused[*types.InvalidRequestException](t, register(func(in *gamelift.RegisterComputeInput) { in.FleetId = aws.String("fleet-none") }), "fleet-none")
	out, err := h.DescribeCompute(h.ctx, &gamelift.DescribeComputeInput{FleetId: &site.fleetID, ComputeName: aws.String(testCompute)})
	if must(t, out, err); *out.Compute.GameLiftServiceSdkEndpoint != "ws://muster.test:4570/game-server" {
		t.Errorf("endpoint %s", *out.Compute.GameLiftServiceSdkEndpoint)
	}
	_, err = h.GetComputeAuthToken(h.ctx, &gamelift.GetComputeAuthTokenInput{FleetId: &site.fleetID, ComputeName: aws.String("box-9")})
	refused[*types.NotFoundException](t, err, "box-9")
	list, err := h.ListCompute(h.ctx, &gamelift.ListComputeInput{FleetId: &site.fleetID, Location: aws.String(testLocation)})
	if must(t, list, err); len(list.ComputeList) != 1 {
		t.Errorf("%d computes", len(list.ComputeList))
	}
}

func TestAliases(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		made, err := h.CreateAlias(h.ctx, &gamelift.CreateAliasInput{
			Name: aws.String("live"), RoutingStrategy: &types.RoutingStrategy{Type: types.RoutingStrategyTypeSimple, FleetId: &site.fleetID},
		})
		id := must(t, made, err).Alias.AliasId
		resolved, err := h.ResolveAlias(h.ctx, &gamelift.ResolveAliasInput{AliasId: made.Alias.AliasArn})
		if must(t, resolved, err); *resolved.FleetId != site.fleetID {
			t.Errorf("resolved to %s", *resolved.FleetId)
		}
		_, err = h.CreateAlias(h.ctx, &gamelift.CreateAliasInput{
			Name: aws.String("lost"), RoutingStrategy: &types.RoutingStrategy{Type: types.RoutingStrategyTypeSimple, FleetId: aws.String("fleet-none")},
		})
		refused[*types.InvalidRequestException](t, err, "fleet-none")
		_, err = h.UpdateAlias(h.ctx, &gamelift.UpdateAliasInput{
			AliasId: id, RoutingStrategy: &types.RoutingStrategy{Type: types.RoutingStrategyTypeTerminal, Message: aws.String("closed")},
		})
		must(t, 0, err)
		_, err = h.ResolveAlias(h.ctx, &gamelift.ResolveAliasInput{AliasId: id})
		refused[*types.TerminalRoutingStrategyException](t, err, "closed")
		list, err := h.ListAliases(h.ctx, &gamelift.ListAliasesInput{RoutingStrategyType: types.RoutingStrategyTypeTerminal, Name: aws.String("live")})
		if must(t, list, err); len(list.Aliases) != 1 {
			t.Errorf("aliases %+v", list.Aliases)
		}
		_, err = h.DeleteAlias(h.ctx, &gamelift.DeleteAliasInput{AliasId: id})
		must(t, 0, err)
		_, err = h.DescribeAlias(h.ctx, &gamelift.DescribeAliasInput{AliasId: id})
		refused[*types.NotFoundException](t, err, *id)
	})
}

func TestAnAliasInAQueueLeadsWhereItPointsNow(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		alias, err := h.CreateAlias(h.ctx, &gamelift.CreateAliasInput{
			Name: aws.String("live"), RoutingStrategy: &types.RoutingStrategy{Type: types.RoutingStrategyTypeTerminal, Message: aws.String("not yet")},
		})
		must(t, 0, err)
		_, err = h.UpdateGameSessionQueue(h.ctx, &gamelift.UpdateGameSessionQueueInput{
			Name: aws.String("q"), Destinations: []types.GameSessionQueueDestination{{DestinationArn: alias.Alias.AliasArn}},
		})
		must(t, 0, err)
		h.ready(site, "process-1")
		_, err = h.StartGameSessionPlacement(h.ctx, &gamelift.StartGameSessionPlacementInput{
			PlacementId: aws.String("p"), GameSessionQueueName: aws.String("q"), MaximumPlayerSessionCount: aws.Int32(1),
		})
		must(t, 0, err)
		h.advance(1e9)
		if n := len(h.heard("PlacementFulfilled")); n != 0 {
			t.Fatal("placed through a terminal alias")
		}
		_, err = h.UpdateAlias(h.ctx, &gamelift.UpdateAliasInput{
			AliasId: alias.Alias.AliasId, RoutingStrategy: &types.RoutingStrategy{Type: types.RoutingStrategyTypeSimple, FleetId: &site.fleetID},
		})
		must(t, 0, err)
		h.advance(1e9)
		h.heardOne("PlacementFulfilled")
	})
}

func TestQueueAndConfigurationRefusals(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		h.makeMatchmaker("duel", duelRules, site, nil)
		t.Run("a queue name twice", func(t *testing.T) {
			_, err := h.CreateGameSessionQueue(h.ctx, &gamelift.CreateGameSessionQueueInput{Name: aws.String("q")})
			refused[*types.InvalidRequestException](t, err, "already exists")
		})
		t.Run("a destination that is not there", func(t *testing.T) {
			_, err := h.CreateGameSessionQueue(h.ctx, &gamelift.CreateGameSessionQueueInput{
				Name:         aws.String("q2"),
				Destinations: []types.GameSessionQueueDestination{{DestinationArn: aws.String("arn:aws:gamelift:us-west-2:123456789012:fleet/fleet-none")}},
			})
			refused[*types.NotFoundException](t, err, "fleet-none")
		})
		t.Run("priority by location without an order", func(t *testing.T) {
			_, err := h.UpdateGameSessionQueue(h.ctx, &gamelift.UpdateGameSessionQueueInput{
				Name: aws.String("q"), PriorityConfiguration: &types.PriorityConfiguration{PriorityOrder: []types.PriorityType{types.PriorityTypeLocation}},
			})
			refused[*types.InvalidRequestException](t, err, "LocationOrder")
		})
		t.Run("an unknown queue", func(t *testing.T) {
			_, err := h.DescribeGameSessionQueues(h.ctx, &gamelift.DescribeGameSessionQueuesInput{Names: []string{"q", "none"}})
			refused[*types.NotFoundException](t, err, "none")
		})
		t.Run("a rule set with mistakes names them", func(t *testing.T) {
			_, err := h.ValidateMatchmakingRuleSet(h.ctx, &gamelift.ValidateMatchmakingRuleSetInput{RuleSetBody: aws.String(`{"teams": 3}`)})
			refused[*types.InvalidRequestException](t, err, "teams")
		})
		t.Run("a rule set in use stays", func(t *testing.T) {
			_, err := h.DeleteMatchmakingRuleSet(h.ctx, &gamelift.DeleteMatchmakingRuleSetInput{Name: aws.String("duel-rules")})
			refused[*types.InvalidRequestException](t, err, "in use")
		})
		create := func(edit func(*gamelift.CreateMatchmakingConfigurationInput)) error {
			in := &gamelift.CreateMatchmakingConfigurationInput{
				Name: aws.String("fresh"), RuleSetName: aws.String("duel-rules"), AcceptanceRequired: aws.Bool(false),
				RequestTimeoutSeconds: aws.Int32(60), GameSessionQueueArns: []string{site.queueARN},
			}
			edit(in)
			_, err := h.CreateMatchmakingConfiguration(h.ctx, in)
			return err
		}
		t.Run("a configuration name twice", func(t *testing.T) {
			refused[*types.InvalidRequestException](t, create(func(in *gamelift.CreateMatchmakingConfigurationInput) { in.Name = aws.String("duel") }), "already exists")
		})
		t.Run("an unknown rule set", func(t *testing.T) {
			refused[*types.NotFoundException](t, create(func(in *gamelift.CreateMatchmakingConfigurationInput) { in.RuleSetName = aws.String("none") }), "none")
		})
		t.Run("no queue", func(t *testing.T) {
			refused[*types.InvalidRequestException](t, create(func(in *gamelift.CreateMatchmakingConfigurationInput) { in.GameSessionQueueArns = nil }), "GameSessionQueueArns")
		})
		t.Run("automatic backfill without a queue", func(t *testing.T) {
			refused[*types.InvalidRequestException](t, create(func(in *gamelift.CreateMatchmakingConfigurationInput) {
				standalone(in)
				in.BackfillMode = types.BackfillModeAutomatic
			}), "STANDALONE")
		})
		t.Run("acceptance without a timeout", func(t *testing.T) {
			refused[*types.InvalidRequestException](t, create(func(in *gamelift.CreateMatchmakingConfigurationInput) { in.AcceptanceRequired = aws.Bool(true) }), "AcceptanceTimeoutSeconds")
		})
		t.Run("configurations are found by rule set", func(t *testing.T) {
			out, err := h.DescribeMatchmakingConfigurations(h.ctx, &gamelift.DescribeMatchmakingConfigurationsInput{RuleSetName: aws.String("duel-rules")})
			if must(t, out, err); len(out.Configurations) != 1 || *out.Configurations[0].RuleSetArn != "arn:aws:gamelift:us-west-2:123456789012:matchmakingruleset/duel-rules" {
				t.Errorf("configurations %+v", out.Configurations)
			}
		})
	})
}

func TestTags(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		tag := func(arn, key string) error {
			_, err := h.TagResource(h.ctx, &gamelift.TagResourceInput{ResourceARN: &arn, Tags: []types.Tag{{Key: &key, Value: aws.String("v")}}})
			return err
		}
		must(t, 0, tag(site.queueARN, "b"))
		must(t, 0, tag(site.queueARN, "a"))
		refused[*types.NotFoundException](t, tag(site.queueARN+"x", "a"), "does not exist")
		_, err := h.UntagResource(h.ctx, &gamelift.UntagResourceInput{ResourceARN: &site.queueARN, TagKeys: []string{"b", "none"}})
		must(t, 0, err)
		out, err := h.ListTagsForResource(h.ctx, &gamelift.ListTagsForResourceInput{ResourceARN: &site.queueARN})
		if must(t, out, err); len(out.Tags) != 1 || *out.Tags[0].Key != "a" {
			t.Errorf("tags %+v", out.Tags)
		}
	})
}

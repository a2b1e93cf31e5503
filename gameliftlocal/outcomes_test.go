package gameliftlocal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/flexmatch"
)

func TestARefusedRequestReplacesNothing(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		wrong := startInput("duel", "t2", 1, "ada")
		wrong.Players[0].PlayerAttributes["skill"] = types.AttributeValue{S: aws.String("ten")}
		_, err := h.StartMatchmaking(h.ctx, wrong)
		refused[*types.InvalidRequestException](t, err, "skill")
		_, err = h.StartMatchmaking(h.ctx, startInput("duel", "t1", 1, "ada"))
		refused[*types.InvalidRequestException](t, err, "exists already")
		h.wantStatus("t1", searching)
		if n := len(h.heard("MatchmakingCancelled")); n != 0 {
			t.Errorf("%d cancelled events, want none", n)
		}
	})
}

func TestARefusedBackfillReplacesNothing(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		server, arn := brawl(h, nil)
		_, err := h.StartMatchBackfill(h.ctx, seated("brawl", "fill", arn, "ada", "bob"))
		must(t, 0, err)
		wrong := seated("brawl", "other", arn, "ada", "bob")
		wrong.Players[1].Team = aws.String("nobody")
		_, err = h.StartMatchBackfill(h.ctx, wrong)
		refused[*types.InvalidRequestException](t, err, "nobody")
		h.wantStatus("fill", searching)
		if got := server.pushed("UpdateGameSession"); len(got) != 0 {
			t.Errorf("the game server was told %v", got)
		}
	})
}

func TestAWrongAttributeIsFoundBeforeTheQueueDelay(t *testing.T) {
	inBubble(t, Options{QueueDelay: 5 * time.Second}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		in := startInput("duel", "t1", 1, "ada")
		in.Players[0].PlayerAttributes["skill"] = types.AttributeValue{S: aws.String("ten")}
		_, err := h.StartMatchmaking(h.ctx, in)
		refused[*types.InvalidRequestException](t, err, "skill")
	})
}

// Rules that change while a ticket is queued may refuse it when its time comes.
func TestATicketThatNoLongerFitsItsRulesFails(t *testing.T) {
	inBubble(t, Options{QueueDelay: 5 * time.Second}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		_, err := h.CreateMatchmakingRuleSet(h.ctx, &gamelift.CreateMatchmakingRuleSetInput{
			Name: aws.String("words"), RuleSetBody: aws.String(`{"ruleLanguageVersion":"1.0",
				"playerAttributes":[{"name":"skill","type":"string"}],"teams":[{"name":"red","minPlayers":2,"maxPlayers":2}],
				"rules":[{"name":"same","type":"batchDistance","batchAttribute":"skill"}]}`),
		})
		must(t, 0, err)
		_, err = h.UpdateMatchmakingConfiguration(h.ctx, &gamelift.UpdateMatchmakingConfigurationInput{Name: aws.String("duel"), RuleSetName: aws.String("words")})
		must(t, 0, err)
		h.advance(6 * time.Second)
		if got := h.wantStatus("t1", failed); *got.StatusReason != "UNEXPECTED_ERROR" {
			t.Errorf("reason %s", *got.StatusReason)
		}
		if got := metricNames(h.heardOne("MatchmakingFailed")); !slices.Equal(got, []string{"same"}) {
			t.Errorf("metrics of %v, want of the rules there are", got)
		}
	})
}

// The same while it searches: it moves to the new rules, and they refuse it.
func TestASearchingTicketThatNewRulesRefuseFails(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		_, err := h.CreateMatchmakingRuleSet(h.ctx, &gamelift.CreateMatchmakingRuleSetInput{
			Name: aws.String("words"), RuleSetBody: aws.String(strings.ReplaceAll(duelRules, `"type": "number", "default": 10`, `"type": "string"`)),
		})
		refused[*types.InvalidRequestException](t, err, "$.rules[0].measurements[0]")
		_, err = h.CreateMatchmakingRuleSet(h.ctx, &gamelift.CreateMatchmakingRuleSetInput{
			Name: aws.String("words"), RuleSetBody: aws.String(`{"ruleLanguageVersion":"1.0",
				"playerAttributes":[{"name":"skill","type":"string"}],"teams":[{"name":"red","minPlayers":2,"maxPlayers":2}]}`),
		})
		must(t, 0, err)
		_, err = h.UpdateMatchmakingConfiguration(h.ctx, &gamelift.UpdateMatchmakingConfigurationInput{Name: aws.String("duel"), RuleSetName: aws.String("words")})
		must(t, 0, err)
		h.advance(time.Second)
		h.wantStatus("t1", failed)
		h.heardOne("MatchmakingFailed")
	})
}

// metricNames are the rules that an event counts.
func metricNames(e receivedEvent) []string {
	var out []string
	list, _ := e.Detail["ruleEvaluationMetrics"].([]any)
	for _, m := range list {
		one := m.(map[string]any)
		if one["passedCount"].(float64) >= 0 && one["failedCount"].(float64) >= 0 {
			out = append(out, one["ruleName"].(string))
		}
	}
	return out
}

func TestATicketThatNeverSearchedCountsItsRules(t *testing.T) {
	inBubble(t, Options{QueueDelay: 5 * time.Second}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, standalone)
		h.queueUp("duel", "t1", 1, "ada")
		_, err := h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: aws.String("t1")})
		must(t, 0, err)
		if got := metricNames(h.heardOne("MatchmakingCancelled")); !slices.Equal(got, []string{"near"}) {
			t.Errorf("metrics of %v", got)
		}
	})
}

func TestUnacceptedTicketsAreToldOnlyWhenAsked(t *testing.T) {
	for _, tell := range []bool{false, true} {
		inBubble(t, Options{TellUnaccepted: tell}, func(h *harness) {
			h.makeMatchmaker("duel", duelRules, testSite{}, func(in *gamelift.CreateMatchmakingConfigurationInput) {
				withAcceptance(in)
				standalone(in)
			})
			h.queueUp("duel", "t1", 1, "ada")
			h.queueUp("duel", "t2", 1, "bob")
			must(t, 0, h.accept("t2", types.AcceptanceTypeReject, "bob"))
			for _, id := range []string{"t1", "t2"} { // ada had not answered
				got := h.wantStatus(id, cancelled)
				if *got.StatusReason != "AcceptanceFailed" || got.EndTime == nil {
					t.Errorf("%s: reason %s, end %v", id, *got.StatusReason, got.EndTime)
				}
			}
			events := h.heard("MatchmakingCancelled")
			if want := map[bool]int{false: 0, true: 2}[tell]; len(events) != want {
				t.Fatalf("TellUnaccepted %v: %d events, want %d", tell, len(events), want)
			}
			for _, e := range events {
				if e.Detail["reason"] != "AcceptanceFailed" || e.Detail["matchId"] == nil {
					t.Errorf("event %s", e.Raw)
				}
			}
		})
	}
}

// A proposal may outlive the request timeout. Whoever comes back from it then times out
// at once.
func TestATicketTimesOutWhenItReturnsTooLate(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("duel", duelRules, testSite{}, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			withAcceptance(in)
			standalone(in)
		})
		h.queueUp("duel", "t1", 1, "ada")
		h.advance(50 * time.Second)
		h.queueUp("duel", "t2", 1, "bob")
		must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada"))
		h.advance(15 * time.Second)
		h.wantStatus("t1", proposed) // 65 s old: the timeout of 60 s does not end a proposal
		h.advance(6 * time.Second)
		got := h.wantStatus("t1", timedOut)
		if age := got.EndTime.Sub(*got.StartTime); age != 70*time.Second {
			t.Errorf("ended after %v, want with the proposal after 70s", age)
		}
		h.wantStatus("t2", cancelled)
	})
}

func TestAFailedProposalReturnsTheBackfill(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		server, arn := brawl(h, nil)
		_, err := h.UpdateMatchmakingConfiguration(h.ctx, &gamelift.UpdateMatchmakingConfigurationInput{
			Name: aws.String("brawl"), AcceptanceRequired: aws.Bool(true), AcceptanceTimeoutSeconds: aws.Int32(20),
		})
		must(t, 0, err)
		_, err = h.StartMatchBackfill(h.ctx, seated("brawl", "fill", arn, "ada", "bob"))
		must(t, 0, err)
		h.queueUp("brawl", "t2", 1, "cyd")
		h.wantStatus("fill", proposed)
		refused[*types.InvalidRequestException](t, h.accept("fill", types.AcceptanceTypeAccept, "ada"), "need not accept")
		must(t, 0, h.accept("t2", types.AcceptanceTypeReject, "cyd"))
		if got := h.wantStatus("fill", searching); *got.Players[0].Team != "all" {
			t.Errorf("the seated players lost their team")
		}
		h.wantStatus("t2", cancelled)
		h.queueUp("brawl", "t3", 1, "dan")
		must(t, 0, h.accept("t3", types.AcceptanceTypeAccept, "dan"))
		h.advance(time.Second)
		h.wantStatus("fill", completed)
		h.wantStatus("t3", completed)
		if n := len(server.pushed("UpdateGameSession")); n != 1 {
			t.Errorf("%d updates, want one", n)
		}
	})
}

func TestAdditionalPlayersKeepSlotsOpen(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		server := h.ready(site, "process-1")
		h.ready(site, "process-2")
		h.makeMatchmaker("brawl", brawlRules, site, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			in.AdditionalPlayerCount = aws.Int32(2)
		})
		for i, name := range []string{"ada", "bob", "cyd", "dan"} {
			h.queueUp("brawl", "t"+string(rune('1'+i)), 1, name)
		}
		h.advance(time.Second)
		first := h.wantStatus("t1", completed).GameSessionConnectionInfo
		if *first.GameSessionArn == *h.wantStatus("t3", completed).GameSessionConnectionInfo.GameSessionArn {
			t.Error("four players are in one session though two slots stay open")
		}
		if got := server.pushed("CreateGameSession")[0]["MaximumPlayerSessionCount"]; got != 4.0 {
			t.Errorf("the session takes %v players, want 4", got)
		}
	})
}

func TestAStandaloneMatchmakerBackfillsWithoutSession(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("brawl", brawlRules, testSite{}, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			standalone(in)
			in.AdditionalPlayerCount = aws.Int32(2) // unused without a queue
		})
		for _, id := range []string{"fill-1", "fill-2"} { // of one session of the game's own
			in := seated("brawl", id, "", "ada", "bob")
			in.GameSessionArn = aws.String("arn:aws:gamelift:us-west-2::gamesession/mine")
			_, err := h.StartMatchBackfill(h.ctx, in)
			must(t, 0, err)
			h.queueUp("brawl", "new-"+id, 1, "cyd-"+id)
			if got := h.wantStatus(id, completed); got.GameSessionConnectionInfo != nil {
				t.Errorf("connection %+v", got.GameSessionConnectionInfo)
			}
		}
		events := h.heard("MatchmakingSucceeded")
		if len(events) != 2 {
			t.Fatalf("%d succeeded events, want 2", len(events))
		}
		if players := events[0].Detail["gameSessionInfo"].(map[string]any)["players"].([]any); len(players) != 3 {
			t.Errorf("players %v, want those who play and the one who joins", players)
		}
		if n := len(h.service.backfills); n != 0 {
			t.Errorf("%d backfills are remembered, want none", n)
		}
	})
}

func TestAConfigurationBecomesStandaloneWithoutItsQueue(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		h.makeMatchmaker("duel", duelRules, site, nil)
		out, err := h.UpdateMatchmakingConfiguration(h.ctx, &gamelift.UpdateMatchmakingConfigurationInput{
			Name: aws.String("duel"), FlexMatchMode: types.FlexMatchModeStandalone,
		})
		if must(t, out, err); len(out.Configuration.GameSessionQueueArns) != 0 {
			t.Errorf("queues %v", out.Configuration.GameSessionQueueArns)
		}
		h.queueUp("duel", "t1", 1, "ada")
		h.queueUp("duel", "t2", 1, "bob")
		h.wantStatus("t1", completed)
	})
}

func TestTheReadingOfRuleSetsIsAnOption(t *testing.T) {
	commented := "// even\n" + duelRules
	for _, strict := range []bool{false, true} {
		inBubble(t, Options{Rules: flexmatch.ParseOptions{RejectComments: strict}}, func(h *harness) {
			_, err := h.ValidateMatchmakingRuleSet(h.ctx, &gamelift.ValidateMatchmakingRuleSetInput{RuleSetBody: &commented})
			if strict {
				refused[*types.InvalidRequestException](t, err, "1:1: $: not JSON: comments are not accepted here")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTwoLocationsMayMakeAMatchWhenAsked(t *testing.T) {
	rules := strings.Replace(duelRules, `"rules": [`, `"rules": [{"name": "ping", "type": "latency", "maxLatency": 50},`, 1)
	for _, separate := range []bool{false, true} {
		inBubble(t, Options{Rules: flexmatch.ParseOptions{SeparateLocations: separate}}, func(h *harness) {
			h.makeMatchmaker("duel", rules, testSite{}, standalone)
			for id, location := range map[string]string{"t1": "us-west-2", "t2": "eu-west-1"} {
				in := startInput("duel", id, 1, "player-"+id)
				in.Players[0].LatencyInMs = map[string]int32{location: 20}
				_, err := h.StartMatchmaking(h.ctx, in)
				must(t, 0, err)
			}
			want := searching
			if separate {
				want = completed
			}
			h.wantStatus("t1", want)
		})
	}
}

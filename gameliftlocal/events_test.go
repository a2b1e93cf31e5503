package gameliftlocal

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// detailKeys are the members of every event's detail besides type, tickets,
// gameSessionInfo and customEventData. Source: Amazon's FlexMatch guide, "FlexMatch
// matchmaking events"; reason is in its examples only, and of MatchmakingFailed the
// example shows no metrics.
var detailKeys = map[string][]string{
	"MatchmakingSearching":  {"estimatedWaitMillis"},
	"PotentialMatchCreated": {"acceptanceRequired", "acceptanceTimeout", "matchId", "ruleEvaluationMetrics"},
	"AcceptMatch":           {"matchId"},
	"AcceptMatchCompleted":  {"acceptance", "matchId"},
	"MatchmakingSucceeded":  {"matchId"},
	"MatchmakingTimedOut":   {"message", "reason", "ruleEvaluationMetrics"},
	"MatchmakingCancelled":  {"message", "reason", "ruleEvaluationMetrics"},
	"MatchmakingFailed":     {"matchId", "message", "reason", "ruleEvaluationMetrics"},
}

func TestEveryEventHasTheFieldsOfItsType(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		site := h.makeSite(nil)
		h.ready(site, "process-1")
		h.makeMatchmaker("duel", duelRules, site, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			withAcceptance(in)
			in.CustomEventData = aws.String("custom")
		})
		h.queueUp("duel", "t1", 20, "ada")
		h.queueUp("duel", "t2", 20, "bob")
		must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada"))
		must(t, 0, h.accept("t2", types.AcceptanceTypeAccept, "bob")) // succeeds
		h.queueUp("duel", "t3", 500, "cyd")
		_, err := h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: aws.String("t3")}) // cancelled
		must(t, 0, err)
		h.queueUp("duel", "t4", 900, "dan") // times out
		h.advance(61 * time.Second)
		_, err = h.DeleteGameSessionQueue(h.ctx, &gamelift.DeleteGameSessionQueueInput{Name: aws.String("q")})
		must(t, 0, err)
		h.queueUp("duel", "t5", 20, "eve")
		h.queueUp("duel", "t6", 20, "fay")
		must(t, 0, h.accept("t5", types.AcceptanceTypeAccept, "eve"))
		must(t, 0, h.accept("t6", types.AcceptanceTypeAccept, "fay")) // fails: no queue

		seen := map[string]bool{}
		for _, e := range h.heard() {
			want, known := detailKeys[e.kind()]
			if !known {
				continue // a placement
			}
			seen[e.kind()] = true
			want = slices.Sorted(slices.Values(append([]string{"type", "tickets", "gameSessionInfo", "customEventData"}, want...)))
			if got := sortedKeys(e.Detail); !slices.Equal(got, want) {
				t.Errorf("%s has %v, want %v", e.kind(), got, want)
			}
			checkEventPlayers(t, e)
			if _, has := e.Detail["ruleEvaluationMetrics"]; has && !slices.Equal(metricNames(e), []string{"near"}) {
				t.Errorf("%s counts %v, want every rule", e.kind(), metricNames(e))
			}
		}
		for kind := range detailKeys {
			if !seen[kind] {
				t.Errorf("no %s was heard", kind)
			}
		}
	})
}

// checkEventPlayers wants the players of gameSessionInfo to be those of the tickets, in
// a row, and of an event about a match to have teams.
func checkEventPlayers(t *testing.T, e receivedEvent) {
	t.Helper()
	var listed []any
	for _, one := range e.Detail["tickets"].([]any) {
		ticket := one.(map[string]any)
		if _, err := time.Parse(isoMillis, ticket["startTime"].(string)); err != nil {
			t.Errorf("%s: %v", e.kind(), err)
		}
		listed = append(listed, ticket["players"].([]any)...)
	}
	info := e.Detail["gameSessionInfo"].(map[string]any)["players"].([]any)
	if len(info) != len(listed) {
		t.Fatalf("%s: %d players in gameSessionInfo, %d in tickets", e.kind(), len(info), len(listed))
	}
	for i := range info {
		a, b := info[i].(map[string]any), listed[i].(map[string]any)
		if a["playerId"] != b["playerId"] || a["team"] != b["team"] || a["accepted"] != b["accepted"] {
			t.Errorf("%s: player %v in gameSessionInfo, %v in the ticket", e.kind(), a, b)
		}
		if e.Detail["matchId"] != nil && a["team"] == nil {
			t.Errorf("%s: player %v of a match has no team", e.kind(), a)
		}
	}
}

func TestAcceptMatchTellsWhoHasAnswered(t *testing.T) {
	inBubble(t, Options{}, func(h *harness) {
		h.makeMatchmaker("brawl", brawlRules, testSite{}, func(in *gamelift.CreateMatchmakingConfigurationInput) {
			withAcceptance(in)
			standalone(in)
		})
		h.queueUp("brawl", "t1", 1, "ada", "bob", "cyd", "dan")
		must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "ada"))
		must(t, 0, h.accept("t1", types.AcceptanceTypeAccept, "bob", "cyd"))
		must(t, 0, h.accept("t1", types.AcceptanceTypeReject, "dan"))
		var said []string
		for _, e := range h.heard("AcceptMatch") {
			row := ""
			for _, p := range e.Detail["gameSessionInfo"].(map[string]any)["players"].([]any) {
				switch p.(map[string]any)["accepted"] {
				case true:
					row += "y"
				case false:
					row += "n"
				default:
					row += "-"
				}
			}
			said = append(said, row)
		}
		slices.Sort(said) // SNS promises no order
		if want := []string{"y---", "yyy-", "yyyn"}; !slices.Equal(said, want) {
			t.Errorf("answers %v, want %v", said, want)
		}
	})
}

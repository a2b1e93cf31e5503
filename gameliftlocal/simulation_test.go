package gameliftlocal

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// Forty players with moods of their own: whatever they do, every ticket ends once, in
// a state that its events tell, and no seat is anybody else's.
func TestEveryTicketEndsOnceAndEverySeatHasOneOwner(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, Options{}, func(h *harness) { simulate(t, h, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func simulate(t *testing.T, h *harness, random *rand.Rand) {
	const players = 40
	site := h.makeSite(&gamelift.CreateGameSessionQueueInput{TimeoutInSeconds: aws.Int32(20)})
	for i := range 8 { // too few for all
		h.ready(site, fmt.Sprintf("process-%d", i))
	}
	h.makeMatchmaker("duel", duelRules, site, withAcceptance)
	ids := make([]string, players)
	for i := range players {
		ids[i] = fmt.Sprintf("t%02d", i)
		h.queueUp("duel", ids[i], float64(random.IntN(40)), "player-"+ids[i])
		for _, id := range ids[:i+1] {
			act(h, random, id)
		}
		h.advance(time.Duration(random.IntN(3000)) * time.Millisecond)
	}
	h.advance(3 * time.Minute)

	seats, done := map[string]string{}, 0
	for _, id := range ids {
		got := h.ticket(id)
		switch got.Status {
		case completed:
			done++
			for _, p := range got.GameSessionConnectionInfo.MatchedPlayerSessions {
				if other := seats[*p.PlayerSessionId]; other != "" {
					t.Errorf("%s and %s have one seat", other, id)
				}
				seats[*p.PlayerSessionId] = id
				checkSeat(t, h, *p.PlayerSessionId, "player-"+id, *got.GameSessionConnectionInfo.GameSessionArn)
			}
		case cancelled, timedOut, failed:
		default:
			t.Errorf("ticket %s is still %s", id, got.Status)
		}
		if got.EndTime == nil {
			t.Errorf("ticket %s has no end", id)
		}
	}
	if done == 0 || done != len(seats) || done != 2*len(h.heard("MatchmakingSucceeded")) {
		t.Errorf("%d tickets completed with %d seats, %d events", done, len(seats), len(h.heard("MatchmakingSucceeded")))
	}
	ends := map[string]int{}
	for _, e := range h.heard("MatchmakingSucceeded", "MatchmakingTimedOut", "MatchmakingFailed", "MatchmakingCancelled") {
		for _, told := range e.Detail["tickets"].([]any) {
			ends[told.(map[string]any)["ticketId"].(string)]++
		}
	}
	for id, n := range ends {
		if n != 1 {
			t.Errorf("ticket %s ended %d times", id, n)
		}
	}
	h.stop()
	checkNothingIsLeft(t, h.service)
}

// checkNothingIsLeft holds that what has ended is not kept by those who worked on it.
func checkNothingIsLeft(t *testing.T, s *Service) {
	t.Helper()
	for name, m := range s.makers {
		if len(m.homes) != 0 || len(m.current.matches) != 0 || m.current.tickets != 0 || len(m.older) != 0 || len(m.inbox) != 0 {
			t.Errorf("matchmaker %s holds %d tickets, %d matches, %d older pools", name, len(m.homes), len(m.current.matches), len(m.older))
		}
	}
	if len(s.placing) != 0 || len(s.backfills) != 0 || len(s.tickets.active) != 0 {
		t.Errorf("left: %d placing, %d backfills, %d active players", len(s.placing), len(s.backfills), len(s.tickets.active))
	}
}

// act is what a player may do with a ticket, sensible or not.
func act(h *harness, random *rand.Rand, id string) {
	switch random.IntN(12) {
	case 0, 1, 2, 3, 4, 5:
		_ = h.accept(id, types.AcceptanceTypeAccept, "player-"+id) // refused unless proposed
	case 6:
		_ = h.accept(id, types.AcceptanceTypeReject, "player-"+id)
	case 7:
		if random.IntN(10) == 0 {
			_, _ = h.StopMatchmaking(h.ctx, &gamelift.StopMatchmakingInput{TicketId: &id}) // refused once it is over
		}
	}
}

func checkSeat(t *testing.T, h *harness, seat, player, session string) {
	t.Helper()
	out, err := h.DescribePlayerSessions(h.ctx, &gamelift.DescribePlayerSessionsInput{PlayerSessionId: &seat})
	if must(t, out, err); *out.PlayerSessions[0].PlayerId != player || *out.PlayerSessions[0].GameSessionId != session {
		t.Errorf("seat %s of %s is %s's in %s", seat, player, *out.PlayerSessions[0].PlayerId, *out.PlayerSessions[0].GameSessionId)
	}
}

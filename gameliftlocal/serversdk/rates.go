package serversdk

import "time"

// rate is a token bucket: so many at once, refilled at so many per second.
type rate struct{ burst, perSecond float64 }

// rateOf is Amazon's published limit for a request; ok is false for those without
// one. Source: GameLift server SDK 5 rate limits; AWS says the table may change.
func rateOf(r Request) (limit rate, ok bool) {
	switch r.(type) {
	case *AcceptPlayerSession, *RemovePlayerSession, *ActivateGameSession, *ActivateServerProcess,
		*StartMatchBackfill, *StopMatchBackfill, *TerminateServerProcess:
		return rate{3, 1}, true
	case *DescribePlayerSessions:
		return rate{10, 5}, true
	case *GetComputeCertificate, *GetFleetRoleCredentials:
		return rate{3, 0.1}, true
	}
	return rate{}, false
}

type bucket struct {
	tokens float64
	at     time.Time // when tokens was right
}

// maxBuckets bounds the buckets of one process: some are per player.
const maxBuckets = 1000

// rates are the buckets of one process, by action and, where Amazon counts so, player
// session.
type rates map[string]bucket

// allow takes a token for a request, if there is one.
func (b rates) allow(now time.Time, action string, r Request) bool {
	limit, limited := rateOf(r)
	if !limited {
		return true
	}
	key := action
	switch r := r.(type) {
	case *AcceptPlayerSession:
		key += " " + string(r.PlayerSessionId)
	case *RemovePlayerSession:
		key += " " + string(r.PlayerSessionId)
	}
	if len(b) >= maxBuckets {
		clear(b) // forgetting only ever allows more
	}
	state, known := b[key]
	if !known {
		state = bucket{tokens: limit.burst, at: now}
	}
	state.tokens = min(limit.burst, state.tokens+now.Sub(state.at).Seconds()*limit.perSecond)
	state.at = now
	allowed := state.tokens >= 1
	if allowed {
		state.tokens--
	}
	b[key] = state
	return allowed
}

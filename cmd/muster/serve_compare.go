package main

import (
	"fmt"
	"slices"

	"muster/aws/gamelift"
)

// differences says in sentences what GameLift has otherwise than the mode expects. known
// is false when GameLift has no such configuration at all.
func (m *modeConfig) differences(state gamelift.MatchmakerState, known bool, topics []string) []string {
	if !known {
		return []string{"GameLift has no such matchmaking configuration, so every ticket of the mode is refused: make it, with muster provision for example"}
	}
	var all []string
	switch {
	case state.NotificationTarget == "":
		all = append(all, "the matchmaking configuration sends its events to no topic, so matches are noticed only by asking, after many seconds")
	case !slices.Contains(topics, state.NotificationTarget):
		all = append(all, fmt.Sprintf("the matchmaking configuration sends its events to %s, which is not among the topics listened to: add it with --sns-topic", state.NotificationTarget))
	}
	if m.AcceptanceTimeoutSeconds != state.AcceptanceTimeoutSeconds {
		all = append(all, fmt.Sprintf("players are told that they have %d s to accept a match, and GameLift gives them %d s", m.AcceptanceTimeoutSeconds, state.AcceptanceTimeoutSeconds))
	}
	return all
}

// Package scenario reads tickets and match scenarios from JSON and plays scenarios
// against the matchmaker: what a designer writes down about a rule set becomes a test
// of it.
//
// ReadTickets reads a pool of tickets, one JSON object a line. Run plays one scenario
// file and reports every expectation that did not hold, with what happened instead.
//
// # A ticket
//
//	{"ticketId": "t-1", "startTime": 0, "players": [
//	  {"playerId": "p-1", "attributes": {"skill": {"N": 10}}, "latencyInMs": {"us-east-1": 40}}]}
//
// startTime counts seconds on a clock of the file's own. Attributes have the form of GameLift's
// AttributeValue: exactly one of S, N, SL and SDM. team, backfill and gameSessionArn
// belong to backfill tickets.
//
// # A scenario
//
// One JSON object: a rule set (ruleSet inline, or ruleSetFile), tickets, what is done
// and what is expected. Three kinds:
//
//   - match: the matchmaker runs once at each expect[].at. Checked: matches, unmatched.
//   - acceptance: actions happen in their order; the matchmaker runs at each tick and
//     only then. Checked: status, statusIn, events, and the action that must fail.
//   - largeFill: single players are seated one by one, as in a large match. Checked:
//     teamSizes after so many players.
//
// A scenario has no game session queue. Unless it has placement actions, a ticket whose
// match stands is in PLACING, which counts as COMPLETED too, and MatchmakingSucceeded
// follows at once.
//
// The package does no I/O but through what it is given. Tickets are read strictly: an
// unknown field is an error. In a scenario it is a warning, but a scenario that checks
// nothing is an error.
package scenario

// Package flexmatch is a matchmaker that reads the rule sets of Amazon GameLift
// FlexMatch and matches as FlexMatch does. It is pure: state in, effects out, with no
// clock, goroutine, I/O or unseeded randomness, so that every run can be replayed.
//
// ParseRuleSet turns a rule set's JSON into a RuleSet, or says everything that is wrong
// with it and where. NewPool makes a matchmaker of it. From then on
//
//	effects := pool.Step(now, inputs...)
//
// is the whole protocol: inputs are requests that arrive, are stopped or answered;
// effects are what became of them (Searching, Proposed, Matched, Expired ...), each with
// its instant. Between steps nothing happens, but things may fall due: call Step again
// at Deadline, also without inputs. A match that is possible is made in the very Step
// that makes it possible; there is no tick.
//
// # How a match is made
//
// The oldest waiting ticket is the anchor. Around it the search seats other tickets,
// oldest first, in every team, and leaves a branch when no further ticket could mend it.
// If a match with the anchor exists, one is found: of those with the most players, that
// of the oldest tickets. If not, the next oldest is the anchor. The search is exact up
// to a bound on its work; beyond it settles for the best match seen.
//
// A candidate match has an age: that of its newest ticket, or its oldest if the rule
// set says so. Expansions apply by this age, so each candidate is judged by the rules
// that are in force for it.
//
// Rule sets for more than 40 players fill teams greedily from tickets that share a
// location and are alike, and then balance the teams.
//
// # What it will not do
//
// It keeps no tickets after they are done, tells no player anything, finds no session
// and knows no game. Where Amazon's documents are silent, the function that decides
// says so in its comment.
package flexmatch

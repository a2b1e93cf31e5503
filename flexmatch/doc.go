// Package flexmatch is a matchmaker: it puts players who wait into matches, by rules
// that are written as data. It reads the rule sets of Amazon GameLift FlexMatch and
// matches as FlexMatch does, anywhere and without a network. It is pure: state in,
// effects out, with no clock, goroutine, I/O or unseeded randomness, so that every run
// can be replayed. It needs the standard library only.
//
// # Words
//
// A ticket is a request to be matched, of one player or of a party that stays together.
// A rule set says which teams a match has, what players bring along (attributes, such
// as a skill), and what must hold for a match to be good. A match is made of whole
// tickets. Waiting loosens rules where the rule set says so.
//
// # A rule set
//
// This one makes matches of two teams of two to four players, whose teams are about
// equally skilled, and who all have a good connection to some place. After ten seconds
// it is content with less:
//
//	{
//	  "ruleLanguageVersion": "1.0",
//	  "playerAttributes": [{"name": "skill", "type": "number", "default": 1500}],
//	  "teams": [{"name": "side", "quantity": 2, "minPlayers": 2, "maxPlayers": 4}],
//	  "rules": [
//	    {"name": "even", "type": "distance", "maxDistance": 50,
//	     "measurements": ["avg(teams[*].players.attributes[skill])"],
//	     "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))"},
//	    {"name": "ping", "type": "latency", "maxLatency": 80}],
//	  "expansions": [{"target": "rules[even].maxDistance",
//	    "steps": [{"waitTimeSeconds": 10, "value": 200}]}]
//	}
//
// Expressions read values out of a match that is being judged. A path such as
// teams[side_1].players.attributes[skill] is a list with one number per player;
// teams[*] gives one list per team. The functions min, max, avg, median, sum, count and
// stddev make one value of a list, and of a list of lists one value per inner list;
// flatten takes one level of lists away, set_intersection keeps what all lists hold.
// So the first expression above is the average of each team, the second that of all.
//
// The types of rules:
//
//   - distance bounds how far numbers lie from a reference,
//   - comparison holds values against a reference by <, <=, =, !=, >, >=, or players
//     among each other by = (all alike) and != (all different),
//   - collection counts in lists of strings: what all have in common, how many have
//     something, how much each shares with a reference,
//   - latency wants a place that is near enough for everybody,
//   - batchDistance keeps everybody close in one attribute; it is the cheapest,
//   - compound combines other rules: or(and(a, b), not(c)). The rules that it names
//     count only through it,
//   - absoluteSort and distanceSort reject nobody: they say whom to try first.
//
// ParseRuleSet turns such a document into a RuleSet, or says everything that is wrong
// with it and where. What is accepted and yet looks like a mistake is listed by
// RuleSet.Warnings.
//
// # A pool
//
// NewPool makes a matchmaker of a rule set. From then on
//
//	effects := pool.Step(now, inputs...)
//
// is the whole protocol: inputs are requests that arrive (Start), are withdrawn (Stop)
// or answered (Answer), and news of the sessions that matches got (Placed, NotPlaced);
// effects are what became of them (Searching, Proposed, Matched, Expired ...), each with
// its instant. Between steps nothing happens, but things fall due: an expansion, a
// timeout. Call Step again at Deadline, also without inputs. There is no tick: a match
// that is possible is made in the very Step that makes it possible. A program that owns
// a Pool is thus a loop that waits for the earlier of an input and the deadline; the
// example of Pool.Step is such a loop in simulated time.
//
// With Config.AcceptanceRequired a match is only Proposed at first, until all players
// have accepted it by Answer. A backfill is a ticket of the players of a running session
// (Ticket.Backfill), who keep their teams; those who are matched with it join them.
// Pool.Explain says of a ticket that waits what stands in its way.
//
// # How a match is made
//
// The oldest waiting ticket is the anchor. Around it the search seats other tickets,
// oldest first, in every team, and leaves a branch when no further ticket could mend it.
// If a match with the anchor exists, one is found: of those with the most players, that
// of the oldest tickets. If not, the next oldest is the anchor. The search is exact up
// to a bound on its work; beyond it settles for the best match seen.
//
// Amazon splits a large pool into batches that it does not describe. Here the batch is
// the pool up to 300 tickets. In a larger one the first full match that the oldest
// compatible tickets make is taken, tickets change places or give way where its teams
// are not alike, and at the end partners are exchanged so that nobody is left over who
// could have had one.
//
// What rules demand of any two tickets (an equal value, a bounded distance, a location
// in common) is answered by an index, so that a ticket costs what it could be matched
// with and not what waits.
//
// A candidate match has an age: that of its newest ticket, or its oldest if the rule
// set says so. Expansions apply by this age, so each candidate is judged by the rules
// that are in force for it, and a smaller match of older tickets may be possible when a
// larger one with a young ticket is not.
//
// Rule sets for more than 40 players fill teams greedily from tickets that share a
// location and are alike, and then balance the teams.
//
// # What it will not do
//
// It keeps no tickets after they are done, tells no player anything, finds no session
// and knows no game. A ticket without a declared attribute that has no default, or
// without latencies where a rule wants them, is accepted and never matched, as Amazon's
// service does: RuleSet.Attributes and UsesLatency tell a caller before.
//
// Where Amazon's documents are silent or contradict each other, the function that
// decides says so in its comment, and where both readings are sensible, ParseOptions or
// Config has a choice.
package flexmatch

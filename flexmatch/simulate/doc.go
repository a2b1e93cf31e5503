// Package simulate runs a FlexMatch rule set on a population of players that exists only
// on paper, to show before anyone ships a rule how long players would wait and how good
// their matches would be.
//
// ParsePopulation reads who plays and when: players by the hour, skill, parties, regions
// with latencies, patience. ParseRules reads a rule set. Then
//
//	results, err := simulate.Run(ctx, []simulate.Rules{rules}, simulate.Options{Population: population})
//
// simulates a day in moments: discrete events in simulated time over a flexmatch.Pool,
// the very matchmaker that matches real players. With two rule sets or more, each gets
// the same players at the same instants, with the same patience. The same seed gives the
// same results. A Result is data (JSON has all of it); package report shows one or several
// side by side, as tables and as a page with charts.
//
// # What is counted
//
// Waiting and outcomes are counted per player, at the time the player joined the queue;
// what a match is like is counted per match, when it is made. Waiting times are those of
// players who were matched: who gave up is counted separately, and a rule set that makes
// many players give up can look fast. Percentiles come from sketches of bounded size
// whose values are true to 1 %; counts, means and extremes are exact.
//
// # What it will not do
//
// It places no sessions, makes no backfill requests and knows no game: a match takes as
// long as the population says. It opens no files and has no clock.
package simulate

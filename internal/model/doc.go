// Package model plays random histories of a whole service against every store driver
// and checks what must hold whatever happens: players who come and are deleted, their
// names and documents, parties, tickets, matches, sessions, backfill, and results in seasons
// that turn, on several replicas that crash in the middle of a call, with events that are
// lost, doubled or late, and clocks that jump.
//
// One of the drivers is that of DynamoDB on a stand-in with DynamoDB's failures.
//
// It has only tests. A history is a seed: MUSTER_SEEDS says how many to play,
// MUSTER_SEED plays one alone and tells its steps. GameLift is played by lift_test.go,
// what can happen stands in functions whose names end in Actions, and what must hold in
// those that begin with check.
package model

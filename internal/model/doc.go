// Package model plays random histories of a whole service against every store driver
// and checks what must hold whatever happens: players, parties, tickets, matches and
// results, on several replicas that crash in the middle of a call, with events that are
// lost, doubled or late, and clocks that jump.
//
// It has only tests. A history is a seed: MUSTER_SEEDS says how many to play,
// MUSTER_SEED plays one alone and tells its steps. GameLift is played by lift_test.go,
// what can happen stands in the actions_*_test.go files, and what must hold in
// invariants_test.go.
package model

// Package hosting is the state of the machines that run game servers: fleets and
// their computes, server processes, game sessions, player sessions, queues and
// placements, with every rule and timer that Amazon GameLift applies to them.
//
// A World is state in, effects out. It has no clock, goroutine, lock, network or
// global randomness: every change takes the current instant, and what the outside
// must do or may be told collects as Effects. The same calls give the same effects.
//
// Use it so, under one lock:
//
//	session, err := world.CreateSession(now, request) // or any other change
//	effects := world.Take()                           // also after an error
//
// then, with the lock released, perform the effects in order. Sleep until Deadline
// and call Advance. A change runs the timers that are due by its instant before it
// does anything itself, so an operation never sees an expired reservation; a caller
// that only reads calls Advance first if that matters to it.
//
// What the package does not do: it does not check the shape of requests (lengths,
// alphabets), keep resources over a restart, resolve aliases or speak a protocol.
package hosting

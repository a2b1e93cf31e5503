// Package muster is the glossary and the rules of Muster, the backend service
// between a multiplayer game's clients and Amazon GameLift.
//
// It holds the types that every other package speaks of (player, identity, mode,
// ticket, match, session, seat, result, slot), the decisions about them, the kinds of
// error, and the ports that the outside world is reached through: Store, GameLift and
// Notifier. It imports the standard library only, knows no transport, no database and
// no clock of its own: time, ids and the outside come in through Options.
//
// Start at Backend: its methods are what a player or a game server may ask for.
// Nothing here starts a goroutine before Backend.Run.
package muster

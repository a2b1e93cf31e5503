// Package identity turns a proof of who someone is into a player and signed tokens,
// and signed tokens back into a caller.
//
// Start with [LoadOrCreateKeys] (a laptop) or [ParseKeys] (a deployment), then [New].
// [Service.Guest] signs in, [Service.Refresh] renews, [Service.Verify] checks an access
// token. A new provider is one file with one method that proves an identity, asks
// Accounts for its player and ends in Service.grant.
//
// What is kept at rest is hashes: of guest secrets, passwords, refresh tokens, recovery codes
// and server keys. The secrets of authenticator apps, which have to be read again, are sealed
// ([FactorSeal]). Nothing secret is logged, nor part of an error.
//
// An access token is a JWT (typ "at+jwt", EdDSA) that lives for minutes and is checked
// without the store, so a sign-out ends it only when it expires. A join token (typ
// "join+jwt", audience "game-session") is what a game server checks with the published
// keys; neither passes for the other.
package identity

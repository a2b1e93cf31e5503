// Package cognito joins Muster to Amazon Cognito: players of user pools and of identity
// pools are players here, and players here can have AWS credentials.
//
//   - [UserPools] is the way in for tokens of user pools, [IdentityPools] for OpenID tokens
//     of identity pools. Both check tokens by the pools' published keys and ask Cognito
//     nothing else: a token that Cognito has revoked since is taken until it expires.
//   - [Users] signs up, signs in and resets passwords at a user pool for clients without an
//     AWS SDK. Package srp beside it proves a password without sending it.
//   - [Developer] has an identity pool vouch for a player, so that their client gets AWS
//     credentials.
//
// Text of Cognito never reaches a client. What a call tells about an account is the same
// whether it exists or not, as far as Cognito allows; Users says where it does not.
package cognito

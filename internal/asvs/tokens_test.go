package asvs

var tokens = []row{
	{
		"9.1.1", "a token's signature is checked before its content counts", met,
		"Ours, and those of every platform",
		[]string{"identity.TestAccessTokensThatAreRefused", "identity/provider.TestTokensThatProveNothing", "aws/cognito.TestTokensThatDoNotSignIn"},
	},
	{
		"9.1.2", "only listed algorithms; never none; no confusion of keys", met,
		"A key verifies the one algorithm that it is for: EdDSA, ES256 or RS256 for ours. Neither `none` nor shared secrets are ever taken for a signature of a platform",
		[]string{"identity.TestAccessTokensThatAreRefused", "identity.TestTokensOfEveryKindOfKey", "identity/provider.TestAlgorithmsThatAreTaken", "identity/provider.TestTokensThatProveNothing"},
	},
	{
		"9.1.3", "keys come from configured sources; `jku`, `x5u`, `jwk` do not name them", met,
		"Keys are those of the configured issuer, from its own host. What a token names is ignored or refused; Xbox's `jku` and the URL of Game Center's certificate must be on the platform's host, and the certificate descend from its authority",
		[]string{"identity.TestAccessTokensThatAreRefused", "identity/provider.TestTokensThatProveNothing", "identity/provider.TestAnIssuerDescribesItself", "identity/provider.TestAddressesThatAreTheIssuersOwn", "identity/provider.TestTokensThatAreNotFromXbox", "identity/provider.TestCertificatesOfGameCenterThatAreNotUsed", "identity/provider.TestCertificatesStandWhereApplesDo", "identity/provider.TestACertificateOfApplesIsTrusted"},
	},
	{
		"9.2.1", "`exp` and `nbf` are obeyed", met,
		"Ours must have both, and end to the second; a clock that is 30 seconds ahead is forgiven at the start",
		[]string{"identity.TestAccessTokensThatAreRefused", "identity.TestAReplicaWithASlowClockTakesAFreshToken", "identity/provider.TestTokensThatProveNothing", "identity/provider.TestWhatATokenMaySay"},
	},
	{
		"9.2.2", "a token counts for its purpose alone", met,
		"Access tokens have `typ` `at+jwt`, join tokens another. Access tokens of a platform do not sign in where its ID tokens do, and notices of Apple are no identity tokens",
		[]string{"identity.TestAccessTokensThatAreRefused", "identity/provider.TestTokensThatProveNothing", "identity/provider.TestWhatAppleTellsOfAccounts", "aws/cognito.TestTokensThatDoNotSignIn", "aws/cognito.TestAccessTokensAsTheyAre"},
	},
	{
		"9.2.3", "a token counts for its audience alone", met,
		"`aud` is `muster` for ours, and one of the configured client ids for those of platforms",
		[]string{"identity.TestAccessTokensThatAreRefused", "identity/provider.TestTokensThatProveNothing", "identity/provider.TestEnvironmentsAreKeptApart", "aws/cognito.TestTokensThatDoNotSignIn"},
	},
	{
		"9.2.4", "one key, several audiences: each token names its own", met,
		"Access tokens are for `muster`, join tokens for `game-session` and, by their claims, for one seat in one session. No audience is made up at run time",
		[]string{"identity.TestAJoinTokenTellsAGameServerWhoseSeatItIs", "identity.TestAccessTokensThatAreRefused"},
	},
}

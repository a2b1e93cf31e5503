package asvs

var oauth = []row{
	{
		"10.1.1", "tokens go only to those who need them", met,
		"Tokens of platforms stay here, those of a Cognito pool unless `showTokens` says otherwise. None is logged or taken from a URL; the socket's ticket, which must be in one, opens one socket",
		[]string{"aws/cognito.TestPoolsTokensStayHereUnlessAskedFor", "httpapi.TestTheAccessLogTellsWhatHappenedAndNoSecrets", "httpapi.TestRuleCredentialsNeverTravelInURLs", "identity.TestASocketTicketOpensOneSocket"},
	},
	{
		"10.1.2", "codes and ID tokens come from a flow that the same client began", partly,
		"Nonces are 256 random bits, ours, and good once; codes need their PKCE verifier. Where a platform binds its tokens to no nonce, a token works once. Which client began the flow is for the client to check: it carries both halves, and Muster sees only them",
		[]string{"identity.TestANonceBindsAProofToOneSignIn", "identity/provider.TestNoncesBindTokens", "identity/provider.TestCodesThatProveNothing", "identity.TestAProofThatWorksOnceIsTakenOnce"},
	},
	{
		"10.2.1", "PKCE or `state` against forged requests for tokens", met,
		"OpenID providers: a PKCE verifier always. Others as the platform allows. No page can have a code sent here: there is no redirect address and no cookie",
		[]string{"identity/provider.TestCodesThatProveNothing", "identity/provider.TestDiscordGetsTheCodeAsItWasAskedFor", "httpapi.TestCrossOriginIsOffByDefault"},
	},
	{
		"10.2.2", "a defence when there are several authorization servers", met,
		"The `iss` that came with a code, which clients pass on as `fields.iss`, must be that of the entry that they name, before the code is sent anywhere; `code.iss: required` refuses codes without. A code goes out with one of its entry's redirect addresses and its PKCE verifier, and the ID token that comes back must be of that issuer. Of platforms that tell no `iss` a redirect address of its own tells them apart",
		[]string{"identity/provider.TestACodeGoesToWhoeverIssuedIt", "identity/provider.TestCodesThatProveNothing", "identity/provider.TestTokensThatProveNothing", "identity/provider.TestDiscordIsNotAskedAboutCodesOfOtherPages"},
	},
	{
		"10.3.1", "access tokens count for this audience alone", met,
		"Ours by `aud`, those of Cognito by app client; opaque ones are asked about",
		[]string{"identity.TestAccessTokensThatAreRefused", "aws/cognito.TestAccessTokensAsTheyAre", "identity/provider.TestOpaqueTokensAreLookedAt"},
	},
	{
		"10.3.2", "decisions follow the claims of the access token", met,
		"`scope` decides which calls, `sub` whose things",
		[]string{"httpapi.TestEveryRouteIsForItsCallersAlone", "identity.TestGroupsAndScopesOfAForeignToken", "httpapi.TestWhatIsAnothersIsToAStrangerAsIfItDidNotExist"},
	},
	{
		"10.3.3", "users are known by claims that are never given to others", met,
		"A player of a foreign token is the issuer's entry and `sub`",
		[]string{"identity.TestAForeignTokenSpeaksForThePlayerOfItsSubject", "aws/cognito.TestTokensOfAUserPoolSignIn"},
	},
	{
		"10.3.4", "where recent or strong authentication is needed, the token shows it", met,
		"What changes ways in needs a sign-in of the last five minutes, looked up by the token's `sid`; foreign tokens have none and do not do",
		[]string{"identity.TestWaysInChangeOnlyAfterAFreshProof", "identity.TestALinkNeedsAFreshSignIn"},
	},
	{"10.4.1", "redirect addresses from a list", absent, noServer, nil},
	{"10.4.2", "authorization codes work once", absent, noServer, nil},
	{"10.4.3", "authorization codes are short-lived", absent, noServer, nil},
	{
		"10.4.4", "only the grants that a client needs; neither implicit nor password", absent,
		noServer + ". Signing in by password is a call of ours for the game's own client, not a grant to others", nil,
	},
	{
		"10.4.5", "refresh tokens that are used twice end the sign-in", met,
		"A refresh token works once. Within ten seconds of its use it gets the same new refresh token again, with another access token, since the answer may have been lost; any other repeat ends the sign-in for everybody who has a copy",
		[]string{"identity.TestReuseEndsTheFamily", "identity.TestALostAnswerIsGivenAgainForTenSeconds", "identity.TestSixtyFourRefreshesAtOnceAgree", "identity.TestAnInventedTokenEndsNothing", "e2e.TestAStolenRefreshTokenIsCaughtAtItsSecondUse", "e2e.TestTwoDevicesRefreshAtOnceAndNobodyIsTakenForAThief"},
	},
	{"10.4.6", "PKCE for codes that are given out", absent, noServer, nil},
	{"10.4.7", "clients that register themselves", absent, noServer + ", and no clients are registered", nil},
	{
		"10.4.8", "refresh tokens end for good", met,
		"With the sign-in, 30 days after it began",
		[]string{"identity.TestASignInEndsAfterThirtyDaysHoweverOftenRenewed"},
	},
	{
		"10.4.9", "users can revoke refresh tokens", met,
		"`GET` and `DELETE /v1/players/me/sign-ins`, `POST /v1/auth/logout-everywhere`",
		[]string{"identity.TestLogoutEndsTheFamilyAndMayBeRepeated", "httpapi.TestSignInsAndBans", "muster.TestSignOutEverywhereEndsWhatThereIsAndLetsThePlayerComeBack"},
	},
	{
		"10.4.10", "confidential clients authenticate", met,
		"Game servers and operators do, by keys of which hashes are kept, or by their AWS role. Muster itself proves itself to platforms as they ask",
		[]string{"identity.TestServerKeys", "identity.TestAdminKeys", "aws/sts.TestARoleIsProven", "identity/provider.TestWeProveOurselvesAsThePlatformWants"},
	},
	{
		"10.4.11", "clients get no more scope than they need", met,
		"A sign-in gives `guest` or `player`, a server's key `server`. No token of ours says `admin`, and one that did would be refused; foreign groups give it only where the configuration says so",
		[]string{"identity.TestAGuestWithAnotherWayInIsAPlayer", "identity.TestAccessTokensThatAreRefused", "identity.TestGroupsAndScopesOfAForeignToken", "httpapi.TestOnlyOperatorsInspect"},
	},
	{
		"10.5.1", "ID tokens are not replayed", met,
		"They are bound to a nonce of ours, which works once; without a nonce a token is remembered until it ends. `allowReuse` gives that up where an SDK leaves no choice",
		[]string{"identity/provider.TestNoncesBindTokens", "identity.TestANonceBindsAProofToOneSignIn", "identity/provider.TestOneTokenIsUsedUpHoweverItIsWritten", "identity.TestAProofThatWorksOnceIsTakenOnce"},
	},
	{
		"10.5.2", "users are known by a claim that is never given to others", met,
		"`sub`, unless `subjectClaim` names another. Names and e-mail addresses are never keys",
		[]string{"identity/provider.TestAGoodTokenProvesItsSubject", "identity/provider.TestTheSubjectMayBeAnotherClaim"},
	},
	{
		"10.5.3", "metadata must name the configured issuer", met,
		"To the letter; addresses on other hosts have to be configured",
		[]string{"identity/provider.TestAnIssuerDescribesItself", "identity/provider.TestAddressesThatAreTheIssuersOwn"},
	},
	{
		"10.5.4", "the ID token's `aud` is our client id", met,
		"And `azp`, where there is one",
		[]string{"identity/provider.TestTokensThatProveNothing", "identity/provider.TestTokensOfACertifiedProvider"},
	},
	{
		"10.5.5", "logout tokens are checked", absent,
		"Back-channel logout of OpenID Connect is not taken. Apple's notices, which are like it, are signed, typed by their events and work once",
		[]string{"identity/provider.TestWhatAppleTellsOfAccounts", "identity.TestNewsThatAreNone"},
	},
	{"10.6.1", "an OpenID provider's response modes", absent, noIssuer, nil},
	{
		"10.6.2", "nobody is logged out by force at an OpenID provider", absent,
		noIssuer + ". A logout here takes a token of the sign-in",
		[]string{"identity.TestAnInventedTokenEndsNothing"},
	},
	{"10.7.1", "users consent to each authorization", absent, noConsent, nil},
	{"10.7.2", "consent is asked for in clear words", absent, noConsent, nil},
	{"10.7.3", "users review and revoke consents", absent, noConsent, nil},
}

const (
	noServer  = "Muster is no authorization server for others: it has no authorization endpoint and gives out no codes"
	noIssuer  = "Muster issues no ID tokens; its metadata is there for gateways that check access tokens"
	noConsent = "Nobody but the game itself gets access, so there is no third party to consent to"
)

package asvs

var sessions = []row{
	{
		"7.1.1", "how long a session lasts, idle and at most, is written down with reasons", met,
		"[Tokens, keys, bans](identity.md#tokens-keys-bans): 30 days at most; 15 minutes without a renewal for the access token, and for a sign-in what `idleHours` says, by default the whole 30 days: players come back at weekends, and NIST SP 800-63B asks for no idle limit at its first level, for which 30 days are the bound",
		[]string{"identity.TestASignInThatRestsTooLongEnds", "identity.TestASignInEndsAfterThirtyDaysHoweverOftenRenewed", "identity.TestAnAccessTokenLivesFifteenMinutes"},
	},
	{
		"7.1.2", "how many sessions an account may have, and what happens beyond, is written down", met,
		"[20; the oldest gives way](identity.md#tokens-keys-bans)",
		[]string{"identity.TestAPlayerHoldsTwentySignIns"},
	},
	{
		"7.1.3", "sessions of federated systems are written down, with what ends them", met,
		"A sign-in here does not follow the session at a platform; [what holds when](identity.md#what-holds-when) says so for foreign tokens, and Apple's notices end sign-ins ([Apple](identity.md#apple-apple))",
		[]string{"identity.TestWhoWithdrawsThereIsSignedOutHere", "identity.TestAForeignTokenIsCheckedOnceAndItsPlayerNowAndThen"},
	},
	{
		"7.2.1", "tokens are verified by the backend", met,
		"Every call's token is verified where the call is served; nothing that a client says about itself counts",
		[]string{"identity.TestAccessTokensThatAreRefused", "httpapi.TestEveryRouteRefusesTheWrongCaller"},
	},
	{
		"7.2.2", "sessions have generated tokens, not fixed keys", met,
		"Players have access tokens and refresh tokens. The keys of operators and game servers are fixed: they are for programs and no session of a user; game servers may prove an AWS role for a token instead",
		[]string{"identity.TestARefreshTokenRotates", "identity.TestAGameServerProvesItselfForAToken", "aws/sts.TestARoleIsProven"},
	},
	{
		"7.2.3", "reference tokens are random, of 128 bits or more", met,
		"Refresh tokens and guests' secrets have 256 bits of crypto/rand. The store has hashes alone",
		[]string{"identity.TestTextsThatAreNoRefreshToken", "identity.TestTheStoreHoldsNoToken", "identity.TestOnlyTheHashOfAGuestSecretIsKept"},
	},
	{
		"7.2.4", "signing in gives a new token and ends the one before", met,
		"Every sign-in and every renewal gives new tokens. A renewal voids the refresh token before; a sign-in ends the earlier one of the same device, but for those of the last ten seconds, which a lost answer may be of. Its refresh token is void at once; of its access tokens and sockets every replica hears, and one that no message reaches takes such a token until it ends, within 15 minutes. Which device it is says the client, in `Muster-Device`; of one that says nothing the earlier sign-in stays until a logout, its end, or the limit of 20",
		[]string{"identity.TestARefreshTokenRotates", "identity.TestANewSignInEndsTheEarlierOneOfItsDevice", "identity.TestATokenOfAReplacedSignInLivesNoLongerThanTheMessageOrItself", "identity.TestManySignInsOfOneDeviceAtOnce", "e2e.TestManySignInsOfOneDeviceAtOnceLeaveFew", "cmd/muster.TestADeviceThatSignsInAgainIsSignedInOnce"},
	},
	{
		"7.3.1", "idle sessions end, as the written risk analysis says", met,
		"An access token that is not renewed ends after 15 minutes, and a sign-in after `idleHours`, from one hour to the 30 days that it may last as a whole (7.1.1)",
		[]string{"identity.TestASignInThatRestsTooLongEnds", "identity.TestARestIsCountedFromTheLatestRenewal", "cmd/muster.TestHowLongSignInsLastIsConfiguration", "identity.TestAnAccessTokenLivesFifteenMinutes", "identity.TestASignInEndsAfterThirtyDaysHoweverOftenRenewed"},
	},
	{
		"7.3.2", "sessions end after an absolute time", met,
		"30 days after the sign-in, however often it was renewed",
		[]string{"identity.TestASignInEndsAfterThirtyDaysHoweverOftenRenewed"},
	},
	{
		"7.4.1", "a session that ended is of no more use", met,
		"Logout voids the refresh token, the access tokens that descend from the sign-in, and its sockets, at every replica: see [what holds when](identity.md#what-holds-when), with the bounds for lost messages. Signing out everywhere ends tokens of a Cognito pool that are taken directly, too, unlinking a way in the sign-ins that were opened by it",
		[]string{"identity.TestLogoutEndsTheFamilyAndMayBeRepeated", "identity.TestUnlinkingEndsTheSignInsOfTheWayIn", "muster.TestSigningOutEverywhereEndsTokensOfOtherIssuers", "muster.TestAnEndedSignInIsRefusedAndTheOthersAreNot", "realtime.TestOnlyTheSocketsOfAnEndedSignInClose", "realtime.TestWhoIsRevokedWithoutNoticeIsDisconnectedWithinASecond"},
	},
	{
		"7.4.2", "sessions of an account that is disabled or deleted end", met,
		"A ban, a deletion and a merge end all sign-ins, tokens and sockets at once",
		[]string{"muster.TestABannedPlayerIsOutAtOnce", "muster.TestFromTheDeletionOnThePlayerDoesNotExist", "muster.TestAnotherReplicaLearnsOfADeletion", "cmd/muster.TestAfterADeletionNothingOfTheSignInWorks", "identity.TestWhoIsBannedNeitherSignsInNorRenews"},
	},
	{
		"7.4.3", "after a change of a factor all other sessions can be ended", met,
		"Setting or resetting a password and turning a second factor on end the others by themselves, those included that are being opened. After taking it away, a link or unlink the player may sign out everywhere",
		[]string{"identity.TestAPasswordIsChangedByItsOwner", "identity.TestAForgottenPasswordIsReset", "identity.TestAFactorThatIsSetUpEndsTheOtherSignIns", "identity.TestAFactorThatHasToBeSetUpEndsTheOtherSignIns", "identity.TestASignInThatReadWhatIsBeingChangedDoesNotOutliveIt", "identity.TestASignInThatIsWrittenWhileOthersEndHasNoGoodToken", "muster.TestSignOutEverywhereEndsWhatThereIsAndLetsThePlayerComeBack"},
	},
	{
		"7.4.4", "pages have a visible way to log out", absent,
		"Muster has no pages for players but those of its demo game, whose players are guests of one browser. `POST /v1/auth/logout` is there for the game's own", nil,
	},
	{
		"7.4.5", "operators can end the sessions of one user, or of all", met,
		"Of one: `POST /v1/admin/players/{id}/sign-out`, or a ban. Of all: [`POST /v1/admin/sign-out-everyone`](identity.md#signing-everyone-out) voids every sign-in from before, at every replica and after a restart",
		[]string{"httpapi.TestSignInsAndBans", "muster.TestSignOutEverywhereEndsWhatThereIsAndLetsThePlayerComeBack", "httpapi.TestWhatOperatorsDoForPlayersAndToAll", "muster.TestTheEndOfAllSignInsReachesEveryReplicaAndOutlivesThem", "identity.TestWhenEveryoneIsSignedOutNothingOlderIsGood", "identity.TestARefreshThatRacesWithTheEndOfAllSignInsGainsNothing", "realtime.TestWhenEveryoneIsSignedOutOnlyNewerSocketsStay"},
	},
	{
		"7.5.1", "who changes how an account is signed in to authenticates anew first", met,
		"Linking, unlinking, merging, the address and the password need a sign-in of the last five minutes, the present password, or the guest's secret; a refresh token does not do. A second factor is turned on with the present password, and taken away right after a sign-in by who shows it besides; with one the present password alone does not do. To delete the account a refresh token does, or the guest's secret",
		[]string{"identity.TestAFactorIsSetUpByWhoShowsThePassword", "identity.TestAFactorIsTakenAwayByWhoShowsIt", "identity.TestThePasswordAloneChangesNothingWhereThereIsAFactor", "identity.TestWaysInChangeOnlyAfterAFreshProof", "identity.TestALinkNeedsAFreshSignIn", "identity.TestAPasswordIsChangedByItsOwner", "identity.TestAnAddressIsChangedOnceTheNewOneIsProven", "httpapi.TestAnAccountIsDeletedWithAProofAlone"},
	},
	{
		"7.5.2", "users see their sessions, and end them after authenticating anew", met,
		"Players list their sign-ins and end any or all, after a sign-in of the last five minutes or with the guest's secret, unless `freshToSignOut: false` says otherwise. To end one's own is a logout, and needs nothing",
		[]string{"httpapi.TestOtherSignInsEndAfterAFreshProof", "identity.TestSignInsEndByAFreshSignInAlone", "cmd/muster.TestAFreshSignInEndsOthersUnlessTheConfigurationSaysOtherwise", "identity.TestSignInsAreListedWithTheOneThatAsks", "httpapi.TestSignInsAndBans", "muster.TestSignOutEverywhereEndsWhatThereIsAndLetsThePlayerComeBack"},
	},
	{
		"7.6.1", "sessions here and at the identity provider end as is written", met,
		"As in 7.1.3. `maxAuthAgeSeconds` refuses tokens of players who signed in at the provider too long ago",
		[]string{"identity/provider.TestWhatATokenMaySay", "identity.TestWhoWithdrawsThereIsSignedOutHere", "identity/provider.TestWhatAppleTellsOfAccounts"},
	},
	{
		"7.6.2", "no session without an act of the user", met,
		"A sign-in is a POST with a proof, which only the game's client sends. There are no cookies and no redirects, so no page can start one, and other origins are refused unless they are named",
		[]string{"identity.TestProofsThatSignNobodyIn", "httpapi.TestCrossOriginIsOffByDefault"},
	},
}

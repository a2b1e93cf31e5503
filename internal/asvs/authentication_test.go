package asvs

var authentication = []row{
	{
		"6.1.1", "how guessing is slowed, and how nobody is locked out, is written down", met,
		"[Limits](identity.md#limits) and [guesses](identity.md#guesses), with keys, defaults and reasons. Nobody is locked out: waits grow per source first, a known device has a count of its own, and other ways in work all the time",
		[]string{"identity.TestWrongPasswordsSlowTheGuesserAndNotTheOwner", "limit.TestAFloodFromManyAddressesIsSlowedAndAKnownDeviceGetsIn", "cmd/muster.TestLimitsAreConfiguration", "cmd/muster.TestLimitsAreOnByThemselvesButForThisMachine"},
	},
	{
		"6.1.2", "words that passwords must not be made of are written down", met,
		"[Passwords](identity.md#passwords): the e-mail address, the player's name, the game's name and the configured `words`",
		[]string{"identity.TestPasswordsThatMayBeChosen"},
	},
	{
		"6.1.3", "all ways in are written down, with how strong each is", met,
		"[E-mail and password](identity.md#e-mail-and-password), [providers](identity.md#providers), [Cognito](identity.md#amazon-cognito-user-pools) and [identity pools](identity.md#identity-pools-and-iam) have each with what is checked; [what else must be shown](identity.md#what-else-must-be-shown) what no single way in is enough for",
		[]string{"cmd/muster.TestProvidersOfTheDocumentationAreTaken", "identity.TestEveryReasonHasAnAnswerAndAPlaceInTheDocuments"},
	},
	{
		"6.2.1", "passwords of at least 8 characters; 15 recommended", met,
		"12 unless configured otherwise, never fewer than 8",
		[]string{"identity.TestPasswordsThatMayBeChosen"},
	},
	{
		"6.2.2", "users can change their password", met,
		"`PUT /v1/auth/password`",
		[]string{"identity.TestAPasswordIsChangedByItsOwner", "httpapi.TestPasswords"},
	},
	{
		"6.2.3", "a change needs the present password", met,
		"Always, and to set a second factor up, too, unless `changeAfterSignIn` lets a sign-in of the last five minutes do. All other sign-ins end, and the owner gets a mail. Who has forgotten it has a code sent (6.4.3)",
		[]string{"identity.TestAPasswordIsChangedByItsOwner", "identity.TestAFreshSignInChangesAPasswordWhereThatIsEnough", "identity.TestAFactorIsSetUpByWhoShowsThePassword", "identity.TestAGuestHasNoPasswordToChange"},
	},
	{
		"6.2.4", "common passwords, 3,000 at least, are refused", met,
		"A list of 29,706 is built in; case, and digits and signs around it, do not help",
		[]string{"identity.TestPasswordsThatMayBeChosen"},
	},
	{
		"6.2.5", "no rules about kinds of characters", met,
		"Any script; control characters alone are refused",
		[]string{"identity.TestPasswordsThatMayBeChosen"},
	},
	{"6.2.6", "password fields hide what is typed", absent, noPages, nil},
	{"6.2.7", "pasting and password managers are allowed", absent, noPages, nil},
	{
		"6.2.8", "a password is verified as it was typed", partly,
		"Nothing is cut off or folded. Two ways of writing one text in Unicode are the same (NFC), as NIST SP 800-63B recommends, or keyboards would lock players out",
		[]string{"identity.TestTheSameTextIsTheSamePassword", "identity.TestPasswordsThatMayBeChosen"},
	},
	{
		"6.2.9", "passwords of 64 characters are allowed", met, "128 are",
		[]string{"identity.TestPasswordsThatMayBeChosen"},
	},
	{
		"6.2.10", "passwords do not age", met, "No password ends by itself",
		[]string{"identity.TestAPasswordDoesNotAge"},
	},
	{
		"6.2.11", "the written words are used to refuse passwords", met,
		"Refused is what has fewer than six characters besides them",
		[]string{"identity.TestPasswordsThatMayBeChosen"},
	},
	{
		"6.2.12", "breached passwords are refused", partly,
		"Common ones always. Lists of breaches, in a file or from a service that is asked for ranges, once they are configured",
		[]string{"identity.TestAListInAFile", "identity.TestAServiceIsAskedForARangeAlone", "identity.TestPasswordsThatMayBeChosen"},
	},
	{
		"6.3.1", "guessing is slowed as is written", met,
		"By one account from one address, one account from everywhere, and one address over all accounts; replicas share the counts. What cannot be counted is not judged",
		[]string{"identity.TestWrongPasswordsSlowTheGuesserAndNotTheOwner", "limit.TestAFloodFromOneAddressSlowsThatAddressAndNotThePlayer", "limit.TestOneAddressThatTriesManyAccountsIsSlowed", "limit.TestManyGuessesAtOnceAreAsManyAsAreFree", "limit.TestReplicasShareALimit", "limit.TestAStoreThatIsDownLetsSpendersThroughAndNoGuess", "cmd/muster.TestALimitOfTheFileHolds"},
	},
	{
		"6.3.2", "no default accounts", met,
		"There are none; `muster up` makes random keys for its folder. Without a key of an operator in the configuration there are no calls for operators",
		[]string{"cmd/muster.TestWithoutAnAdminKeyThereAreNoCallsForOperators", "httpapi.TestWithoutAdminKeysThereAreNoCallsForOperators"},
	},
	{
		"6.3.3", "two factors", partly,
		"For e-mail and password with [`secondFactor: required`](identity.md#a-second-factor): codes of an authenticator app, or recovery codes, wherever a password proves somebody. By default each player decides, since what is behind it is a game. A guest's secret or one platform's proof is enough; platforms have factors of their own, and those of a Cognito pool are passed through. What could take an account away needs a fresh proof besides (7.5.1); new devices are recorded",
		[]string{"identity.TestAfterThePasswordACodeIsAskedFor", "identity.TestWhereItIsRequiredAFactorIsSetUpBeforeTheFirstSignIn", "identity.TestWhereItIsRequiredAProofWithoutAFactorProvesNothing", "identity.TestEveryPlaceWhereAPasswordProvesAsksForTheFactor", "identity.TestALinkAskedForTwiceIsNoWayAroundTheFactor", "identity.TestSwitchedOffFactorsAreStillAskedFor", "cmd/muster.TestASecondFactorOverHTTP"},
	},
	{
		"6.3.4", "no unwritten ways in, and the same controls on all", met,
		"All calls stand in the OpenAPI document, with who may make them, but for those of [sample clients](sample-clients.md), which are off by default. Bans, deletions and limits on sign-ins stand in the account, whichever way in is used. The ways differ in strength (6.3.3)",
		[]string{"httpapi.TestTheDocumentHasEveryRouteWithItsSecurity", "httpapi.TestEveryRouteRefusesTheWrongCaller", "identity.TestWhoIsBannedNeitherSignsInNorRenews", "identity.TestABannedPlayerDoesNotSignInByPassword", "samples.TestSignInsOfSampleClientsThatAreRefused"},
	},
	{
		"6.4.1", "codes that activate are random, short-lived, and no lasting password", met,
		"No passwords are made for players. A code works once, for an hour or ten minutes",
		[]string{"identity.TestCodesFollowNoPattern", "identity.TestCodesExpire", "identity.TestACodeIsUsedOnceHoweverManyBringItAtOnce"},
	},
	{
		"6.4.2", "no hints and no secret questions", met,
		"No call takes or tells one",
		[]string{"httpapi.TestNoCallKnowsHintsOrSecretQuestions"},
	},
	{
		"6.4.3", "a forgotten password is reset safely", met,
		"By a code to the address, which works once for ten minutes; every sign-in ends and the owner is told. A second factor stays on and is asked for; Cognito resets its own",
		[]string{"identity.TestAForgottenPasswordIsReset", "identity.TestAForgottenPasswordIsNoWayAroundTheFactor", "identity.TestALinkResetsWithoutAnythingElse", "identity.TestKnownAndUnknownAddressesAreTheSame", "aws/cognito.TestPasswordsAreResetAndChanged"},
	},
	{
		"6.4.4", "a lost second factor is replaced with proof of identity", partly,
		"A recovery code does. Without one an operator takes the factor away, who [has to be sure](operations.md#take-a-lost-second-factor-away) that it is the owner who asks; how strong that proof is lies with the studio, which has no more of a player than what they signed up with. It is recorded, and the owner gets a mail. Those of Cognito are replaced there",
		[]string{"identity.TestARecoveryCodeWorksOnce", "identity.TestAnOperatorTakesAFactorAwayAndTheOwnerIsTold", "muster.TestAnOperatorTakesALostFactorAway", "httpapi.TestSecondFactors"},
	},
	{
		"6.5.1", "codes work once", met,
		"Mailed codes, nonces and tickets of sockets do, codes of authenticators and recovery codes: in one write with what they allow",
		[]string{"identity.TestACodeIsUsedOnceHoweverManyBringItAtOnce", "identity.TestACodeOfAnAuthenticatorWorksOnce", "identity.TestOneOfManyAnswersWithOneCodeGetsIn", "identity.TestARecoveryCodeWorksOnce", "muster.TestOneOfManyUsesOfACodeIsTaken", "identity.TestANonceBindsAProofToOneSignIn", "identity.TestOfManyWhoShowOneTicketOneGetsIn"},
	},
	{
		"6.5.2", "lookup secrets that can be guessed are hashed as passwords are", met,
		"Codes are not stored at all: they follow from the request's id and the signing keys. Guests' secrets have 256 bits, recovery codes 120, and are kept as SHA-256",
		[]string{"identity.TestNoSecretOfAMailIsKept", "identity.TestNoSecretOfAFactorIsKept", "identity.TestRecoveryCodesFollowNoPattern", "identity.TestOnlyTheHashOfAGuestSecretIsKept"},
	},
	{
		"6.5.3", "codes come from a good source of chance", met,
		"Mailed codes from 256 bits of crypto/rand for each request, by HMAC-SHA256 with a secret key; recovery codes and the secrets of authenticators from crypto/rand",
		[]string{"identity.TestCodesFollowNoPattern", "identity.TestRecoveryCodesFollowNoPattern"},
	},
	{
		"6.5.4", "codes have 20 bits or more", met, "Mailed ones 40, in eight characters, recovery codes 120",
		[]string{"identity.TestCodesFollowNoPattern", "identity.TestRecoveryCodesFollowNoPattern"},
	},
	{
		"6.5.5", "codes last ten minutes at most", partly,
		"Those that reset a password do, unless `resetMinutes` is set higher. Those that prove an address do so for an hour, since mails are slow; but after ten minutes a code signs in only together with the password that was chosen, and adds an address only for who is signed in. Codes of authenticators change every 30 seconds, but the one before and the one after are taken too, since clocks differ",
		[]string{"identity.TestAForgottenPasswordIsReset", "identity.TestCodesExpire", "identity.TestACodeAloneSignsInForTenMinutes", "identity.TestALateCodeDoesNotHelpToGuessAPassword", "identity.TestCodesThatAreTaken", "identity.TestCodesAreThoseOfTheStandard"},
	},
	{
		"6.6.1", "codes by telephone only beside better ones", absent,
		"Muster sends none. A Cognito pool may; that is set up there", nil,
	},
	{
		"6.6.2", "a code is for the request that it was made for", met,
		"It needs the id that the call answered, and is for one purpose. The code of an authenticator needs the session that the right password was answered with, which ends with its sign-in",
		[]string{"identity.TestACodeIsGoodForItsPurposeAlone", "identity.TestTheFirstToProveAnAddressHasIt", "identity.TestAChallengeEndsWithWhatEndsSignIns", "identity.TestAChallengeLastsFiveMinutes"},
	},
	{
		"6.6.3", "guessing of codes is limited", met,
		"Five wrong tries end a request, also at once; an address gets a bounded number of mails an hour, of which a stranger has but a few, and who asks for many waits ([limits](identity.md#limits)). Five wrong answers end a challenge after a password, an account has ten challenges in five minutes, and wrong codes slow down the next; the owner is told",
		[]string{"identity.TestFiveWrongAnswersEndAChallenge", "identity.TestGuessesAtAFactorAtOnceAreCounted", "identity.TestAnAccountHasTenChallengesInFiveMinutes", "identity.TestWrongCodesSlowDownWhoKnowsThePassword", "identity.TestFiveWrongCodesEndARequest", "identity.TestGuessesAtOnceAreCounted", "identity.TestAnAddressIsNotFloodedWithMails", "identity.TestAStrangerDoesNotUseUpTheOwnersLetters"},
	},
	{
		"6.8.1", "nobody comes in as another by a second identity provider", met,
		"An identity is the provider's entry and its subject. E-mail addresses link nothing",
		[]string{"muster.TestTheSameSubjectOfTwoProvidersIsTwoPlayers", "identity/provider.TestAClientDoesNotChooseTheSubject"},
	},
	{
		"6.8.2", "signatures of assertions are always checked", met,
		"Of tokens, of Facebook's player info, of Game Center's proofs; what is not signed is asked about at the platform",
		[]string{"identity/provider.TestTokensThatProveNothing", "identity/provider.TestPlayerInfoThatProvesNobody", "identity/provider.TestSignaturesOfGameCenterThatProveNothing", "identity/provider.TestTokensThatAreNotFromXbox", "aws/cognito.TestTokensThatDoNotSignIn"},
	},
	{
		"6.8.3", "SAML assertions work once", absent,
		"Muster takes none. Other proofs work once as well",
		[]string{"identity.TestAProofThatWorksOnceIsTakenOnce"},
	},
	{
		"6.8.4", "strength and recency that are expected of a provider are verified", met,
		"`maxAuthAgeSeconds` by `auth_time`, `requiredClaims` for `acr` and the like. By default none is expected: every way in counts as one factor, and what needs a fresh sign-in needs one here",
		[]string{"identity/provider.TestWhatATokenMaySay", "identity/provider.TestTheSubjectMayBeAnotherClaim", "identity.TestWaysInChangeOnlyAfterAFreshProof"},
	},
}

const noPages = "Muster has no pages with passwords: the game's client has"

package main

import "log/slog"

// announceName warns when the game has no name in what players of a served backend keep: an
// authenticator app shows for ever what it was told first.
func (c *identityConfig) announceName(log *slog.Logger) {
	if c.Passwords != nil && c.Mail.Game == "" && c.Limits.hosted {
		log.Warn("the game has no name: mails and authenticator apps call it \"this game\", and apps that were set up keep that", "key", "identity.mail.game")
	}
}

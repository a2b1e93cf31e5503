package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"muster"
	"muster/httpapi"
	"muster/identity"
	letters "muster/mail"
)

// passwordParts is what signing in by e-mail and password is made of.
type passwordParts struct {
	conf     *identityConfig
	hasher   *identity.PasswordHasher // nil: there are no passwords
	keys     identity.KeySource
	rules    *muster.Backend
	store    muster.Store
	terminal io.Writer // who reads it reads the mails, unless they are sent; nil: nobody does
	tools    providerTools
	function bool // of Lambda: mails are left to its schedule
	codes    *identity.MailCodes
	outbox   *letters.Outbox
	seal     *identity.FactorSeal
	factors  *identity.Factors

	takeBackMails []muster.TakeBackMails // of what serve has made
}

// provide adds the way in to the providers, if there are passwords.
func (p *passwordParts) provide(providers map[string]identity.Provider, limits muster.Limits) error {
	if p.conf.Passwords == nil {
		return nil
	}
	sender, err := p.sender()
	if err != nil {
		return err
	}
	c := p.conf.Passwords.Hashing
	p.hasher = identity.NewPasswordHasher(identity.HashOptions{
		MemoryKiB: uint32(or(c.MemoryKiB)), Passes: uint32(or(c.Passes)), AtOnce: or(c.AtOnce), Queue: or(c.Queue), //nolint:gosec // check bounds them
	}, rand.Reader)
	p.codes = identity.NewMailCodes(p.keys, p.tools.now, p.conf.Passwords.Page)
	p.outbox = letters.NewOutbox(letters.OutboxOptions{
		Store: p.store, Sender: sender, Templates: p.conf.Mail.templates, Game: p.game(),
		Reveal: p.codes.Reveal, Now: p.tools.now, NewID: newID, Log: p.tools.log, Leave: p.function,
	})
	p.provideFactors(limits)
	providers[muster.EmailProvider] = identity.EmailProvider{Accounts: p.rules, Hasher: p.hasher, Store: p.store, Limits: limits, Factors: p.factors}
	return nil
}

// provideFactors makes what asks for second factors.
func (p *passwordParts) provideFactors(limits muster.Limits) {
	p.seal = identity.NewFactorSeal(identity.FactorSealOptions{
		Store: p.store, Keys: p.keys, NewID: newID, Now: p.tools.now, Random: rand.Reader, Log: p.tools.log,
	})
	p.factors = identity.NewFactors(identity.FactorOptions{
		Accounts: p.rules, Store: p.store, Seal: p.seal, Outbox: p.outbox, Limits: limits,
		Mode: identity.FactorMode(p.conf.Passwords.SecondFactor), Game: p.game(), Now: p.tools.now, Random: rand.Reader, Log: p.tools.log,
	})
}

// game is what mails and authenticator apps call the game.
func (p *passwordParts) game() string { return cmp.Or(p.conf.Mail.Game, "this game") }

// serve adds the calls to the interface, and to the backend what sends mails.
func (p *passwordParts) serve(ids *identity.Service, o *httpapi.Options, b *backend) error {
	if p.hasher == nil {
		return nil
	}
	passwords, err := p.open(ids)
	if err != nil {
		return err
	}
	o.Passwords, o.Factors, o.TakeFactorAway = passwords, passwords, passwords.TakeFactorAway
	b.mail, b.outbox, b.seal = p.outbox.Run, p.outbox, p.seal
	b.rounds = append(b.rounds, p.outbox.Round, p.seal.Follow)
	p.takeBackMails = []muster.TakeBackMails{passwords.TakeBackCodes, p.outbox.TakeBack} // a code that is gone sends no letter again
	return nil
}

// followKeys has second factors sealed by the signing keys of now, before any is dropped.
func (b *backend) followKeys(ctx context.Context) error {
	if b.seal == nil {
		return nil
	}
	return b.seal.Follow(ctx)
}

// takeBack takes back what waits for an owner who is gone.
func (p *passwordParts) takeBack(ctx context.Context, owner muster.MailOwner, before time.Time) error {
	for _, takeBack := range p.takeBackMails {
		if err := takeBack(ctx, owner, before); err != nil {
			return err
		}
	}
	return nil
}

// or is a number that may be absent, or 0.
func or(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// open makes the service.
func (p *passwordParts) open(ids *identity.Service) (*identity.Passwords, error) {
	c := p.conf.Passwords
	policy := identity.PasswordPolicy{MinLength: or(c.MinLength), Words: append([]string{p.conf.Mail.Game}, c.Words...)}
	var err error
	if policy.Breached, err = p.breached(c.Breached); err != nil {
		return nil, fmt.Errorf("identity.passwords.breached.%w", err)
	}
	return identity.NewPasswords(identity.PasswordOptions{
		Service: ids, Accounts: p.rules, Outbox: p.outbox, Codes: p.codes, Hasher: p.hasher, Policy: policy, Factors: p.factors,
		VerifyFor: time.Duration(or(c.VerifyMinutes)) * time.Minute, ResetFor: time.Duration(or(c.ResetMinutes)) * time.Minute,
		ChangeAfterSignIn: c.ChangeAfterSignIn,
		Log:               p.tools.log,
	}), nil
}

// sender sends mails, or prints them.
func (p *passwordParts) sender() (letters.Sender, error) {
	c := &p.conf.Mail
	switch {
	case c.SMTP.Address != "":
		password, err := c.SMTP.Password.open("password", p.tools)
		if err != nil {
			return nil, fmt.Errorf("identity.mail.smtp.%w", err)
		}
		return letters.NewSMTP(letters.SMTPOptions{
			Address: c.SMTP.Address, Security: letters.Security(c.SMTP.Security), From: c.from,
			User: c.SMTP.User, Password: password, Now: p.tools.now,
		})
	case p.terminal != nil:
		return letters.NewConsole(p.terminal), nil
	}
	return nil, errors.New("identity.mail.smtp: is needed: who sends mails")
}

// breached makes the lists of passwords that others know.
func (p *passwordParts) breached(c breachedConfig) ([]identity.Breached, error) {
	lists := []identity.Breached{identity.CommonPasswords{}}
	if c.File != "" {
		list, err := c.open() // open for as long as the process
		if err != nil {
			return nil, fmt.Errorf("file: %w", err)
		}
		lists = append(lists, list)
	}
	if c.URL != "" {
		lists = append(lists, &identity.BreachedRange{
			URL: c.URL, Client: http.DefaultClient, Required: c.Required,
			Down: func(err error) { p.tools.log.Warn("breached passwords cannot be looked up", "error", err) },
		})
	}
	return lists, nil
}

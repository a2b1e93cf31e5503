package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"muster"
	"muster/identity"
)

// denials are operators and game servers who prove themselves with what others gave them, and
// are not let in, by the names that audit records have. Players are banned instead.
type denials map[string]bool

// checkDenied reports names that audit records do not have.
func (c *identityConfig) checkDenied(k *checker) {
	for i, name := range c.Denied {
		provider, _, ofBearer := strings.Cut(name, "/")
		_, taken := c.Bearers[provider]
		if !ofBearer && c.ServerRoles != nil && strings.HasPrefix(name, roleIDPrefix) || ofBearer && taken {
			continue
		}
		k.report(fmt.Sprintf("identity.denied[%d]", i), "%q is neither NAME/POOL/SUBJECT of one of identity.bearers, nor the id of one of identity.serverRoles or of a session of it (AROA...:i-0abc)", name)
	}
}

// roleIDPrefix begins the ids of IAM roles. Source: IAM user guide, "IAM identifiers".
const roleIDPrefix = "AROA"

func (c *identityConfig) denials() denials {
	d := make(denials, len(c.Denied))
	for _, name := range c.Denied {
		d[name] = true
	}
	return d
}

// check refuses a name. That of a role stands for all its sessions.
func (d denials) check(name string) error {
	role, _, _ := strings.Cut(name, ":")
	if d[name] || d[role] {
		return identity.Refusal(identity.AccountBanned, errors.New("identity.denied has it"))
	}
	return nil
}

// caller refuses a caller who is no player.
func (d denials) caller(c muster.Caller) error {
	if c.Player != "" || len(d) == 0 {
		return nil
	}
	return d.check(c.Key)
}

// unless is a verification that refuses the tokens of those who are denied.
func (d denials) unless(verify verification) verification {
	if len(d) == 0 {
		return verify
	}
	return func(ctx context.Context, token string) (muster.Caller, error) {
		caller, err := verify(ctx, token)
		if err == nil {
			err = d.caller(caller)
		}
		if err != nil {
			return muster.Caller{}, err
		}
		return caller, nil
	}
}

// deniedProver is a provider that refuses the proofs of those who are denied.
type deniedProver struct {
	identity.Provider
	denied denials
}

// Verify implements identity.Provider.
func (p deniedProver) Verify(ctx context.Context, proof identity.Proof) (identity.Verified, error) {
	who, err := p.Provider.Verify(ctx, proof)
	if err == nil {
		err = p.denied.check(who.Subject)
	}
	if err != nil {
		return identity.Verified{}, err
	}
	return who, nil
}

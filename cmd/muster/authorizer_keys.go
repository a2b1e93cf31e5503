package main

import (
	"context"

	"muster"
	"muster/identity"
)

// heldKeys are signing keys that an authorizer holds itself.
type heldKeys struct {
	ring  *identity.KeyRing
	watch *identity.KeyWatch // nil: they do not change
}

// held reads the signing keys; nil: the published ones are meant.
func (c *authorizerCmd) held(ctx context.Context, p *process) (*heldKeys, error) {
	if c.SigningKeys == "" && c.SigningKeysSecret == "" && p.getenv(envSigningKeys) == "" {
		return nil, nil
	}
	o := &office{log: p.log}
	if err := o.settings.takeKeys(callerFlags{SigningKeys: c.SigningKeys, SigningKeysSecret: c.SigningKeysSecret}, p.getenv); err != nil {
		return nil, err
	}
	if err := o.openKeys(ctx); err != nil {
		return nil, err
	}
	return &heldKeys{o.settings.keys, o.keys}, nil
}

// first has the keys be as their place has them, and then verifies.
func (h *heldKeys) first(verify verification) verification {
	if h.watch == nil {
		return verify
	}
	return func(ctx context.Context, token string) (muster.Caller, error) {
		h.watch.Fresh(ctx, wallClock())
		return verify(ctx, token)
	}
}

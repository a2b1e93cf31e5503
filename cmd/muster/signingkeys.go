package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/aws/secrets"
	"muster/identity"
)

// secretEvery is how often the signing keys are read again from their secret: every reading is
// paid for, and a new key waits for longer.
const secretEvery = time.Minute

// takeKeys takes the signing keys from where the flags say, or notes the secret that openKeys
// reads them from.
func (s *serveSettings) takeKeys(c callerFlags, getenv func(string) string) error {
	text := getenv(envSigningKeys)
	switch {
	case c.SigningKeysSecret == "":
		keys, err := signingKeys(c.SigningKeys, text)
		s.keys, s.keysFile = identity.NewKeyRing(keys), c.SigningKeys
		return err
	case c.SigningKeys != "" || text != "":
		return errors.New("there are signing keys both in --signing-keys-secret and in a file or " + envSigningKeys + ": which are meant?")
	case !secrets.IsARN(c.SigningKeysSecret):
		return fmt.Errorf("--signing-keys-secret %q is not the ARN of a secret of Secrets Manager", c.SigningKeysSecret)
	}
	s.keysSecret = c.SigningKeysSecret
	return nil
}

// openKeys reads the signing keys if a secret holds them, and makes what keeps them as their
// place has them: nil where they are in the environment, which does not change.
func (o *office) openKeys(ctx context.Context) (err error) {
	if o.settings.keysSecret == "" {
		o.keys = o.keyWatch()
		return nil
	}
	secret, err := secrets.New(secrets.Options{ARN: o.settings.keysSecret, Log: o.log})
	if err != nil {
		return err
	}
	text, err := secret.Read(ctx)
	if err != nil {
		return fmt.Errorf("there are no signing keys: %w", err)
	}
	keys, err := identity.ParseKeys(text)
	if err != nil {
		return fmt.Errorf("the signing keys in the secret %s cannot be used: %w; make some with muster keys signing", o.settings.keysSecret, err)
	}
	o.settings.keys = identity.NewKeyRing(keys)
	o.keys = &identity.KeyWatch{Ring: o.settings.keys, Log: o.log, From: o.settings.keysSecret, Read: secret.Read, Every: secretEvery}
	o.keys.Known(text, wallClock())
	return nil
}

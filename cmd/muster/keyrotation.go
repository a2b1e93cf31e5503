package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"muster/identity"
)

// rotateAfter is how long `muster up` signs with a key before it has the next one follow.
const rotateAfter = 30 * 24 * time.Hour

// keyWatch rotates the keys of the data folder, and has them used.
func (h *house) keyWatch() *identity.KeyWatch {
	file := filepath.Join(h.cmd.Data, identity.KeyFile)
	return &identity.KeyWatch{
		Ring: h.keys, Log: h.process.log, From: file,
		Read:   func(context.Context) ([]byte, error) { return identity.ReadKeyFile(file) },
		Rotate: identity.KeepRotating(h.cmd.Data, rotateAfter, time.Now, rand.Reader),
	}
}

// keyWatch has the keys used that the file of them holds; nil: there is no file.
func (o *office) keyWatch() *identity.KeyWatch {
	if o.settings.keysFile == "" {
		return nil
	}
	return &identity.KeyWatch{
		Ring: o.settings.keys, Log: o.log, From: o.settings.keysFile,
		Read: func(context.Context) ([]byte, error) { return readSecretFile(o.settings.keysFile) },
	}
}

type rotateKeysCmd struct {
	File   string         `help:"The file of the signing keys." required:"" env:"MUSTER_SIGNING_KEYS_FILE" placeholder:"FILE"`
	Wait   *time.Duration `help:"How long a new key is published before it signs: longer than anybody caches the keys; 1m to 2160h (default 2h30m, with --stolen 1m)." placeholder:"D"`
	Keep   time.Duration  `help:"How long a key is kept that signs no more: longer than tokens and mailed codes are good; 20m to 2160h (default ${default})." default:"25h" placeholder:"D"`
	Type   string         `help:"What a new key signs with: eddsa, es256 or rs256; else as the one that signs now." placeholder:"TYPE"`
	Stolen bool           `help:"Somebody else has the file: add a key that signs soon whatever waits, and drop what waits. Run again, drop all others."`
}

// Validate is called by the command line parser.
func (c *rotateKeysCmd) Validate() error {
	switch {
	case c.Wait != nil && (*c.Wait < time.Minute || *c.Wait > 90*24*time.Hour):
		return usageError{fmt.Sprintf("--wait is %v, not 1m to 2160h", *c.Wait)}
	case c.Keep < 20*time.Minute || c.Keep > 90*24*time.Hour:
		return usageError{fmt.Sprintf("--keep is %v, not 20m to 2160h", c.Keep)}
	}
	return checkKeyType(c.Type)
}

func checkKeyType(name string) error {
	switch identity.KeyKind(name) {
	case "", identity.EdDSA, identity.ES256, identity.RS256:
		return nil
	}
	return usageError{fmt.Sprintf("--type is %q, not eddsa, es256 or rs256", name)}
}

// Run adds the next key to the file and drops those that are over.
func (c *rotateKeysCmd) Run(p *process) error {
	text, err := readSecretFile(c.File)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	how := identity.Rotation{Keep: c.Keep, Kind: identity.KeyKind(c.Type), Random: rand.Reader}
	if c.Wait != nil {
		how.Wait = *c.Wait
	}
	if c.Stolen {
		return c.replaceStolen(p, text, how)
	}
	now := time.Now()
	next, done, err := identity.RotateKeys(text, now, how)
	if err != nil {
		return fmt.Errorf("the signing keys in %s cannot be rotated: %w", c.File, err)
	}
	at := instant(done.SignsAt)
	switch {
	case c.Type != "" && done.Waits != identity.KeyKind(c.Type):
		return fmt.Errorf("a key of type %s waits already, and signs from %s: have one of type %s follow after that", done.Waits, at, c.Type)
	case c.Wait != nil && done.SignsAt.After(now.Add(*c.Wait)):
		return fmt.Errorf("a key waits already, and signs from %s, which is later than --wait %v: if the keys were stolen, say --stolen", at, *c.Wait)
	}
	if done.Added != "" || len(done.Dropped) > 0 {
		if err := c.write(next); err != nil {
			return err
		}
	}
	if done.Added != "" {
		fmt.Fprintf(p.stdout, "added    %s   (published at once, signs from %s)\n", done.Added, at)
	} else {
		fmt.Fprintf(p.stdout, "added    none: one waits already, and signs from %s\n", at)
	}
	sayDropped(p, done.Dropped)
	return nil
}

// replaceStolen takes the next of the two steps after a theft.
func (c *rotateKeysCmd) replaceStolen(p *process, text []byte, how identity.Rotation) error {
	next, done, err := identity.ReplaceStolenKeys(text, time.Now(), how)
	switch {
	case err != nil:
		return fmt.Errorf("the signing keys in %s cannot be replaced: %w", c.File, err)
	case done.Added == "" && len(done.Stolen) > 0:
		return fmt.Errorf("the stolen keys cannot be dropped yet, since the new one signs from %s: run this again from %s on", instant(done.SignsAt), instant(done.DropFrom))
	}
	if err := c.write(next); err != nil {
		return err
	}
	if done.Added != "" {
		fmt.Fprintf(p.stdout, "added    %s   (published at once, signs from %s)\n", done.Added, instant(done.SignsAt))
		fmt.Fprintf(p.stdout, "stolen   %s   (still good: run this again from %s on to drop them)\n", strings.Join(done.Stolen, " "), instant(done.DropFrom))
	}
	sayDropped(p, done.Dropped)
	return nil
}

func (c *rotateKeysCmd) write(text []byte) error {
	if err := identity.WriteKeyFile(c.File, text); err != nil {
		return fmt.Errorf("write %s: %w", c.File, underlying(err))
	}
	return nil
}

func sayDropped(p *process, ids []string) {
	if len(ids) > 0 {
		fmt.Fprintf(p.stdout, "dropped  %s\n", strings.Join(ids, " "))
	}
}

// instant is a time as people are told it.
func instant(at time.Time) string { return at.UTC().Format(time.RFC3339) }

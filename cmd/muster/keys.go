package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"muster/identity"
)

// keysCmd makes secrets and keeps none of them.
type keysCmd struct {
	Signing signingKeysCmd `cmd:"" help:"Make the keys that sign tokens."`
	Rotate  rotateKeysCmd  `cmd:"" help:"Add the next signing key to a file, and drop those that are over."`
	Server  serverKeyCmd   `cmd:"" help:"Make a key for game servers, and its hash for the backend."`
	Admin   adminKeyCmd    `cmd:"" help:"Make a key for operators, and its hash for the backend."`
	Hash    hashKeyCmd     `cmd:"" help:"Print the hash of a key that comes on standard input."`
}

type signingKeysCmd struct {
	Type string `help:"What the key signs with: eddsa, es256, or rs256 for API Gateway's JWT authorizer (default ${default})." default:"eddsa" placeholder:"TYPE"`
	Out  string `help:"Write to a new file that only its owner can read; without it, to standard output." placeholder:"FILE"`
}

// Validate is called by the command line parser.
func (c *signingKeysCmd) Validate() error { return checkKeyType(c.Type) }

// Run makes signing keys.
func (c *signingKeysCmd) Run(p *process) error {
	text, err := identity.NewKeySetOf(identity.KeyKind(c.Type), rand.Reader)
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err := p.stdout.Write(text)
		return err
	}
	return newSecretFile(c.Out, text)
}

// newSecretFile writes a file for its owner alone, and never over another: that would
// sign everybody out.
func newSecretFile(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; remove it if nobody uses it any more", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, underlying(err))
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

type serverKeyCmd struct {
	JSON bool `name:"json" help:"Print JSON instead of text."`
}

// Run makes a server key.
func (c *serverKeyCmd) Run(p *process) error {
	return printKey(p, c.JSON, identity.NewServerKey, "for game servers, as MUSTER_SERVER_KEY", "for the backend, as MUSTER_SERVER_KEY_HASHES")
}

type adminKeyCmd struct {
	JSON bool `name:"json" help:"Print JSON instead of text."`
}

// Run makes an admin key.
func (c *adminKeyCmd) Run(p *process) error {
	return printKey(p, c.JSON, identity.NewAdminKey, "for operators, as bearer token", "for the backend, as MUSTER_ADMIN_KEY_HASHES")
}

func printKey(p *process, asJSON bool, create func(io.Reader) (key, hash string, err error), keyIs, hashIs string) error {
	key, hash, err := create(rand.Reader)
	if err != nil {
		return err
	}
	if asJSON {
		printJSON(p.stdout, map[string]string{"key": key, "hash": hash})
		return nil
	}
	_, err = fmt.Fprintf(p.stdout, "key   %s   (%s; a secret)\nhash  %s   (%s)\n", key, keyIs, hash, hashIs)
	return err
}

type hashKeyCmd struct{}

// Run prints the hash of a key. It comes on standard input: arguments can be seen by
// others.
func (hashKeyCmd) Run(p *process) error {
	const maxKey = 1024
	text, err := io.ReadAll(io.LimitReader(p.stdin, maxKey))
	if err != nil {
		return fmt.Errorf("read the key: %w", err)
	}
	key := string(bytes.TrimSpace(text))
	if !identity.IsWholeKey(key) {
		return errors.New("that is no whole key: one is msk_ or mak_ and 43 letters, digits, hyphens and underscores")
	}
	_, err = fmt.Fprintln(p.stdout, identity.HashServerKey(key))
	return err
}

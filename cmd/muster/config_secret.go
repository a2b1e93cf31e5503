package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"muster/identity/provider"
)

// secretConfig says where a secret is: in a variable of the environment, or in a file that
// is read again when it changes.
type secretConfig struct {
	Env  string `yaml:"env"`
	File string `yaml:"file"` // relative to the configuration file

	readFile func(string) ([]byte, error)
	fullPath string // of the file
}

// secretShape is a secret's place: the file itself never holds one.
func secretShape() *shape {
	s := group(map[string]*shape{"env": text(), "file": text()})
	s.unsaid = true
	return s
}

// given says that the file names a place for the secret.
func (c *secretConfig) given() bool { return c.Env != "" || c.File != "" }

// check reports a secret without a place. Whether it is there, and is such as looks want it, is
// found out at the start.
func (c *secretConfig) check(k *checker, at string, looks ...func(text string) error) {
	if !c.given() {
		k.report(at, "is needed: env names a variable of the environment that holds it, or file names a file")
	}
	c.checkOptional(k, at, looks...)
}

// checkOptional is check for a secret that may be left out.
func (c *secretConfig) checkOptional(k *checker, at string, looks ...func(text string) error) {
	c.readFile, c.fullPath = k.readFile, k.fullPath(c.File)
	switch {
	case c.Env != "" && c.File != "":
		k.report(at, "is in a variable of the environment or in a file, not in both")
	case c.given():
		place := *c
		k.need(at, func(getenv func(string) string) error {
			secret, err := place.secret(providerTools{getenv: getenv, now: func() time.Time { return time.Time{} }})
			if err != nil {
				return err
			}
			text, err := secret()
			for _, look := range looks {
				if err == nil {
					err = look(text)
				}
			}
			return err
		})
	}
}

// open reads the secret, so that one that is missing is noticed at the start. key is for
// messages. Without a place there is no secret: nil.
func (c *secretConfig) open(key string, tools providerTools) (provider.Secret, error) {
	secret, err := c.secret(tools)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return secret, nil
}

// secret is open without a name.
func (c *secretConfig) secret(tools providerTools) (provider.Secret, error) {
	switch {
	case c.Env != "":
		value := strings.TrimSpace(tools.getenv(c.Env))
		if value == "" {
			return nil, fmt.Errorf("the environment variable %s is not set", c.Env)
		}
		return func() (string, error) { return value, nil }, nil
	case c.File == "":
		return nil, nil
	}
	f := &secretFromFile{path: c.File, shown: cmp.Or(c.fullPath, c.File), readFile: c.readFile, now: tools.now, log: tools.log}
	if _, err := f.get(); err != nil {
		return nil, err
	}
	return f.get, nil
}

// fileOf is the whole path of the file that err is about, where it tells; else name.
func fileOf(err error, name string) string {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Path
	}
	return name
}

// secretFileAge is how long a secret is used before its file is looked at again.
const secretFileAge = 10 * time.Second

// secretFromFile is a secret that may be replaced while the program runs. It is safe for
// concurrent use.
type secretFromFile struct {
	path     string
	shown    string // the whole path
	readFile func(string) ([]byte, error)
	now      func() time.Time
	log      *slog.Logger

	mu     sync.Mutex
	value  string    // guarded by mu
	readAt time.Time // guarded by mu; of the last look
}

// get returns the secret. While the file cannot be read the one before is used.
func (f *secretFromFile) get() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if f.value != "" && now.Before(f.readAt.Add(secretFileAge)) {
		return f.value, nil
	}
	f.readAt = now
	body, err := f.readFile(f.path)
	value := strings.TrimSpace(string(body))
	switch {
	case err != nil:
		err = fmt.Errorf("read %s: %w", fileOf(err, f.shown), underlying(err))
	case value == "":
		err = errors.New(f.shown + " is empty")
	default:
		f.value = value
		return value, nil
	}
	if f.value == "" {
		return "", err
	}
	f.log.Warn("a secret cannot be read again; the one before is used", "error", err)
	return f.value, nil
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"muster/identity"
)

// identityConfig says how players sign in besides as guests.
type identityConfig struct {
	// Providers are the ways in that others vouch for, by the names that the API and players'
	// records know them by.
	Providers map[string]providerConfig `yaml:"providers"`
}

// providerConfig is one provider. Kind is the name of the provider where it is left out; which
// other keys count is providerKinds' to say.
type providerConfig struct {
	Kind string `yaml:"kind"`
}

// providerKind is one kind of provider: the keys that it takes, and how it is made.
type providerKind struct {
	keys []string
	make func(c providerConfig, tools providerTools) (identity.Provider, error)
}

// providerTools is what every provider is made with.
type providerTools struct {
	now func() time.Time
	log *slog.Logger
}

// providerKinds are the kinds there are, by name.
func providerKinds() map[string]providerKind {
	kinds := map[string]providerKind{}
	return kinds
}

func identityShape() *shape {
	return group(map[string]*shape{
		"providers": {want: "a group of providers", takes: isGroup, each: group(map[string]*shape{
			"kind": text(),
		})},
	})
}

// secretShape is a secret's place: the file itself never holds one.
func secretShape() *shape { return group(map[string]*shape{"env": text(), "file": text()}) }

// secretConfig says where a secret is: in a variable of the environment, or in a file that
// is read again when it changes.
type secretConfig struct {
	Env  string `yaml:"env"`
	File string `yaml:"file"`
}

// providerName is what a way in can be called; guest and email are ours.
var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (c *identityConfig) check(k *checker) {
	kinds := providerKinds()
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		at := "identity.providers." + name
		switch kind := c.Providers[name].kind(name); {
		case !providerName.MatchString(name) || name == "guest" || name == "email":
			k.report(at, "%q is not a name for a provider: up to 32 of a-z, 0-9 and hyphens, and neither guest nor email", name)
		case kinds[kind].make == nil:
			k.report(at+".kind", "there is no kind of provider %q; there are %s", kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
	}
}

func (c providerConfig) kind(name string) string {
	if c.Kind != "" {
		return c.Kind
	}
	return name
}

// kinds says of which kind each provider is.
func (c *identityConfig) kinds() map[string]string {
	kinds := make(map[string]string, len(c.Providers))
	for name, p := range c.Providers {
		kinds[name] = p.kind(name)
	}
	return kinds
}

// providers makes all that are configured. The error lists every one that cannot be made.
func (c *identityConfig) providers(tools providerTools) (map[string]identity.Provider, error) {
	kinds := providerKinds()
	made := make(map[string]identity.Provider, len(c.Providers))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		p, err := kinds[c.Providers[name].kind(name)].make(c.Providers[name], tools)
		if err != nil {
			problems = append(problems, fmt.Errorf("identity.providers.%s: %w", name, err))
			continue
		}
		made[name] = p
	}
	return made, errors.Join(problems...)
}

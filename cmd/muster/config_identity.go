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

	"gopkg.in/yaml.v3"

	"muster"
	"muster/identity"
	"muster/identity/provider"
)

// identityConfig says how players sign in besides as guests.
type identityConfig struct {
	// Providers are the ways in that others vouch for, by the names that the API and players'
	// records know them by.
	Providers map[string]providerConfig `yaml:"providers"`
	// Merging is what becomes of the documents of players who are merged into others.
	Merging muster.MergePolicy `yaml:"merging"`
	// Bearers are the providers whose access tokens are taken as they are, instead of ours.
	Bearers map[string]bearerConfig `yaml:"bearers"`
	// ServerRoles lets game servers in by AWS roles; nil: it does not.
	ServerRoles *serverRolesConfig `yaml:"serverRoles"`
	// Denied are operators and game servers who are not let in, as audit records name them.
	Denied []string `yaml:"denied"`
	// Passwords is how players sign in by e-mail and password; nil: they do not.
	Passwords *passwordsConfig `yaml:"passwords"`
	Mail      mailConfig       `yaml:"mail"`
	// SampleClients serves the calls of Amazon's sample clients; nil: it does not.
	SampleClients *sampleClientsConfig `yaml:"sampleClients"`
	Limits        limitsConfig         `yaml:"limits"`
	Tokens        tokensConfig         `yaml:"tokens"`
}

// providerConfig is one provider. Kind is the name of the provider where it is left out; what
// else the entry holds is its kind's to say.
type providerConfig struct {
	Kind string

	entry    yaml.Node
	settings providerSettings // decoded from entry by check; nil: that failed
}

// UnmarshalYAML keeps the entry until its kind is known.
func (c *providerConfig) UnmarshalYAML(n *yaml.Node) error {
	var head struct {
		Kind string `yaml:"kind"`
	}
	if err := n.Decode(&head); err != nil {
		return err
	}
	c.Kind, c.entry = head.Kind, *n
	return nil
}

// providerKind is one kind of provider: the keys of its entry besides kind, and what they
// are decoded into, new each time.
type providerKind struct {
	keys     func() map[string]*shape
	settings func() providerSettings
}

// providerSettings is the entry of a provider as its kind reads it: a pointer to a struct with
// yaml tags for the kind's keys.
type providerSettings interface {
	// check reports what is wrong; at is the path of the entry.
	check(k *checker, at string)
	// provider makes it. The error says which secret is missing, never what one is.
	provider(tools providerTools) (identity.Provider, error)
}

// providerTools is what every provider is made with.
type providerTools struct {
	name   string // of the provider
	getenv func(string) string
	now    func() time.Time
	log    *slog.Logger
}

// client is what a provider calls its platform with.
func (t providerTools) client() *provider.Client {
	return provider.NewClient(provider.ClientOptions{Name: t.name, Now: t.now, Log: t.log})
}

// providerKinds are the kinds there are, by name.
func providerKinds() map[string]providerKind {
	return withVendors(map[string]providerKind{
		"cognito":          {cognitoKeys, func() providerSettings { return &cognitoConfig{} }},
		"cognito-identity": {cognitoIdentityKeys, func() providerSettings { return &cognitoIdentityConfig{} }},
		"apple":            {appleKeys, func() providerSettings { return &appleConfig{} }},
		"epic":             {epicKeys, func() providerSettings { return &epicConfig{} }},
		"epic-connect":     {epicKeys, func() providerSettings { return &epicConfig{connect: true} }},
		"facebook-limited": {facebookLimitedKeys, func() providerSettings { return &facebookLimitedConfig{} }},
		"gamecenter":       {gameCenterKeys, func() providerSettings { return &gameCenterConfig{} }},
		"google":           {googleKeys, func() providerSettings { return &googleConfig{} }},
		"jwt":              {jwtKeys, func() providerSettings { return &jwtConfig{} }},
		"nintendo":         {nintendoKeys, func() providerSettings { return &nintendoConfig{} }},
		"oidc":             {oidcKeys, func() providerSettings { return &oidcConfig{} }},
		"playgames":        {playGamesKeys, func() providerSettings { return &playGamesConfig{} }},
		"playstation":      {playStationKeys, func() providerSettings { return &playStationConfig{} }},
	})
}

func identityShape() *shape {
	return group(map[string]*shape{
		"bearers": bearersShape(), "serverRoles": serverRolesShape(), "denied": textsShape(),
		"merging":       text(),
		"providers":     {want: "a group of providers", takes: isGroup, pick: providerShape},
		"passwords":     passwordsShape(),
		"mail":          mailShape(),
		"sampleClients": sampleClientsShape(),
		"limits":        limitsShape(),
		"tokens":        tokensShape(),
	})
}

// providerShape is the shape of a provider's entry; that of an unknown kind is open.
func providerShape(name string, entry *yaml.Node) *shape {
	kind := name
	for pair := range slices.Chunk(resolved(entry).Content, 2) {
		if len(pair) == 2 && resolved(pair[0]).Value == "kind" && resolved(pair[1]).Value != "" {
			kind = resolved(pair[1]).Value
		}
	}
	known, there := providerKinds()[kind]
	if !there {
		return &shape{want: "a group of keys", takes: isGroup}
	}
	return group(merged(map[string]*shape{"kind": text()}, known.keys()))
}

// providerName is what a way in can be called; guest and email are ours.
var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (c *identityConfig) check(k *checker) {
	if !c.Merging.Valid() {
		k.report("identity.merging", "%q is no policy; use fill, keep or off", c.Merging)
	}
	kinds := providerKinds()
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		at := "identity.providers." + name
		entry := c.Providers[name]
		known, there := kinds[entry.kind(name)]
		switch {
		case !providerName.MatchString(name) || name == "guest" || name == "email":
			k.report(at, "%q is not a name for a provider: up to 32 of a-z, 0-9 and hyphens, and neither guest nor email", name)
			continue
		case !there && entry.Kind == "":
			k.report(at+".kind", "is missing, and %q is no kind itself; there are %s", name, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
			continue
		case !there:
			k.report(at+".kind", "there is no kind of provider %q; there are %s", entry.kind(name), strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
			continue
		}
		settings := known.settings()
		if entry.entry.Kind != 0 { // an entry without keys has no node
			if err := entry.entry.Decode(settings); err != nil {
				k.report(at, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
				continue
			}
		}
		settings.check(k, at)
		entry.settings = settings
		c.Providers[name] = entry
	}
	c.checkCognito(k)
	c.checkBearers(k)
	c.ServerRoles.check(k)
	c.checkDenied(k)
	c.Limits.check(k)
	c.Tokens.check(k)
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
	made := make(map[string]identity.Provider, len(c.Providers))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
		tools.name = name
		p, err := c.Providers[name].settings.provider(tools)
		if err != nil {
			problems = append(problems, fmt.Errorf("identity.providers.%s.%w", name, err))
			continue
		}
		made[name] = p
	}
	return made, errors.Join(problems...)
}

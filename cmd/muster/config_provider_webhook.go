package main

import (
	"fmt"
	"regexp"

	"muster/identity"
	"muster/identity/provider"
)

// webhookConfig is a provider of kind webhook: a service of the studio's own.
type webhookConfig struct {
	URL         string       `yaml:"url"`
	Key         secretConfig `yaml:"key"`
	NextKey     secretConfig `yaml:"nextKey"`
	Takes       []string     `yaml:"takes"` // none: the token
	Entitlement string       `yaml:"entitlement"`
}

func webhookKeys() map[string]*shape {
	return map[string]*shape{"url": text(), "key": secretShape(), "nextKey": secretShape(), "takes": textsShape(), "entitlement": text()}
}

// proofMember is a member of a proof, in the words of the API.
var proofMember = regexp.MustCompile(`^(token|code|redirectUri|codeVerifier|nonce|fields\.[A-Za-z0-9_-]{1,64})$`)

func (c *webhookConfig) check(k *checker, at string) {
	wantURL(k, at+".url", c.URL, "the address of the webhook")
	c.Key.check(k, at+".key", checkWebhookKey)
	c.NextKey.checkOptional(k, at+".nextKey", checkWebhookKey)
	seen := make(map[string]bool)
	for i, member := range c.Takes {
		if !proofMember.MatchString(member) || seen[member] {
			k.report(fmt.Sprintf("%s.takes[%d]", at, i), "%q is no member of a proof, or there twice: token, code, redirectUri, codeVerifier, nonce or fields.NAME", member)
		}
		seen[member] = true
	}
}

func (c *webhookConfig) provider(tools providerTools) (identity.Provider, error) {
	key, err := openWebhookKey(&c.Key, "key", tools)
	if err != nil {
		return nil, err
	}
	next, err := openWebhookKey(&c.NextKey, "nextKey", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewWebhook(provider.WebhookOptions{
		Client: provider.NewClient(provider.ClientOptions{Name: tools.name, Timeout: provider.WebhookTimeout, Now: tools.now, Log: tools.log}),
		Now:    tools.now, Name: tools.name, URL: c.URL, Key: key, NextKey: next, Takes: c.Takes, Entitlement: c.Entitlement,
	}), nil
}

// openWebhookKey opens a key and sees that it is long enough; nil: there is none.
func openWebhookKey(c *secretConfig, name string, tools providerTools) (provider.Secret, error) {
	key, err := c.open(name, tools)
	if err != nil || key == nil {
		return nil, err
	}
	text, err := key()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkWebhookKey(text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

func checkWebhookKey(text string) error {
	if len(text) < provider.MinWebhookKey {
		return fmt.Errorf("is shorter than %d bytes", provider.MinWebhookKey)
	}
	return nil
}

package main

import (
	"fmt"

	"muster/identity"
	"muster/identity/provider"
)

// xboxConfig is a provider of kind xbox: tokens for the studio's relying party.
type xboxConfig struct {
	RelyingParty string       `yaml:"relyingParty"`
	PrivateKey   secretConfig `yaml:"privateKey"` // PEM of up to four
	Sandbox      string       `yaml:"sandbox"`    // empty: RETAIL
	TitleIDs     []string     `yaml:"titleIds"`   // none: all that get tokens for the relying party
	XUIDs        bool         `yaml:"xuids"`
	AllowSolo    bool         `yaml:"allowSolo"`
	AllowReuse   bool         `yaml:"allowReuse"`
}

func xboxKeys() map[string]*shape {
	return map[string]*shape{
		"relyingParty": text(), "privateKey": secretShape(), "sandbox": text(), "titleIds": textsShape(),
		"xuids": truth(), "allowSolo": truth(), "allowReuse": truth(),
	}
}

func (c *xboxConfig) check(k *checker, at string) {
	wantText(k, at+".relyingParty", c.RelyingParty, "the relying party as Partner Center has it")
	c.PrivateKey.check(k, at+".privateKey", checkXboxKeys)
}

func (c *xboxConfig) provider(tools providerTools) (identity.Provider, error) {
	keys, err := c.PrivateKey.open("privateKey", tools)
	if err != nil {
		return nil, err
	}
	text, err := keys()
	if err != nil {
		return nil, fmt.Errorf("privateKey: %w", err)
	}
	if err := checkXboxKeys(text); err != nil {
		return nil, fmt.Errorf("privateKey: %w", err)
	}
	return provider.NewXbox(provider.XboxOptions{
		Client: tools.client(), Now: tools.now, RelyingParty: c.RelyingParty, PrivateKeys: keys, Sandbox: c.Sandbox,
		TitleIDs: c.TitleIDs, XUIDs: c.XUIDs, AllowSolo: c.AllowSolo, AllowReuse: c.AllowReuse,
	}), nil
}

func checkXboxKeys(text string) error {
	_, err := provider.ParseXboxKeys([]byte(text))
	return err
}

// xboxWebConfig is a provider of kind xbox-web: Xbox users by their Microsoft account.
type xboxWebConfig struct {
	ClientID     string       `yaml:"clientId"`
	ClientSecret secretConfig `yaml:"clientSecret"` // none: a public client
	RedirectURIs []string     `yaml:"redirectUris"`
	Sandbox      string       `yaml:"sandbox"` // empty: RETAIL
	AllowSolo    bool         `yaml:"allowSolo"`
}

func xboxWebKeys() map[string]*shape {
	return map[string]*shape{"clientId": text(), "clientSecret": secretShape(), "redirectUris": textsShape(), "sandbox": text(), "allowSolo": truth()}
}

func (c *xboxWebConfig) check(k *checker, at string) {
	wantText(k, at+".clientId", c.ClientID, "the id of the app registration at Microsoft")
	c.ClientSecret.checkOptional(k, at+".clientSecret")
	wantTexts(k, at+".redirectUris", c.RedirectURIs, "the addresses that clients ask for codes with")
}

func (c *xboxWebConfig) provider(tools providerTools) (identity.Provider, error) {
	secret, err := c.ClientSecret.open("clientSecret", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewXboxWeb(provider.XboxWebOptions{
		Client: tools.client(), Now: tools.now, ClientID: c.ClientID, ClientSecret: secret,
		RedirectURIs: c.RedirectURIs, Sandbox: c.Sandbox, AllowSolo: c.AllowSolo,
	}), nil
}

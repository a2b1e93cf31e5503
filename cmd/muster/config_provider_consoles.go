package main

import (
	"muster/identity"
	"muster/identity/provider"
)

// playStationConfig is a provider of kind playstation; the values are in the platform's own
// documents.
type playStationConfig struct {
	Issuer       string       `yaml:"issuer"`
	JWKSURI      string       `yaml:"jwksUri"`
	TokenURL     string       `yaml:"tokenUrl"`
	ClientID     string       `yaml:"clientId"`
	ClientSecret secretConfig `yaml:"clientSecret"`
	RedirectURIs []string     `yaml:"redirectUris"`
	SubjectClaim string       `yaml:"subjectClaim"` // empty: sub
}

func playStationKeys() map[string]*shape {
	return map[string]*shape{
		"issuer": text(), "jwksUri": text(), "tokenUrl": text(), "clientId": text(), "clientSecret": secretShape(), "redirectUris": textsShape(), "subjectClaim": text(),
	}
}

const platformDocuments = "it is in the platform's own documents, for one environment"

func (c *playStationConfig) check(k *checker, at string) {
	wantURL(k, at+".issuer", c.Issuer, platformDocuments)
	wantURL(k, at+".jwksUri", c.JWKSURI, platformDocuments)
	wantURL(k, at+".tokenUrl", c.TokenURL, platformDocuments)
	wantText(k, at+".clientId", c.ClientID, platformDocuments)
	c.ClientSecret.check(k, at+".clientSecret")
}

func (c *playStationConfig) provider(tools providerTools) (identity.Provider, error) {
	secret, err := c.ClientSecret.open("clientSecret", tools)
	if err != nil {
		return nil, err
	}
	return provider.NewPlayStation(provider.PlayStationOptions{
		Client: tools.client(), Now: tools.now, Issuer: c.Issuer, KeysURL: c.JWKSURI, TokenURL: c.TokenURL,
		Credentials: provider.Credentials{ClientID: c.ClientID, Secret: secret}, RedirectURIs: c.RedirectURIs, SubjectClaim: c.SubjectClaim,
	}), nil
}

// nintendoConfig is a provider of kind nintendo; the values are in the platform's own
// documents.
type nintendoConfig struct {
	Issuer     string   `yaml:"issuer"`
	JWKSURI    string   `yaml:"jwksUri"`
	ClientIDs  []string `yaml:"clientIds"`
	TitleIDs   []string `yaml:"titleIds"`
	TitleClaim string   `yaml:"titleClaim"` // empty: nintendo.ai
}

func nintendoKeys() map[string]*shape {
	return map[string]*shape{"issuer": text(), "jwksUri": text(), "clientIds": textsShape(), "titleIds": textsShape(), "titleClaim": text()}
}

func (c *nintendoConfig) check(k *checker, at string) {
	wantURL(k, at+".issuer", c.Issuer, platformDocuments)
	wantURL(k, at+".jwksUri", c.JWKSURI, platformDocuments)
	wantTexts(k, at+".clientIds", c.ClientIDs, "what tokens name as their audience")
	wantTexts(k, at+".titleIds", c.TitleIDs, "the application ids of the game")
	if c.Issuer != "" && c.JWKSURI != "" && !sameHost(c.Issuer, c.JWKSURI) {
		k.report(at+".jwksUri", "is on another host than the issuer")
	}
}

func (c *nintendoConfig) provider(tools providerTools) (identity.Provider, error) {
	return provider.NewNintendo(provider.NintendoOptions{
		Client: tools.client(), Now: tools.now, Issuer: c.Issuer, KeysURL: c.JWKSURI, ClientIDs: c.ClientIDs, Titles: c.TitleIDs, TitleClaim: c.TitleClaim,
	}), nil
}

package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"

	"muster/identity/provider/providertest"
)

// wholeVendors is one entry of each kind that is asked by calls, with all that it takes.
const wholeVendors = oneMode + `
identity:
  providers:
    steam: {key: {env: STEAM_KEY}, appId: 480, identity: chess, allowVacBanned: true, allowBorrowed: true, endpoint: 'https://api.steampowered.com'}
    facebook: {appId: 1234567890, appSecret: {env: LONG_SECRET}, allowReuse: true, nonce: optional, endpoint: 'https://graph.facebook.com/v23.0'}
    facebook-instant: {appSecret: {env: LONG_SECRET}}
    discord: {clientId: 1129384756102938475, clientSecret: {env: LONG_SECRET}, redirectUris: ['https://game.example/back']}
    amazon: {clientIds: [amzn1.application-oa2-client.1], allowReuse: true, endpoint: 'https://api.amazon.co.uk'}
    xbox: {relyingParty: 'rp://game.example/', privateKey: {file: xbox.pem}, sandbox: XDKS.1, titleIds: [1234], xuids: true, allowSolo: true, allowReuse: true}
    xbox-web: {clientId: x, clientSecret: {env: LONG_SECRET}, redirectUris: ['https://game.example/back'], sandbox: XDKS.1, allowSolo: true}
    studio:
      kind: webhook
      url: https://accounts.studio.example/prove
      key: {env: LONG_SECRET}
      nextKey: {env: STEAM_KEY}
      takes: [token, nonce, fields.device]
      entitlement: base
`

var vendorSecrets = map[string]string{"STEAM_KEY": "0123456789ABCDEF0123456789ABCDEF", "LONG_SECRET": "abcdefghijklmnopqrstuvwxyz0123456789"}

func vendorFiles(name string) ([]byte, error) {
	if name == "xbox.pem" {
		return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(providertest.RSAKey(0))}), nil
	}
	return files(name)
}

func TestEveryVendorIsConfigured(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(wholeVendors), vendorFiles)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Identity.providers(newTestTools(vendorSecrets))
	if err != nil {
		t.Fatal(err)
	}
	kinds := c.Identity.kinds()
	for kind := range withVendors(map[string]providerKind{}) {
		configured := false
		for name := range made {
			configured = configured || kinds[name] == kind
		}
		if !configured {
			t.Errorf("no provider of kind %s is made", kind)
		}
	}
}

func TestWhatVendorsLackIsNamed(t *testing.T) {
	for text, want := range map[string][]string{
		"steam: {}":                                       {"steam.key: is needed: env names", `steam.appId: is the number of the game's app at Steam, not ""`},
		"steam: {key: {env: K}, appId: chess}":            {`steam.appId: is the number of the game's app at Steam, not "chess"`},
		"steam: {key: {env: K}, appId: 480, endpoint: x}": {`steam.endpoint: "x" is not an https address`},
		"steam: {key: topsecret, appId: 480}":             {"steam.key: a secret is never in this file: write {env: NAME} or {file: PATH}"},
		"facebook: {nonce: never}":                        {"facebook.appId: is needed", "facebook.appSecret: is needed", `facebook.nonce: "never" is no policy`},
		"facebook-instant:":                               {"facebook-instant.appSecret: is needed"},
		"discord: {}":                                     {"discord.clientId: is needed", "discord.clientSecret: is needed"},
		"amazon: {}":                                      {"amazon.clientIds: is needed"},
		"xbox: {}":                                        {"xbox.relyingParty: is needed", "xbox.privateKey: is needed"},
		"xbox-web: {}":                                    {"xbox-web.clientId: is needed", "xbox-web.redirectUris: is needed"},
		"webhook: {}":                                     {"webhook.url: is needed", "webhook.key: is needed"},
		"a: {kind: webhook, url: 'http://a.example', key: {env: K}}":                            {`a.url: "http://a.example" is not an https address`},
		"a: {kind: webhook, url: 'https://a.example', key: {env: K}, takes: [token, password]}": {`a.takes[1]: "password" is no member of a proof`},
		"a: {kind: webhook, url: 'https://a.example', key: {env: K}, takes: [token, token]}":    {`a.takes[1]: "token" is no member of a proof, or there twice`},
	} {
		_, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  providers:\n    "+text+"\n"), files)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want %s", text, err, w)
			}
		}
	}
}

func TestSecretsOfVendorsAreLookedAtAtTheStart(t *testing.T) {
	for text, want := range map[string]string{
		"steam: {key: {env: NONE}, appId: 480}":                                                           "identity.providers.steam.key: the environment variable NONE is not set",
		"xbox: {relyingParty: r, privateKey: {env: SHORT}}":                                               "identity.providers.xbox.privateKey: is not PEM of one to four private keys",
		"xbox: {relyingParty: r, privateKey: {file: none.pem}}":                                           "identity.providers.xbox.privateKey: read none.pem",
		"a: {kind: webhook, url: 'https://a.example', key: {env: SHORT}}":                                 "identity.providers.a.key: is shorter than 32 bytes",
		"a: {kind: webhook, url: 'https://a.example', key: {env: LONG_SECRET}, nextKey: {env: SHORT}}":    "identity.providers.a.nextKey: is shorter than 32 bytes",
		"xbox-web: {clientId: c, clientSecret: {env: NONE}, redirectUris: ['https://game.example/back']}": "identity.providers.xbox-web.clientSecret: the environment variable NONE is not set",
	} {
		c, err := parseConfig("c.yaml", []byte(oneMode+"identity:\n  providers:\n    "+text+"\n"), func(name string) ([]byte, error) {
			if name == "none.pem" {
				return nil, errors.New("no such file")
			}
			return files(name)
		})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, err = c.Identity.providers(newTestTools(map[string]string{"SHORT": "topsecret", "LONG_SECRET": vendorSecrets["LONG_SECRET"]}))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// The entries of providers in the documentation are such as the configuration takes.
func TestProvidersOfTheDocumentationAreTaken(t *testing.T) {
	text, err := os.ReadFile("../../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	for i, part := range strings.Split(string(text), "```") {
		block, isYAML := strings.CutPrefix(part, "yaml\n")
		switch {
		case i%2 == 0 || !isYAML:
			continue
		case strings.HasPrefix(block, "    "):
			block = "identity:\n  providers:\n" + block
		case !strings.HasPrefix(block, "identity:\n  providers:\n"):
			continue
		}
		entries++
		if _, err := parseConfig("identity.md", []byte(oneMode+block), vendorFiles); err != nil {
			t.Errorf("%s%v", block, err)
		}
	}
	if entries < 7 {
		t.Errorf("there are %d blocks of entries", entries)
	}
}

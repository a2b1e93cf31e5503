package provider

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// member is one of the addresses in an issuer's description: its name there, and the key of
// the configuration that takes its place.
type member struct {
	name, key string
	pick      func(configuration) string
}

// The addresses that an issuer may describe.
var (
	keysMember          = member{"jwks_uri", "jwksUri", func(c configuration) string { return c.KeysURL }}
	tokenMember         = member{"token_endpoint", "code.tokenUrl", func(c configuration) string { return c.TokenURL }}
	introspectionMember = member{"introspection_endpoint", "introspection.url", func(c configuration) string { return c.IntrospectionEndpoint }}
)

// configuration is what counts of an issuer's description of itself. Source: OpenID Connect
// Discovery 1.0, section 3.
type configuration struct {
	Issuer                string `json:"issuer"`
	KeysURL               string `json:"jwks_uri"`
	TokenURL              string `json:"token_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
}

// directory finds out an issuer's addresses.
type directory struct {
	client *Client
	issuer string
	held   cached[configuration]
}

func newDirectory(client *Client, issuer string, now func() time.Time) *directory {
	d := &directory{client: client, issuer: issuer}
	d.held.fetch, d.held.now = d.fetch, now
	return d
}

// address is a member of the description.
func (d *directory) address(m member) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		conf, err := d.held.get(ctx, func(configuration) bool { return true })
		if err != nil {
			return "", err
		}
		address := m.pick(conf)
		switch {
		case address == "":
			return "", d.client.Misconfigured(ctx, fmt.Sprintf("the description of %q has no %s: say the address in %s", d.issuer, m.name, m.key))
		case !belongs(address, d.issuer):
			return "", d.client.Misconfigured(ctx, fmt.Sprintf(
				"the description of %q has the %s %q, which is not https on the issuer's host or below it: if it is right, say it in %s",
				d.issuer, m.name, shown(address), m.key))
		}
		return address, nil
	}
}

// maxShown bounds what the log has of a platform's text, in bytes.
const maxShown = 200

// shown is as much of a platform's text as the log has.
func shown(text string) string {
	if len(text) > maxShown {
		return strings.ToValidUTF8(text[:maxShown], "") + "..."
	}
	return text
}

func (d *directory) fetch(ctx context.Context) (configuration, time.Duration, error) {
	address := strings.TrimSuffix(d.issuer, "/") + "/.well-known/openid-configuration"
	answer, err := d.client.Do(ctx, Call{URL: address, Published: true})
	if err != nil {
		return configuration{}, 0, err
	}
	if answer.Status != http.StatusOK {
		return configuration{}, 0, d.client.Misconfigured(ctx, fmt.Sprintf("there is no description of the issuer at %q (status %d): look at issuer", address, answer.Status))
	}
	var conf configuration
	if answer.JSON(&conf) != nil {
		return configuration{}, 0, d.client.Misconfigured(ctx, fmt.Sprintf("what is at %q is no description of an issuer: look at issuer", address))
	}
	if conf.Issuer != d.issuer {
		return configuration{}, 0, d.client.Misconfigured(ctx, fmt.Sprintf(
			"issuer is %q, and its description at %q is that of %q: they must be equal to the letter", d.issuer, address, shown(conf.Issuer)))
	}
	return conf, freshFor(answer.Header.Get("Cache-Control")), nil
}

// belongs says whether an address that an issuer names is on its own host or below it. We
// have no list of registrable domains, so a sister host has to be configured.
func belongs(address, issuer string) bool {
	a, errA := url.Parse(address)
	i, errI := url.Parse(issuer)
	if errA != nil || errI != nil || CheckURL(address) != nil || a.Scheme != i.Scheme {
		return false
	}
	if isLoopback(i.Hostname()) {
		return a.Host == i.Host
	}
	host, base := strings.ToLower(a.Hostname()), strings.ToLower(i.Hostname())
	return host == base || strings.HasSuffix(host, "."+base)
}

package provider

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
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

// address is the one that pick takes from the description.
func (d *directory) address(pick func(configuration) string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		conf, err := d.held.get(ctx, func(configuration) bool { return true })
		if err != nil {
			return "", err
		}
		address := pick(conf)
		if !belongs(address, d.issuer) {
			return "", d.client.Misconfigured(ctx, "its description names an address of another host: pin that in the configuration")
		}
		return address, nil
	}
}

func (d *directory) fetch(ctx context.Context) (configuration, time.Duration, error) {
	answer, err := d.client.Do(ctx, Call{URL: strings.TrimSuffix(d.issuer, "/") + "/.well-known/openid-configuration"})
	if err != nil {
		return configuration{}, 0, err
	}
	if answer.Status != http.StatusOK {
		return configuration{}, 0, d.client.Misconfigured(ctx, "the issuer does not describe itself: status "+strconv.Itoa(answer.Status))
	}
	var conf configuration
	if err := answer.JSON(&conf); err != nil {
		return configuration{}, 0, err
	}
	if conf.Issuer != d.issuer {
		return configuration{}, 0, d.client.Misconfigured(ctx, "its description is of another issuer than the configured one")
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

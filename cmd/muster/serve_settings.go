package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"muster/aws/gamelift"
	"muster/httpapi"
	"muster/identity"
)

// The environment variable that holds the signing keys themselves.
const envSigningKeys = "MUSTER_SIGNING_KEYS"

// maxSecretFile bounds a file of secrets, in bytes.
const maxSecretFile = 64 << 10

// serveSettings is what a replica runs with, once all of it was found to be right.
type serveSettings struct {
	conf            config
	url             string
	http            string // where to listen
	internal        string // where to listen for other replicas
	advertise       string // where they reach it; empty: at an address of this machine
	store           storePlace
	region          string // empty: as the AWS SDK finds it
	gameLift        string // endpoint; empty: Amazon's
	topics          []string
	trusted         []string          // places of SNS signing certificates
	keys            *identity.KeyRing // nil until openKeys has read keysSecret
	keysFile        string            // where they are read again from; empty: nowhere
	keysSecret      string            // the ARN of the secret that holds them, which openKeys reads; empty: none does
	serverKeyHashes []string
	adminKeyHashes  []string
	origins         []string
	proxies         httpapi.Proxies
	drain           time.Duration
}

// settings checks everything that can be checked before anything is opened. The error
// lists every problem, a sentence each.
func (c *serveCmd) settings(getenv func(string) string) (serveSettings, error) {
	s := serveSettings{
		http: c.HTTP, internal: c.Internal, store: storePlace{Spec: c.Store, Create: c.CreateTable, Region: c.Region}, region: c.Region,
		topics: c.SNSTopics, serverKeyHashes: c.ServerKeyHashes, adminKeyHashes: c.AdminKeyHashes, drain: c.Drain,
	}
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	var err error
	s.conf, err = loadConfigFor(true, c.Config)
	note(byLine(err, s.conf.missing(getenv)))
	s.url, err = baseURL("--url", c.URL)
	note(err)
	if c.Advertise != "" {
		s.advertise, err = baseURL("--advertise", c.Advertise)
		note(err)
	}
	if c.DynamoDB != "" {
		s.store.Endpoint, err = baseURL("--dynamodb-endpoint", c.DynamoDB)
		note(err)
	}
	if c.GameliftEndpoint != "" {
		s.gameLift, err = baseURL("--gamelift-endpoint", c.GameliftEndpoint)
		note(err)
	}
	note(checkRegion(c.Region))
	for _, place := range c.SNSTrust {
		_, err := baseURL("--sns-trust", place)
		note(err)
		s.trusted = append(s.trusted, place)
	}
	for _, text := range c.Origins {
		origin, err := baseURL("--origin", text)
		note(err)
		s.origins = append(s.origins, origin)
	}
	trusted, bad := networks(c.TrustedProxies)
	if bad != "" {
		note(fmt.Errorf("--trusted-proxy %q is neither an address nor a network like 10.0.0.0/16", bad))
	}
	s.proxies = httpapi.Proxies{Networks: trusted, Hops: c.TrustedHops}
	for _, arn := range c.SNSTopics {
		if !isTopicARN(arn) {
			note(fmt.Errorf("--sns-topic %q is not the ARN of a topic", arn))
		}
	}
	note(s.takeKeys(c.callerFlags, getenv))
	note(checkKeyHashes("server", c.ServerKeyHashes))
	note(checkKeyHashes("admin", c.AdminKeyHashes))
	if len(c.ServerKeyHashes) == 0 {
		note(errors.New("there is no server key, so no game server could report a result: make one with muster keys server, give its hash with --server-key-hash or MUSTER_SERVER_KEY_HASHES"))
	}
	return s, errors.Join(problems...)
}

// checkRegion says that there is no region: none is given, and the AWS SDK finds none either.
// Else it would be noticed only once a store is made.
func checkRegion(region string) error {
	if region != "" {
		return nil
	}
	_, err := gamelift.New(gamelift.Options{})
	return err
}

// baseURL checks an http address and takes a final slash away.
func baseURL(flag, text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", fmt.Errorf("%s %q is not an address like https://play.example.com", flag, text)
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return "", fmt.Errorf("%s %q has more in it than an address and a path", flag, text)
	}
	return strings.TrimRight(text, "/"), nil
}

// signingKeys reads the keys from the file, or takes the text of the environment.
func signingKeys(path, text string) (*identity.Keys, error) {
	const how = "make some with muster keys signing, and give every replica the same with --signing-keys FILE or in " + envSigningKeys
	where := envSigningKeys
	switch {
	case path != "" && text != "":
		return nil, fmt.Errorf("there are signing keys both in %s and in a file: which are meant?", envSigningKeys)
	case path == "" && text == "":
		return nil, errors.New("there are no signing keys, and keys made up by each replica would sign everybody out: " + how)
	case path != "":
		body, err := readSecretFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the signing keys: %w", err)
		}
		text, where = string(body), path
	}
	keys, err := identity.ParseKeys([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the signing keys in %s cannot be used: %w; %s", where, err, how)
	}
	return keys, nil
}

// readSecretFile reads a file that an operator or a container's runtime has put there. Who
// may read it is theirs to say: a mounted secret is often open to its whole container.
func readSecretFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err == nil && len(body) > maxSecretFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxSecretFile)
	}
	return body, err
}

// checkKeyHashes says whether they are hashes. A key in the place of its hash is the
// likely mistake, and it must not be repeated in a message.
func checkKeyHashes(whose string, hashes []string) error {
	var err error
	if whose == "admin" {
		_, err = identity.NewAdminKeys(hashes...)
	} else {
		_, err = identity.NewServerKeys(hashes...)
	}
	if err != nil {
		return fmt.Errorf("--%s-key-hash takes the hash that muster keys %s prints, 64 hexadecimal digits, never the key: %w", whose, whose, err)
	}
	return nil
}

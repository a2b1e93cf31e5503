package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"muster/identity/provider"
)

// textsShape is a list of strings.
func textsShape() *shape { return list("a list of strings", text()) }

// wantTexts reports a list that is empty, or has an empty item.
func wantTexts(k *checker, at string, values []string, what string) {
	if len(values) == 0 {
		k.report(at, "is needed: %s", what)
	}
	for i, value := range values {
		if strings.TrimSpace(value) != value || value == "" {
			k.report(fmt.Sprintf("%s[%d]", at, i), "is empty, or has spaces around it")
		}
	}
}

// wantText reports a text that is missing.
func wantText(k *checker, at, value, what string) {
	if strings.TrimSpace(value) == "" {
		k.report(at, "is needed: %s", what)
	}
}

// wantURL reports an address that is missing or may not be called.
func wantURL(k *checker, at, value, what string) {
	wantText(k, at, value, what)
	optionalURL(k, at, value)
}

// optionalURL reports an address that may not be called.
func optionalURL(k *checker, at, value string) {
	if value == "" {
		return
	}
	if err := provider.CheckURL(value); err != nil {
		k.report(at, "%q %s", value, err)
	}
}

// checkNonce reports a policy that there is none of.
func checkNonce(k *checker, at, value string) {
	policies := []string{string(provider.NonceRequired), string(provider.NonceOptional), string(provider.NonceNone)}
	if value != "" && !slices.Contains(policies, value) {
		k.report(at, "%q is no policy; there are %s", value, strings.Join(policies, ", "))
	}
}

// maxProofSeconds is the longest that a proof may be asked to be good for: a day.
const maxProofSeconds = 86400

func checkSeconds(k *checker, at string, value int) {
	if value < 0 || value > maxProofSeconds {
		k.report(at, "lies between 0 (no limit) and %d, not %d", maxProofSeconds, value)
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// algorithmNames are what tokens may be signed with. None of them has a shared secret.
var algorithmNames = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func checkAlgorithms(k *checker, at string, values []string) {
	for i, value := range values {
		if !slices.Contains(algorithmNames, value) {
			k.report(fmt.Sprintf("%s[%d]", at, i), "%q is no algorithm that is taken; there are %s", value, strings.Join(algorithmNames, ", "))
		}
	}
}

func algorithms(values []string) []jose.SignatureAlgorithm {
	var list []jose.SignatureAlgorithm
	for _, value := range values {
		list = append(list, jose.SignatureAlgorithm(value))
	}
	return list
}

// checkRequired looks at the claims that tokens must have.
func checkRequired(k *checker, at string, required map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(required)) {
		wantTexts(k, at+"."+name, required[name], "the values of which the claim must have one")
	}
}

func requiredShape() *shape {
	return &shape{want: "a group of claims", takes: isGroup, each: textsShape()}
}

// sameHost says that two addresses are on one host.
func sameHost(a, b string) bool {
	first, errA := url.Parse(a)
	second, errB := url.Parse(b)
	return errA == nil && errB == nil && strings.EqualFold(first.Host, second.Host)
}

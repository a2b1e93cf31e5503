package provider

import "github.com/go-jose/go-jose/v4"

// StudioAlgorithms are those that a studio's own issuer may sign with: what go with RSA, P-256
// and Ed25519 keys.
var StudioAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}

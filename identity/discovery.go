package identity

import "encoding/json"

// JWKS is the published key set, as served at /.well-known/jwks.json. Do not change it.
func (s *Service) JWKS() []byte { return s.keys.At(s.now()).jwks }

// Configuration is the issuer's description, as served at
// /.well-known/openid-configuration: what a gateway needs to check our tokens. Source:
// OpenID Connect Discovery 1.0, section 3; we have no authorization endpoint.
func (s *Service) Configuration() []byte {
	body, err := json.Marshal(map[string]any{
		"issuer":                                s.issuer,
		"jwks_uri":                              s.issuer + "/.well-known/jwks.json",
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": s.keys.At(s.now()).algs,
		"scopes_supported":                      []string{"guest", "player"},
		"claims_supported":                      []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "sid"},
	})
	if err != nil {
		panic("identity: a map of strings always encodes: " + err.Error())
	}
	return body
}

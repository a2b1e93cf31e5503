package lambda

import (
	"time"

	"muster"
)

// policy answers REST and WebSocket APIs, and HTTP APIs that want policies.
type policy struct {
	Principal string         `json:"principalId"`
	Document  policyDocument `json:"policyDocument"`
	Context   map[string]any `json:"context,omitempty"`
}

type policyDocument struct {
	Version   string            `json:"Version"`
	Statement []policyStatement `json:"Statement"`
}

type policyStatement struct {
	Action   string `json:"Action"`
	Effect   string `json:"Effect"`
	Resource string `json:"Resource"`
}

// simple answers HTTP APIs of payload format 2.0.
type simple struct {
	Authorized bool           `json:"isAuthorized"`
	Context    map[string]any `json:"context,omitempty"`
}

// graph answers AppSync.
type graph struct {
	Authorized bool           `json:"isAuthorized"`
	Context    map[string]any `json:"resolverContext,omitempty"`
	Denied     []string       `json:"deniedFields,omitempty"`
	TTL        int            `json:"ttlOverride"` // seconds
}

// nobody is the principal of a policy that lets nobody in.
const nobody = "nobody"

// tell words a verdict as the kind of event wants it.
func (a *Authorizer) tell(e *event, v verdict) (any, error) {
	switch {
	case e.kind == appSync:
		return a.graph(v), nil
	case e.kind == httpV2 && a.o.HTTPAnswers != PolicyAnswers:
		return simple{Authorized: v.refusal == nil, Context: v.context()}, nil
	case v.refusal != nil && v.refusal.Kind == muster.Unauthenticated && e.kind != httpV1 && e.kind != httpV2:
		return nil, ErrUnauthorized
	}
	return v.policy(e.api), nil
}

// policy is as wide as the stage: API Gateway keeps it for the caller's next calls too, which
// are of other methods.
func (v verdict) policy(api apiARN) policy {
	effect := "Allow"
	if v.refusal != nil {
		effect = "Deny"
	}
	return policy{
		Principal: v.principal(), Context: v.context(),
		Document: policyDocument{Version: "2012-10-17", Statement: []policyStatement{{"execute-api:Invoke", effect, api.everything()}}},
	}
}

// graph says how long AppSync may keep it: no longer than the token lives. What is refused
// is not kept, since a ban may be lifted.
func (a *Authorizer) graph(v verdict) graph {
	if v.refusal != nil {
		return graph{}
	}
	ttl := a.o.MaxTTL
	if !v.expiresAt.IsZero() {
		ttl = min(ttl, v.expiresAt.Sub(a.o.Now()))
	}
	return graph{
		Authorized: true, Context: v.context(), Denied: a.o.DeniedFields[v.caller.Scope],
		TTL: int(max(ttl, 0) / time.Second),
	}
}

func (v verdict) principal() string {
	switch {
	case v.refusal != nil:
		return nobody
	case v.caller.Player != "":
		return string(v.caller.Player)
	case v.caller.Key != "":
		return v.caller.Key
	}
	return string(v.caller.Scope)
}

// context is what integrations and resolvers learn of the caller. All of it is text: REST and
// WebSocket APIs and AppSync take nothing that has parts. What is refused has its code, for
// templates of answers to show.
func (v verdict) context() map[string]any {
	if v.refusal != nil {
		return map[string]any{"code": v.refusal.Code}
	}
	told := map[string]any{"scope": string(v.caller.Scope)}
	for name, value := range map[string]string{"player": string(v.caller.Player), "family": v.caller.Family, "key": v.caller.Key} {
		if value != "" {
			told[name] = value
		}
	}
	return told
}

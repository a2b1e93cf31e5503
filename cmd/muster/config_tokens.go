package main

import (
	"time"

	"muster/httpapi"
	"muster/identity"
)

// tokensConfig is how long sign-ins last.
type tokensConfig struct {
	IdleHours          *int  `yaml:"idleHours"`          // nil: no less than a sign-in as a whole
	OneSignInPerDevice *bool `yaml:"oneSignInPerDevice"` // nil: true
	FreshToSignOut     *bool `yaml:"freshToSignOut"`     // nil: true
}

// mostIdleHours is a sign-in as a whole.
const mostIdleHours = int(identity.DefaultRefreshTTL / time.Hour)

func tokensShape() *shape {
	return group(map[string]*shape{"idleHours": whole(), "oneSignInPerDevice": truth(), "freshToSignOut": truth()})
}

func (c *tokensConfig) check(k *checker) {
	if h := c.IdleHours; h != nil && (*h < 1 || *h > mostIdleHours) {
		k.report("identity.tokens.idleHours", "lies between 1 and %d, not %d", mostIdleHours, *h)
	}
}

// apply has sign-ins last as configured.
func (c *tokensConfig) apply(o *identity.Options) {
	if c.IdleHours != nil {
		o.IdleTTL = time.Duration(*c.IdleHours) * time.Hour
	}
	o.SeveralPerDevice = c.OneSignInPerDevice != nil && !*c.OneSignInPerDevice
}

// serve has players end their other sign-ins as configured.
func (c *tokensConfig) serve(o *httpapi.Options, ids *identity.Service) {
	if c.FreshToSignOut == nil || *c.FreshToSignOut {
		o.Fresh = ids.Fresh
	}
}

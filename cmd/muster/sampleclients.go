package main

import (
	"net/http"
	"slices"
	"time"

	"muster"
	"muster/httpapi"
	"muster/identity"
	"muster/samples"
)

// sampleClientsConfig lets clients in that are built on Amazon's published samples.
type sampleClientsConfig struct {
	Mode muster.ModeName `yaml:"mode"` // that they play
}

func sampleClientsShape() *shape { return group(map[string]*shape{"mode": text()}) }

// checkSampleClients looks at the mode: these clients know of matches alone, and cannot
// accept one.
func (c *config) checkSampleClients(k *checker) {
	s := c.Identity.SampleClients
	if s == nil {
		return
	}
	const at = "identity.sampleClients.mode"
	i := slices.IndexFunc(c.Modes, func(m modeConfig) bool { return m.Name == string(s.Mode) })
	switch {
	case s.Mode == "":
		k.report(at, "is needed: the mode that these clients play")
	case i < 0:
		k.report(at, "there is no mode %q", s.Mode)
	case c.Modes[i].kind() == muster.Queue:
		k.report(at, "%q has no matchmaking, and these clients know nothing else", s.Mode)
	case c.Modes[i].AcceptanceTimeoutSeconds > 0:
		k.report(at, "players of %q accept their matches, and these clients cannot: set its acceptanceTimeoutSeconds to 0", s.Mode)
	}
}

// serveSamples adds the calls of sample clients to the interface, if they are configured.
func (c *identityConfig) serveSamples(o *httpapi.Options, ids *identity.Service) {
	if c.SampleClients == nil {
		return
	}
	front := samples.Options{
		Identity: ids, Play: o.Play, Verify: o.Verify, Mode: c.SampleClients.Mode, Now: time.Now, Log: o.Log,
	}
	if o.UserPool != nil {
		front.UserPool = o.UserPool
	}
	o.Further = map[string]http.Handler{}
	for pattern, handler := range samples.New(front).Routes() {
		o.Further[pattern] = handler
	}
}

package gameliftlocal

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// How many resources of a kind one service holds. They are well above Amazon's
// default quotas and keep the file, which is written whole, small. Our choice.
const (
	maxLocations       = 1000
	maxFleets          = 1000
	maxComputes        = 2000 // of all fleets together
	maxAliases         = 1000
	maxQueues          = 1000
	maxConfigurations  = 1000
	maxRuleSets        = 1000
	maxTagsPerResource = 50 // Amazon's practice
	maxDestinations    = 10 // Amazon's quota per queue
)

// resources is everything that survives a restart. A value of this type never
// changes once it is published: a change is made to a clone, and the elements of the
// maps (and the slices inside them) are replaced, not modified.
type resources struct {
	Locations      map[string]types.LocationModel            `json:"locations"`      // custom ones, by name
	Fleets         map[string]fleet                          `json:"fleets"`         // by id
	Computes       map[string]compute                        `json:"computes"`       // by computeKey
	Aliases        map[string]types.Alias                    `json:"aliases"`        // by id
	Queues         map[string]types.GameSessionQueue         `json:"queues"`         // by name
	RuleSets       map[string]types.MatchmakingRuleSet       `json:"ruleSets"`       // by name
	Configurations map[string]types.MatchmakingConfiguration `json:"configurations"` // by name
	Tags           map[string]map[string]string              `json:"tags"`           // by ARN
}

// fleet is an Anywhere fleet: what the API tells, and its settings.
type fleet struct {
	Attributes types.FleetAttributes      `json:"attributes"`
	Locations  []string                   `json:"locations"` // custom location names, as created
	Runtime    types.RuntimeConfiguration `json:"runtime"`
}

// compute is a registered machine. Endpoints are not stored: they depend on where
// the service listens this time.
type compute struct {
	Compute         types.Compute `json:"compute"`
	CertificatePath string        `json:"certificatePath,omitempty"`
}

// computeKey is unique per fleet and name; a fleet id holds no slash.
func computeKey(fleetID, name string) string { return fleetID + "/" + name }

// clone copies the maps. The inner maps of Tags are replaced, never modified, like
// every other value.
func (r *resources) clone() *resources {
	return &resources{
		Locations:      cloneMap(r.Locations),
		Fleets:         cloneMap(r.Fleets),
		Computes:       cloneMap(r.Computes),
		Aliases:        cloneMap(r.Aliases),
		Queues:         cloneMap(r.Queues),
		RuleSets:       cloneMap(r.RuleSets),
		Configurations: cloneMap(r.Configurations),
		Tags:           cloneMap(r.Tags),
	}
}

// cloneMap is maps.Clone that never gives nil, so that every map can be written to.
func cloneMap[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m)+1)
	maps.Copy(out, m)
	return out
}

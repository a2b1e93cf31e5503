package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"muster"
	"muster/flexmatch"
)

// config is the configuration file; shape.go has the same keys. Flags and environment
// name where things listen and live; the file says what can be played. A pointer is nil
// where the file says nothing, until setDefaults.
type config struct {
	// Locations are where sessions can run; latencies for other places are dropped.
	Locations []string     `yaml:"locations"`
	Modes     []modeConfig `yaml:"modes"`
	// GameServers is how many game-server processes `muster up` keeps.
	GameServers gameServersConfig `yaml:"gameServers"`
	// Profile is what players may make of their profiles.
	Profile profileConfig `yaml:"profile"`
	// Data is what is stored for players, by namespace.
	Data map[string]namespaceConfig `yaml:"data"`
	// Identity is how players sign in.
	Identity identityConfig `yaml:"identity"`

	name   string // of the file, for messages
	needs  []need // what has to be there at the start
	hosted bool   // sessions run where the studio's fleets are, not on this machine
}

type gameServersConfig struct {
	Spare *int `yaml:"spare"` // idle ones, ready for the next match
	Max   *int `yaml:"max"`   // all together
}

type modeConfig struct {
	Name                     string                     `yaml:"name"`
	Title                    string                     `yaml:"title"`
	Description              string                     `yaml:"description"`
	Configuration            string                     `yaml:"configuration"`
	RuleSet                  string                     `yaml:"ruleSet"` // file, relative to the configuration file
	RequestTimeoutSeconds    *int                       `yaml:"requestTimeoutSeconds"`
	AcceptanceTimeoutSeconds int                        `yaml:"acceptanceTimeoutSeconds"`
	Attributes               map[string]attributeConfig `yaml:"attributes"`
	Rating                   ratingConfig               `yaml:"rating"`
	Competition              competitionConfig          `yaml:",inline"`
	Party                    partyConfig                `yaml:"party"`
	Kind                     string                     `yaml:"kind"` // matchmaking (default), queue or standalone
	Sessions                 sessionsConfig             `yaml:"sessions"`

	ruleSetBody []byte
	declared    []flexmatch.Attribute // by the rule set
	teams       []muster.ModeTeam
}

type attributeConfig struct {
	From    string   `yaml:"from"`
	Field   string   `yaml:"field"`
	Min     *float64 `yaml:"min"`
	Max     *float64 `yaml:"max"`
	Outside string   `yaml:"outside"` // of min and max: absent, clamp or default
	Choices []string `yaml:"choices"`
	Value   any      `yaml:"value"` // a number, a string or a list of strings
}

func (c *config) setDefaults() {
	if c.Locations == nil && !c.hosted {
		c.Locations = []string{"custom-local"}
	}
	c.Identity.Limits.setDefaults(c.hosted)
	c.GameServers.Spare = cmp.Or(c.GameServers.Spare, new(4))
	c.GameServers.Max = cmp.Or(c.GameServers.Max, new(32))
	for i := range c.Modes {
		m := &c.Modes[i]
		m.Title = cmp.Or(m.Title, m.Name)
		m.setSessionDefaults()
		m.RequestTimeoutSeconds = cmp.Or(m.RequestTimeoutSeconds, new(300))
	}
}

// configurationName is what a matchmaking configuration can be called. GameLift takes
// names of up to 128 characters; the name of its rule set adds a hyphen and a hash of 16.
var (
	configurationName = regexp.MustCompile(`^[a-zA-Z0-9.-]{1,111}$`)
	locationName      = regexp.MustCompile(`^custom-[A-Za-z0-9-]{1,57}$`)
	regionName        = regexp.MustCompile(`^[a-z]{2,3}(-[a-z0-9]+){2,4}$`) // a region or a local zone
)

// checker collects what is wrong with a configuration, each with the path of its key.
type checker struct {
	readFile func(string) ([]byte, error)
	fullPath func(string) string // of a file that readFile reads
	problems []muster.FieldError
	needs    []need
	taken    map[string]bool // names of modes, and of configurations after a slash
}

func (k *checker) report(field, format string, args ...any) {
	k.problems = append(k.problems, muster.FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
}

// check finds everything that is wrong and reads the rule sets.
func (c *config) check(files configFiles) []muster.FieldError {
	k := &checker{readFile: files.read, fullPath: files.full, taken: make(map[string]bool)}
	c.checkLocations(k)
	c.GameServers.check(k)
	c.Profile.check(k)
	c.Identity.check(k)
	c.Identity.checkPasswords(k, c.hosted)
	c.checkSampleClients(k)
	if len(c.Modes) == 0 {
		k.report("modes", "at least one mode is needed")
	}
	for i := range c.Modes {
		at := fmt.Sprintf("modes[%d]", i)
		c.Modes[i].checkSessions(k, at, c.Locations)
		c.Modes[i].check(k, at)
	}
	c.checkData(k)
	c.needs = k.needs
	return k.problems
}

func (c *config) checkLocations(k *checker) {
	switch {
	case c.hosted && len(c.Locations) == 0:
		k.report("locations", "names the places where sessions run: regions such as us-east-1, or custom locations")
	case !c.hosted && len(c.Locations) != 1:
		k.report("locations", "names the one place where sessions run, not %d: several are not supported yet", len(c.Locations))
	}
	for i, name := range c.Locations {
		switch {
		case locationName.MatchString(name) || c.hosted && regionName.MatchString(name):
		case c.hosted:
			k.report(fmt.Sprintf("locations[%d]", i), "%q is neither a region nor a custom location", name)
		default:
			k.report(fmt.Sprintf("locations[%d]", i), "%q is not a custom location; write custom- and letters, digits or hyphens", name)
		}
	}
}

func (g gameServersConfig) check(k *checker) {
	spare, most := *g.Spare, *g.Max
	switch {
	case spare < 1:
		k.report("gameServers.spare", "is at least 1, not %d", spare)
	case most < 1 || most > 500:
		k.report("gameServers.max", "lies between spare and 500, not %d", most)
	case most < spare:
		k.report("gameServers", "max is at least spare, but they are %d and %d", most, spare)
	}
}

func (m *modeConfig) check(k *checker, at string) {
	m.checkNames(k, at)
	if n := *m.RequestTimeoutSeconds; n < 1 || n > 43200 {
		k.report(at+".requestTimeoutSeconds", "lies between 1 and 43200, not %d", n)
	}
	if n := m.AcceptanceTimeoutSeconds; n < 0 || n > 600 {
		k.report(at+".acceptanceTimeoutSeconds", "lies between 0 (no acceptance) and 600, not %d", n)
	}
	m.Rating.check(k, at+".rating")
	m.Competition.check(k, at)
	m.Party.check(k, at+".party")
	switch rules := m.readRuleSet(k, at); {
	case rules != nil:
		m.checkAttributes(k, at, rules.Attributes())
	case m.kind() != muster.Queue:
		m.teams = []muster.ModeTeam{{Name: "unknown"}} // reported above
	}
	for _, p := range m.mode().Validate() {
		if p.Field != "configuration" || m.kind() == muster.Queue { // others have none only where they have no name
			k.report(at+"."+p.Field, "%s", p.Message)
		}
	}
}

// checkNames looks at the mode's name and at that of its configuration, which is the
// mode's unless the file gives another.
func (m *modeConfig) checkNames(k *checker, at string) {
	if m.Name == "" {
		return // Validate says so
	}
	key := at + ".configuration"
	if m.Configuration == m.Name {
		key = at + ".name"
	}
	if k.taken[m.Name] || k.taken["/"+m.Configuration] {
		k.report(at+".name", "another mode has this name or configuration")
	}
	k.taken[m.Name] = true
	if m.kind() == muster.Queue {
		return // it has no configuration
	}
	k.taken["/"+m.Configuration] = true
	if !configurationName.MatchString(m.Configuration) {
		k.report(key, "%q is not a name for a matchmaking configuration: 1 to 111 letters, digits, dots and hyphens", m.Configuration)
	}
}

// readRuleSet reads the mode's rule set and takes the teams from it; nil when it is not
// to be used.
func (m *modeConfig) readRuleSet(k *checker, at string) *flexmatch.RuleSet {
	if m.kind() == muster.Queue {
		return nil
	}
	if m.RuleSet == "" {
		if m.matches() {
			k.report(at+".ruleSet", "names the file of the mode's rule set")
		}
		return nil
	}
	body, err := k.readFile(m.RuleSet)
	if err != nil {
		k.report(at+".ruleSet", "%v", err)
		return nil
	}
	rules, err := flexmatch.ParseRuleSet(body)
	if err != nil {
		for problem := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
			k.report(at+".ruleSet", "%s: %s", m.RuleSet, problem)
		}
		return nil
	}
	m.ruleSetBody = body
	for _, t := range rules.TeamSizes() {
		m.teams = append(m.teams, muster.ModeTeam{Name: t.Name, MinPlayers: t.Min, MaxPlayers: t.Max})
	}
	return rules
}

// mode is the mode as the rules know it.
func (m *modeConfig) mode() muster.Mode {
	mode := muster.Mode{
		Name: muster.ModeName(m.Name), Title: m.Title, Description: m.Description, Configuration: m.Configuration,
		Kind: m.kind(), Sessions: m.options(),
		AcceptanceTimeout: time.Duration(m.AcceptanceTimeoutSeconds) * time.Second, Teams: m.teams,
		Attributes: make(map[string]muster.AttributeSource, len(m.Attributes)), Rating: m.Rating.system(), Party: m.Party.rules(),
		Competition: m.Competition.competition(),
	}
	for name, a := range m.Attributes {
		mode.Attributes[name] = muster.AttributeSource{
			From: muster.Source(a.From), Field: a.Field, Type: m.storedType(name), Min: a.Min, Max: a.Max, Outside: muster.Outside(a.Outside), Choices: a.Choices, Value: a.value(),
		}
	}
	return mode
}

// value is the attribute's constant or default; nil when there is none or it is of no
// kind GameLift takes.
func (a attributeConfig) value() *muster.AttributeValue {
	switch v := a.Value.(type) {
	case int:
		n := float64(v)
		return &muster.AttributeValue{N: &n}
	case uint64: // beyond int
		n := float64(v)
		return &muster.AttributeValue{N: &n}
	case float64:
		return &muster.AttributeValue{N: &v}
	case string:
		return &muster.AttributeValue{S: &v}
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			list = append(list, fmt.Sprint(item))
		}
		return &muster.AttributeValue{SL: list}
	}
	return nil
}

func (c *config) musterModes() []muster.Mode {
	modes := make([]muster.Mode, 0, len(c.Modes))
	for i := range c.Modes {
		modes = append(modes, c.Modes[i].mode())
	}
	return modes
}

// backendParts is what the file says of the backend; whoever runs one adds the rest.
func (c *config) backendParts() backendParts {
	return backendParts{modes: c.musterModes(), locations: c.Locations, profile: c.Profile.options(), data: c.namespaces(), identity: c.Identity}
}

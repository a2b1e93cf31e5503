package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"muster"
	"muster/flexmatch"
)

// config is the configuration file. Flags and environment name where things listen and
// live; the file says what can be played.
type config struct {
	// Locations are where sessions can run; latencies for other places are dropped.
	Locations []string     `yaml:"locations"`
	Modes     []modeConfig `yaml:"modes"`
	// GameServers is how many game-server processes `muster up` keeps.
	GameServers gameServersConfig `yaml:"gameServers"`
}

type gameServersConfig struct {
	Spare whole `yaml:"spare"` // idle ones, ready for the next match
	Max   whole `yaml:"max"`   // all together
}

type modeConfig struct {
	Name                     string                     `yaml:"name"`
	Title                    string                     `yaml:"title"`
	Description              string                     `yaml:"description"`
	Configuration            string                     `yaml:"configuration"`
	RuleSet                  string                     `yaml:"ruleSet"` // file, relative to the configuration file
	RequestTimeoutSeconds    whole                      `yaml:"requestTimeoutSeconds"`
	AcceptanceTimeoutSeconds whole                      `yaml:"acceptanceTimeoutSeconds"`
	Attributes               map[string]attributeConfig `yaml:"attributes"`

	ruleSetBody []byte
	teams       []muster.ModeTeam
}

type attributeConfig struct {
	From    string   `yaml:"from"`
	Field   string   `yaml:"field"`
	Min     *float64 `yaml:"min"`
	Max     *float64 `yaml:"max"`
	Choices []string `yaml:"choices"`
	Value   any      `yaml:"value"` // a number, a string or a list of strings
}

// whole is an integer of the file. The YAML library alone would cut 0.5 to 0.
type whole int

// UnmarshalYAML takes integers only.
func (w *whole) UnmarshalYAML(n *yaml.Node) error {
	var i int
	if n.Tag != "!!int" || n.Decode(&i) != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: cannot unmarshal %s `%s` into int", n.Line, n.Tag, n.Value)}}
	}
	*w = whole(i)
	return nil
}

// loadConfig reads a configuration file. The error lists every problem with its key
// and line.
func loadConfig(path string) (config, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return config{}, fmt.Errorf("read the configuration: %w", err)
	}
	dir := filepath.Dir(path)
	return parseConfig(path, body, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return os.ReadFile(name)
	})
}

// parseConfig decodes and checks a configuration; name is for messages, and readFile
// reads the rule sets it names.
func parseConfig(name string, body []byte, readFile func(string) ([]byte, error)) (config, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(body, &root); err != nil {
		return config{}, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(root.Content) == 0 {
		return config{}, fmt.Errorf("%s: the configuration is empty; it needs modes", name)
	}
	var c config
	dec := yaml.NewDecoder(strings.NewReader(string(body)))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil {
		return config{}, decodeProblems(name, root.Content[0], err)
	}
	c.setDefaults()
	problems := c.check(readFile)
	lines := make([]error, 0, len(problems))
	for _, p := range problems {
		lines = append(lines, fmt.Errorf("%s:%d: %s: %s", name, lineOf(root.Content[0], p.Field), p.Field, p.Message))
	}
	return c, errors.Join(lines...)
}

func (c *config) setDefaults() {
	if len(c.Locations) == 0 {
		c.Locations = []string{"custom-local"}
	}
	if c.GameServers.Spare == 0 {
		c.GameServers.Spare = 4
	}
	if c.GameServers.Max == 0 {
		c.GameServers.Max = 32
	}
	for i := range c.Modes {
		m := &c.Modes[i]
		if m.Title == "" {
			m.Title = m.Name
		}
		if m.Configuration == "" {
			m.Configuration = m.Name
		}
		if m.RequestTimeoutSeconds == 0 {
			m.RequestTimeoutSeconds = 300
		}
	}
}

// gameliftName is what Amazon allows as the name of a matchmaking configuration.
var (
	gameliftName = regexp.MustCompile(`^[a-zA-Z0-9.-]{1,128}$`)
	locationName = regexp.MustCompile(`^custom-[A-Za-z0-9-]{1,57}$`)
)

// check finds everything that is wrong, each with the path of its key, and reads the
// rule sets.
func (c *config) check(readFile func(string) ([]byte, error)) []muster.FieldError {
	var problems []muster.FieldError
	report := func(field, format string, args ...any) {
		problems = append(problems, muster.FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	for i, name := range c.Locations {
		if !locationName.MatchString(name) {
			report(fmt.Sprintf("locations[%d]", i), "%q is not a custom location; write custom- and letters, digits or hyphens", name)
		}
	}
	if c.GameServers.Spare < 1 || c.GameServers.Max < c.GameServers.Spare || c.GameServers.Max > 500 {
		report("gameServers", "spare is at least 1 and max between spare and 500, not %d and %d", c.GameServers.Spare, c.GameServers.Max)
	}
	if len(c.Modes) == 0 {
		report("modes", "at least one mode is needed")
	}
	seen := make(map[string]bool)
	for i := range c.Modes {
		m := &c.Modes[i]
		at := fmt.Sprintf("modes[%d]", i)
		if seen[m.Name] || seen["configuration "+m.Configuration] {
			report(at+".name", "another mode has this name or configuration")
		}
		seen[m.Name], seen["configuration "+m.Configuration] = true, true
		if !gameliftName.MatchString(m.Configuration) {
			report(at+".configuration", "%q is not a name GameLift takes: letters, digits, dots and hyphens, up to 128", m.Configuration)
		}
		if m.RequestTimeoutSeconds < 1 || m.RequestTimeoutSeconds > 43200 {
			report(at+".requestTimeoutSeconds", "lies between 1 and 43200, not %d", m.RequestTimeoutSeconds)
		}
		if m.AcceptanceTimeoutSeconds < 0 || m.AcceptanceTimeoutSeconds > 600 {
			report(at+".acceptanceTimeoutSeconds", "lies between 0 (no acceptance) and 600, not %d", m.AcceptanceTimeoutSeconds)
		}
		m.readRuleSet(at, readFile, report)
		if m.teams == nil {
			m.teams = []muster.ModeTeam{{Name: "unknown", MaxPlayers: 1}} // reported above
		}
		for _, p := range m.mode().Validate() {
			report(at+"."+p.Field, "%s", p.Message)
		}
	}
	return problems
}

// readRuleSet reads the mode's rule set and takes the teams from it.
func (m *modeConfig) readRuleSet(at string, readFile func(string) ([]byte, error), report func(string, string, ...any)) {
	if m.RuleSet == "" {
		report(at+".ruleSet", "names the file of the mode's rule set")
		return
	}
	body, err := readFile(m.RuleSet)
	if err != nil {
		report(at+".ruleSet", "%v", err)
		return
	}
	rules, err := flexmatch.ParseRuleSet(body)
	if err != nil {
		for problem := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
			report(at+".ruleSet", "%s: %s", m.RuleSet, problem)
		}
		return
	}
	m.ruleSetBody = body
	for _, t := range rules.TeamSizes() {
		m.teams = append(m.teams, muster.ModeTeam{Name: t.Name, MinPlayers: t.Min, MaxPlayers: t.Max})
	}
}

// mode is the mode as the rules know it.
func (m *modeConfig) mode() muster.Mode {
	mode := muster.Mode{
		Name: muster.ModeName(m.Name), Title: m.Title, Description: m.Description, Configuration: m.Configuration,
		AcceptanceTimeout: time.Duration(m.AcceptanceTimeoutSeconds) * time.Second, Teams: m.teams,
		Attributes: make(map[string]muster.AttributeSource, len(m.Attributes)),
	}
	for name, a := range m.Attributes {
		mode.Attributes[name] = muster.AttributeSource{
			From: muster.Source(a.From), Field: a.Field, Min: a.Min, Max: a.Max, Choices: a.Choices, Value: a.value(),
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

var (
	unknownKey = regexp.MustCompile(`^line (\d+): field (\S+) not found in type .*$`)
	wrongType  = regexp.MustCompile("(?s)^line (\\d+): cannot unmarshal (\\S+)(?: `(.*)`)? into (\\S+)$")
)

// plainTypes says in words what a key wants.
var plainTypes = map[string]string{
	"int": "a whole number", "*float64": "a number", "float64": "a number", "string": "a string", "[]string": "a list of strings",
}

// decodeProblems turns what the YAML library says into a line for each problem with its
// key.
func decodeProblems(name string, root *yaml.Node, err error) error {
	var typed *yaml.TypeError
	if !errors.As(err, &typed) {
		return fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	problems := make([]error, 0, len(typed.Errors))
	for _, text := range typed.Errors {
		if m := unknownKey.FindStringSubmatch(text); m != nil {
			problems = append(problems, fmt.Errorf("%s:%s: %s: there is no such key", name, m[1], m[2]))
			continue
		}
		if m := wrongType.FindStringSubmatch(text); m != nil {
			line, convErr := strconv.Atoi(m[1])
			if convErr != nil {
				line = 0
			}
			want := plainTypes[m[4]]
			if want == "" {
				want = "a group of keys"
			}
			got := strings.TrimPrefix(m[2], "!!")
			if m[3] != "" {
				got = strconv.Quote(m[3])
			}
			problems = append(problems, fmt.Errorf("%s:%d: %s: wants %s, not %s", name, line, keyOfValue(root, line, m[2], m[3]), want, got))
			continue
		}
		problems = append(problems, fmt.Errorf("%s: %s", name, text))
	}
	return errors.Join(problems...)
}

// keyOfValue finds the path of the value that stands on a line, with the tag and, for a
// scalar, the text that the YAML library names. It cuts long texts.
func keyOfValue(root *yaml.Node, line int, tag, text string) string {
	found := "the file"
	walk(root, "", func(path string, _, value *yaml.Node) {
		text, cut := strings.CutSuffix(text, "...")
		same := value.Value == text || cut && strings.HasPrefix(value.Value, text)
		if value.Line == line && value.ShortTag() == tag && (value.Kind != yaml.ScalarNode || same) {
			found = path
		}
	})
	return found
}

// lineOf finds the line of a key path, or of its nearest parent that stands in the file.
func lineOf(root *yaml.Node, path string) int {
	best, line := -1, max(root.Line, 1)
	walk(root, "", func(at string, key, _ *yaml.Node) {
		inside := at == path || strings.HasPrefix(path, at+".") || strings.HasPrefix(path, at+"[")
		if at != "" && inside && len(at) > best {
			best, line = len(at), key.Line
		}
	})
	return line
}

// walk calls visit for every key and list item with its path ("modes[0].name"), what
// marks its place, and its value.
func walk(n *yaml.Node, path string, visit func(path string, key, value *yaml.Node)) {
	switch n.Kind {
	case yaml.MappingNode:
		for pair := range slices.Chunk(n.Content, 2) {
			at := strings.TrimPrefix(path+"."+pair[0].Value, ".")
			visit(at, pair[0], pair[1])
			walk(pair[1], at, visit)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			visit(at, item, item)
			walk(item, at, visit)
		}
	}
}

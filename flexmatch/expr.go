package flexmatch

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// baseType is what the innermost elements of an expression's value are.
type baseType uint8

const (
	numberBase baseType = iota
	stringBase
	playerBase
	teamBase
)

var baseTypeNames = [...]string{"number", "string", "player", "team"}

// exprType is a base inside depth levels of lists: depth 0 is a single value, 2 a list
// of lists. Values of a string_list attribute add a level of their own.
type exprType struct {
	base  baseType
	depth int
}

func (t exprType) String() string {
	if t.depth == 0 {
		return baseTypeNames[t.base]
	}
	return "list of " + strings.Repeat("lists of ", t.depth-1) + baseTypeNames[t.base] + "s"
}

type function uint8

const (
	noFunction function = iota
	minFunction
	maxFunction
	avgFunction
	medianFunction
	sumFunction
	countFunction
	stddevFunction
	flattenFunction
	intersectFunction
	numFunctions
)

var functionNames = [numFunctions]string{
	"", "min", "max", "avg", "median", "sum", "count", "stddev", "flatten", "set_intersection",
}

func functionNamed(name string) function {
	for f := minFunction; f < numFunctions; f++ {
		if functionNames[f] == name {
			return f
		}
	}
	return noFunction
}

type member uint8

const (
	teamMember member = iota // the teams themselves
	playerMember
	playerIDMember
	attributeMember
)

// expr is a compiled property expression: a function of another expression, a path
// into the match, or a literal. Exactly one of the three is set. Immutable.
type expr struct {
	typ      exprType
	function function
	arg      *expr
	path     *path
	literal  *value
}

// path selects values of players: from some teams, of one member.
type path struct {
	teams  []int // indices of team instances, ascending
	nested bool  // one list per team; otherwise one list over teams
	// everyone tells that every player of a match is covered, whatever the team.
	everyone bool
	member   member
	attr     int // index of the declared attribute
	kind     AttributeKind
	key      string // of a string_number_map attribute
}

// scope is what an expression may name.
type scope struct {
	teams      []teamGroup
	attributes []Attribute
}

// teamGroup is one declared team with its instances, which are numbered over all
// teams of the rule set.
type teamGroup struct {
	name      string
	first     int
	instances []string
}

// attribute finds a declared attribute.
func (s *scope) attribute(name string) (int, bool) {
	for i, a := range s.attributes {
		if a.Name == name {
			return i, true
		}
	}
	return 0, false
}

// undeclared is the message about an attribute that is not declared.
func (s *scope) undeclared(name string) string {
	names := make([]string, len(s.attributes))
	for i, a := range s.attributes {
		names[i] = a.Name
	}
	return fmt.Sprintf("the attribute %q is not declared in playerAttributes%s", clip(name), didYouMean(name, names))
}

// noTeam is the message about a team that there is not.
func (s *scope) noTeam(name string) string {
	return fmt.Sprintf("there is no team %q; the teams are %s", clip(name), s.teamNames())
}

// team finds the instances that a name selects. The name of a team with a quantity
// stands for all its instances; a numbered name for one. Source: Amazon's FlexMatch
// guide for the numbered names; for the bare name the guide is silent and we chose.
func (s *scope) team(name string) (instances []int, single, ok bool) {
	for _, g := range s.teams {
		if g.name == name {
			for i := range g.instances {
				instances = append(instances, g.first+i)
			}
			return instances, len(instances) == 1, true
		}
		for i, instance := range g.instances {
			if instance == name {
				return []int{g.first + i}, true, true
			}
		}
	}
	return nil, false, false
}

// allTeams lists every team instance, in the order of declaration.
func (s *scope) allTeams() []int {
	var out []int
	for _, g := range s.teams {
		for i := range g.instances {
			out = append(out, g.first+i)
		}
	}
	return out
}

// teamNames lists what team would accept, for messages.
func (s *scope) teamNames() string {
	var names []string
	for _, g := range s.teams {
		if slices.Contains(names, g.name) {
			continue // reported at its declaration
		}
		names = append(names, g.name)
		if len(g.instances) > 1 {
			names = append(names, g.instances...)
		}
		if len(names) > 10 {
			return strings.Join(names[:10], ", ") + ", ..."
		}
	}
	return strings.Join(names, ", ")
}

// looksLikeExpr tells an expression from a literal where both may stand
// (referenceValue). It is generous, so that a misspelt expression is reported and not
// taken for a literal.
func looksLikeExpr(s string) bool {
	for _, part := range []string{"teams[", "team[", "players.", "players["} {
		if strings.Contains(s, part) {
			return true
		}
	}
	word, rest := leadingWord(strings.TrimSpace(s))
	rest = strings.TrimLeft(rest, " \t\r\n")
	switch {
	case functionNamed(word) != noFunction:
		return strings.HasPrefix(rest, "(")
	case word == "teams" || word == "team":
		return strings.HasPrefix(rest, "[")
	case word == "players":
		return strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "[")
	}
	return false
}

func leadingWord(s string) (word, rest string) {
	i := 0
	for i < len(s) && (s[i] == '_' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z') {
		i++
	}
	return s[:i], s[i:]
}

// parseExpr compiles a property expression. The error says what was expected and at
// which character.
func parseExpr(text string, s *scope) (*expr, error) {
	p := exprParser{text: text, scope: s}
	e, err := p.expr(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.fail("the expression is complete before %q", clip(p.text[p.at:]))
	}
	return e, nil
}

// errReported is the error of an expression that is at fault only in that it names an
// attribute whose declaration is: that is reported there.
var errReported = errors.New("the declaration of the attribute has a problem")

// maxExprDepth bounds nested function calls.
const maxExprDepth = 16

type exprParser struct {
	text  string
	at    int
	scope *scope
}

func (p *exprParser) fail(format string, args ...any) error {
	return fmt.Errorf("character %d: %s", p.at+1, fmt.Sprintf(format, args...))
}

func (p *exprParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take skips blanks and then the given text, if it is there.
func (p *exprParser) take(s string) bool {
	p.space()
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *exprParser) expr(depth int) (*expr, error) {
	p.space()
	if depth > maxExprDepth {
		return nil, p.fail("functions are nested more than %d deep", maxExprDepth)
	}
	if p.at < len(p.text) && strings.IndexByte(`"'-0123456789`, p.text[p.at]) >= 0 {
		return p.literal()
	}
	start := p.at
	word, _ := leadingWord(p.text[p.at:])
	p.at += len(word)
	switch word {
	case "teams", "team": // the guide's tables print both, its rule sets teams only
		return p.teamsPath()
	case "players": // not in the guide, but in use: all players, whatever the team
		return p.member(&path{teams: p.scope.allTeams(), everyone: true, member: playerMember}, 1)
	}
	f := functionNamed(word)
	if f == noFunction {
		p.at = start
		return nil, p.fail("expected teams[...], a number or one of the functions %s%s", strings.Join(functionNames[1:], ", "), didYouMean(word, functionNames[1:]))
	}
	if !p.take("(") {
		return nil, p.fail("expected '(' after %s", word)
	}
	arg, err := p.expr(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.fail("expected ')' to close %s(", word)
	}
	typ, err := functionType(f, arg.typ)
	if err != nil {
		p.at = start
		return nil, p.fail("%v", err)
	}
	return &expr{typ: typ, function: f, arg: arg}, nil
}

func (p *exprParser) literal() (*expr, error) {
	if quote := p.text[p.at]; quote == '"' || quote == '\'' {
		end := strings.IndexByte(p.text[p.at+1:], quote)
		if end < 0 {
			return nil, p.fail("this quotation is not closed")
		}
		text := p.text[p.at+1 : p.at+1+end]
		p.at += end + 2
		return textLiteral(text), nil
	}
	end := p.at
	for end < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[end]) >= 0 {
		end++
	}
	number, ok := parseNumber(p.text[p.at:end])
	if !ok {
		return nil, p.fail("%q is not a number", clip(p.text[p.at:end]))
	}
	p.at = end
	return numberLiteral(number), nil
}

func numberLiteral(n float64) *expr {
	return &expr{typ: exprType{numberBase, 0}, literal: &value{kind: numberValue, number: n}}
}

func textLiteral(s string) *expr {
	return &expr{typ: exprType{stringBase, 0}, literal: &value{kind: textValue, text: s}}
}

func listLiteral(items []string) *expr {
	v := &value{kind: listValue}
	for _, s := range items {
		v.list = append(v.list, value{kind: textValue, text: s})
	}
	return &expr{typ: exprType{stringBase, 1}, literal: v}
}

// bracket reads "[...]" and returns what is between, trimmed.
func (p *exprParser) bracket(what string) (string, error) {
	if !p.take("[") {
		return "", p.fail("expected [%s]", what)
	}
	end := strings.IndexByte(p.text[p.at:], ']')
	if end < 0 {
		return "", p.fail("expected ']' after [%s", what)
	}
	inside := strings.TrimSpace(p.text[p.at : p.at+end])
	p.at += end + 1
	return inside, nil
}

func (p *exprParser) teamsPath() (*expr, error) {
	start := p.at
	inside, err := p.bracket("team name or *")
	if err != nil {
		return nil, err
	}
	path, err := p.selectTeams(inside)
	if err != nil {
		p.at = start
		return nil, p.fail("%v", err)
	}
	depth := 0
	if path.nested {
		depth = 1
	}
	if !p.take(".") {
		return &expr{typ: exprType{teamBase, depth}, path: path}, nil
	}
	p.space()
	word, _ := leadingWord(p.text[p.at:])
	if word != "players" {
		return nil, p.fail("expected .players after the team")
	}
	p.at += len(word)
	path.member = playerMember
	return p.member(path, depth+1)
}

func (p *exprParser) selectTeams(inside string) (*path, error) {
	if inside == "*" {
		return &path{teams: p.scope.allTeams(), nested: true, everyone: true}, nil
	}
	names := strings.Split(inside, ",")
	out := &path{nested: len(names) > 1}
	seen := map[int]bool{}
	for _, name := range names {
		instances, single, ok := p.scope.team(strings.TrimSpace(name))
		if !ok {
			return nil, errors.New(p.scope.noTeam(strings.TrimSpace(name)))
		}
		out.nested = out.nested || !single
		for _, i := range instances {
			if !seen[i] {
				seen[i] = true
				out.teams = append(out.teams, i)
			}
		}
	}
	sort.Ints(out.teams)
	out.everyone = len(out.teams) == len(p.scope.allTeams())
	return out, nil
}

// member reads what follows ".players": nothing, "[playerId]" or ".attributes[...]".
func (p *exprParser) member(path *path, depth int) (*expr, error) {
	p.space()
	if strings.HasPrefix(p.text[p.at:], "[") {
		inside, err := p.bracket("playerId")
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(inside, "playerId") {
			return nil, p.fail("expected [playerId], found [%s]", clip(inside))
		}
		path.member = playerIDMember
		return &expr{typ: exprType{stringBase, depth}, path: path}, nil
	}
	if !p.take(".") {
		return &expr{typ: exprType{playerBase, depth}, path: path}, nil
	}
	p.space()
	word, _ := leadingWord(p.text[p.at:])
	if word != "attributes" {
		return nil, p.fail("expected .attributes[name] or [playerId] after players")
	}
	p.at += len(word)
	return p.attribute(path, depth)
}

func (p *exprParser) attribute(path *path, depth int) (*expr, error) {
	start := p.at
	name, err := p.bracket("attribute name")
	if err != nil {
		return nil, err
	}
	index, ok := p.scope.attribute(name)
	if !ok {
		p.at = start
		return nil, p.fail("%s", p.scope.undeclared(name))
	}
	path.member, path.attr, path.kind = attributeMember, index, p.scope.attributes[index].Kind
	typ := exprType{numberBase, depth}
	switch path.kind {
	case NoAttribute:
		return nil, errReported
	case StringAttribute:
		typ.base = stringBase
	case StringListAttribute:
		typ = exprType{stringBase, depth + 1}
	case StringNumberMapAttribute: // the guide shows no way to read a map; [key] is our choice
		if path.key, err = p.bracket("key of the map " + name); err != nil {
			return nil, err
		}
	}
	return &expr{typ: typ, path: path}, nil
}

// functionType is the type of a function's result, or why it does not take arg.
//
// Every function works on the innermost lists and so repeats over outer ones, except
// flatten, which removes the outermost level. Source: Amazon's FlexMatch guide, property
// expression reference. Flatten of a plain list is the list itself: we chose.
func functionType(f function, arg exprType) (exprType, error) {
	switch f {
	case countFunction:
		if arg.depth >= 1 {
			return exprType{numberBase, arg.depth - 1}, nil
		}
		return arg, fmt.Errorf("count takes a list, not a %v", arg)
	case flattenFunction:
		if arg.depth >= 1 {
			return exprType{arg.base, max(arg.depth-1, 1)}, nil
		}
		return arg, fmt.Errorf("flatten takes a list of lists, not a %v", arg)
	case intersectFunction:
		if arg.base == stringBase && arg.depth >= 2 {
			return exprType{stringBase, arg.depth - 1}, nil
		}
		return arg, fmt.Errorf("set_intersection takes lists of strings, not a %v", arg)
	}
	if arg.base == numberBase && arg.depth >= 1 {
		return exprType{numberBase, arg.depth - 1}, nil
	}
	return arg, fmt.Errorf("%s takes a list of numbers, not a %v", functionNames[f], arg)
}

// visit calls f for the path of the expression, if it has one.
func (e *expr) visit(f func(*path)) {
	for ; e != nil; e = e.arg {
		if e.path != nil {
			f(e.path)
		}
	}
}

// raw returns the path of an expression that is nothing but players' own values, in
// whatever nesting: its elements never change when players are added, they only
// become more. Nil otherwise.
func (e *expr) raw() *path {
	for e.function == flattenFunction {
		e = e.arg
	}
	return e.path
}

package gameliftlocal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"
)

// maxExpression is the length limit of a filter or sort expression, in characters.
const maxExpression = 1024

// propertyOperand is the prefix of operands that name a game property.
const propertyOperand = "gameSessionProperties."

// filter says whether a session fits a filter expression.
type filter func(types.GameSession) bool

// operand reads one searchable value of a session. Exactly one of the readers is set.
type operand struct {
	text   func(types.GameSession) (string, bool) // ok is false when the session has none
	number func(types.GameSession) int64
	truth  func(types.GameSession) bool
}

// parseOperand knows the operands of SearchGameSessions. Source: Amazon GameLift API
// reference, SearchGameSessions.
func parseOperand(name string) (operand, error) {
	if key, ok := strings.CutPrefix(name, propertyOperand); ok {
		if key == "" {
			return operand{}, fmt.Errorf("%s needs a property key", propertyOperand)
		}
		return operand{text: func(g types.GameSession) (string, bool) { return property(g, key) }}, nil
	}
	switch name {
	case "gameSessionId":
		return operand{text: func(g types.GameSession) (string, bool) { return val(g.GameSessionId), g.GameSessionId != nil }}, nil
	case "gameSessionName":
		return operand{text: func(g types.GameSession) (string, bool) { return val(g.Name), g.Name != nil }}, nil
	case "maximumSessions":
		return operand{number: func(g types.GameSession) int64 { return int64(val(g.MaximumPlayerSessionCount)) }}, nil
	case "creationTimeMillis":
		return operand{number: func(g types.GameSession) int64 { return val(g.CreationTime).UnixMilli() }}, nil
	case "playerSessionCount":
		return operand{number: func(g types.GameSession) int64 { return int64(val(g.CurrentPlayerSessionCount)) }}, nil
	case "hasAvailablePlayerSessions":
		return operand{truth: func(g types.GameSession) bool {
			return val(g.CurrentPlayerSessionCount) < val(g.MaximumPlayerSessionCount)
		}}, nil
	}
	return operand{}, fmt.Errorf("unknown operand %q", name)
}

// property finds a game property. Keys with a dot are not searchable.
func property(g types.GameSession, key string) (string, bool) {
	if strings.Contains(key, ".") {
		return "", false
	}
	for _, p := range g.GameProperties {
		if val(p.Key) == key {
			return val(p.Value), true
		}
	}
	return "", false
}

// tokenKind tells what a token of an expression is.
type tokenKind uint8

const (
	endToken tokenKind = iota
	wordToken
	stringToken
	opToken
	parenToken
)

type token struct {
	kind tokenKind
	text string // of a string: its value, without quotes and escapes
	at   int    // byte offset, for messages
}

// scan splits an expression into tokens, ending with an endToken.
func scan(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')':
			out = append(out, token{parenToken, s[i : i+1], i})
			i++
		case strings.IndexByte("=<>", c) >= 0:
			end := i + 1
			if end < len(s) && (c == '<' && (s[end] == '>' || s[end] == '=') || c == '>' && s[end] == '=') {
				end++
			}
			out = append(out, token{opToken, s[i:end], i})
			i = end
		case c == '\'' || c == '"':
			text, end, err := scanString(s, i)
			if err != nil {
				return nil, err
			}
			out = append(out, token{stringToken, text, i})
			i = end
		default:
			end := i
			for end < len(s) && strings.IndexByte(" \t\r\n()=<>'\"", s[end]) < 0 {
				end++
			}
			out = append(out, token{wordToken, s[i:end], i})
			i = end
		}
	}
	return append(out, token{endToken, "", len(s)}), nil
}

// scanString reads the quoted string that begins at start; end is behind its quote.
func scanString(s string, start int) (text string, end int, err error) {
	var b strings.Builder
	for i := start + 1; i < len(s); i++ {
		switch {
		case s[i] == s[start]:
			return b.String(), i + 1, nil
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`'"\`, s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, fmt.Errorf("the string at position %d does not end", start+1)
}

// parser is a recursive descent over the grammar
//
//	or := and ("OR" and)* ; and := not ("AND" not)*
//	not := "NOT" not | "(" or ")" | operand op value
//
// The length limit bounds its depth.
type parser struct {
	tokens []token
}

// parseFilter compiles a filter expression. Source: Amazon GameLift API reference,
// SearchGameSessions; keywords are read in any case.
func parseFilter(expression string) (filter, error) {
	if len(expression) > maxExpression {
		return nil, fmt.Errorf("longer than %d characters", maxExpression)
	}
	tokens, err := scan(expression)
	if err != nil {
		return nil, err
	}
	p := parser{tokens}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.next(); t.kind != endToken {
		return nil, unexpected(t, "AND, OR or the end")
	}
	return f, nil
}

func unexpected(t token, wanted string) error {
	if t.kind == endToken {
		return fmt.Errorf("it ends where %s should follow", wanted)
	}
	return fmt.Errorf("%q at position %d: expected %s", t.text, t.at+1, wanted)
}

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != endToken {
		p.tokens = p.tokens[1:]
	}
	return t
}

// word takes the keyword if it is next.
func (p *parser) word(keyword string) bool {
	if t := p.tokens[0]; t.kind == wordToken && strings.EqualFold(t.text, keyword) {
		p.next()
		return true
	}
	return false
}

func (p *parser) or() (filter, error) {
	left, err := p.and()
	for err == nil && p.word("OR") {
		var right filter
		if right, err = p.and(); err == nil {
			a := left
			left = func(g types.GameSession) bool { return a(g) || right(g) }
		}
	}
	return left, err
}

func (p *parser) and() (filter, error) {
	left, err := p.not()
	for err == nil && p.word("AND") {
		var right filter
		if right, err = p.not(); err == nil {
			a := left
			left = func(g types.GameSession) bool { return a(g) && right(g) }
		}
	}
	return left, err
}

func (p *parser) not() (filter, error) {
	if p.word("NOT") {
		f, err := p.not()
		if err != nil {
			return nil, err
		}
		return func(g types.GameSession) bool { return !f(g) }, nil
	}
	if t := p.tokens[0]; t.kind == parenToken && t.text == "(" {
		p.next()
		f, err := p.or()
		if err != nil {
			return nil, err
		}
		if t := p.next(); t.text != ")" || t.kind != parenToken {
			return nil, unexpected(t, "a closing parenthesis")
		}
		return f, nil
	}
	return p.condition()
}

func (p *parser) condition() (filter, error) {
	name := p.next()
	if name.kind != wordToken {
		return nil, unexpected(name, "an operand")
	}
	left, err := parseOperand(name.text)
	if err != nil {
		return nil, err
	}
	op := p.next()
	if op.kind != opToken {
		return nil, unexpected(op, "a comparison")
	}
	value := p.next()
	if value.kind != wordToken && value.kind != stringToken {
		return nil, unexpected(value, "a value")
	}
	if left.number == nil && op.text != "=" && op.text != "<>" {
		return nil, fmt.Errorf("%s can be compared with = and <> only", name.text)
	}
	return compare(name.text, left, op.text, value)
}

// compare builds the comparison of an operand with a value of its type.
func compare(name string, left operand, op string, value token) (filter, error) {
	switch {
	case left.number != nil:
		n, err := strconv.ParseInt(value.text, 10, 64)
		if value.kind != wordToken || err != nil {
			return nil, fmt.Errorf("%s is compared with a whole number, not %q", name, value.text)
		}
		return func(g types.GameSession) bool { return holds(cmp.Compare(left.number(g), n), op) }, nil
	case left.truth != nil:
		truth := strings.EqualFold(value.text, "true")
		if value.kind != wordToken || !truth && !strings.EqualFold(value.text, "false") {
			return nil, fmt.Errorf("%s is compared with true or false, not %q", name, value.text)
		}
		return func(g types.GameSession) bool { return (left.truth(g) == truth) == (op == "=") }, nil
	}
	if value.kind != stringToken {
		return nil, fmt.Errorf("%s is compared with a string in quotes, not %s", name, value.text)
	}
	return func(g types.GameSession) bool {
		text, ok := left.text(g)
		return ok && (text == value.text) == (op == "=") // without a value neither = nor <> holds: our reading
	}, nil
}

func holds(order int, op string) bool {
	switch op {
	case "=":
		return order == 0
	case "<>":
		return order != 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	}
	return order >= 0
}

// parseSort compiles "operand ASC" or "operand DESC" to a stable ordering; sessions
// without the value come last in both directions.
func parseSort(expression string) (func([]types.GameSession), error) {
	words := strings.Fields(expression)
	if len(words) != 2 || len(expression) > maxExpression {
		return nil, fmt.Errorf("a sort expression is an operand and ASC or DESC")
	}
	by, err := parseOperand(words[0])
	if err != nil {
		return nil, err
	}
	sign := 1
	if strings.EqualFold(words[1], "DESC") {
		sign = -1
	} else if !strings.EqualFold(words[1], "ASC") {
		return nil, fmt.Errorf("%q: expected ASC or DESC", words[1])
	}
	return func(list []types.GameSession) {
		slices.SortStableFunc(list, func(a, b types.GameSession) int { return by.order(a, b, sign) })
	}, nil
}

func (o operand) order(a, b types.GameSession, sign int) int {
	switch {
	case o.number != nil:
		return sign * cmp.Compare(o.number(a), o.number(b))
	case o.truth != nil:
		return sign * cmp.Compare(rank(o.truth(a)), rank(o.truth(b)))
	}
	x, okX := o.text(a)
	y, okY := o.text(b)
	if !okX || !okY {
		return cmp.Compare(rank(okY), rank(okX))
	}
	return sign * strings.Compare(x, y)
}

// rank orders false before true.
func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

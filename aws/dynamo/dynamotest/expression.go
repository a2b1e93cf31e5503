package dynamotest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// references are what expressions of one request refer to, and what they have referred to.
type references struct {
	names  map[string]string
	values map[string]attribute
	used   map[string]bool
}

func newReferences(names map[string]string, values map[string]attribute) *references {
	return &references{names: names, values: values, used: map[string]bool{}}
}

// check says what is wrong with the values, and what no expression referred to.
func (r *references) check() error {
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		if err := r.values[name].check(); err != nil {
			return err
		}
		if !r.used[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.names)) {
		if !r.used[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
		}
	}
	return nil
}

// plainNames are the attributes that may stand in an expression as they are: those that
// are known to be no reserved words (DynamoDB Developer Guide, "Reserved words in DynamoDB").
var plainNames = map[string]bool{partitionName: true, sortName: true, "d": true, "v": true, "w": true}

// reservedWords are those that the driver would have reason to use.
var reservedWords = map[string]bool{"TTL": true}

var words = regexp.MustCompile(`^(?:\s*)([#:]?[A-Za-z_][A-Za-z0-9_]*|<>|<=|>=|[=<>(),+])`)

// parser reads an expression, a word at a time. After its first error it reads nothing but
// ends of text.
type parser struct {
	kind string // for errors: "ConditionExpression"
	refs *references
	rest string
	word string // that is next; "": the end
	err  error
}

func newParser(kind, text string, refs *references) *parser {
	p := &parser{kind: kind, refs: refs, rest: text}
	if strings.TrimSpace(text) == "" {
		p.fail(invalid("Invalid %s: The expression can not be empty;", kind))
	}
	p.next()
	return p
}

// next takes the next word and returns the one before.
func (p *parser) next() string {
	word := p.word
	p.word = ""
	if p.err != nil || strings.TrimSpace(p.rest) == "" {
		return word
	}
	found := words.FindStringSubmatch(p.rest)
	if found == nil {
		p.fail(unsupported("%q in a %s", p.rest, p.kind))
		return word
	}
	p.word, p.rest = found[1], p.rest[len(found[0]):]
	return word
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err, p.word, p.rest = err, "", ""
	}
}

// take reads a word that must be there.
func (p *parser) take(word string) {
	if p.word != word {
		p.fail(unsupported("%q where %q is expected in a %s", p.word, word, p.kind))
		return
	}
	p.next()
}

// takes says whether the word is next, and takes it.
func (p *parser) takes(word string) bool {
	if p.word != word {
		return false
	}
	p.next()
	return true
}

// end checks that nothing is left.
func (p *parser) end() error {
	if p.err == nil && p.word != "" {
		p.fail(unsupported("%q at the end of a %s", p.word, p.kind))
	}
	return p.err
}

// name reads an attribute's name.
func (p *parser) name() string {
	word := p.next()
	switch {
	case p.err != nil:
	case strings.HasPrefix(word, "#"):
		name, ok := p.refs.names[word]
		if !ok {
			p.fail(invalid("Invalid %s: An expression attribute name used in the document path is not defined; attribute name: %s", p.kind, word))
		}
		p.refs.used[word] = true
		return name
	case reservedWords[strings.ToUpper(word)]:
		p.fail(invalid("Invalid %s: Attribute name is a reserved keyword; reserved keyword: %s", p.kind, word))
	case !plainNames[word]:
		p.fail(unsupported("the name %q in a %s", word, p.kind))
	}
	return word
}

// value reads a value that was given beside the expression.
func (p *parser) value() attribute {
	word := p.next()
	if p.err != nil {
		return attribute{}
	}
	if !strings.HasPrefix(word, ":") {
		p.fail(unsupported("%q where a value is expected in a %s", word, p.kind))
		return attribute{}
	}
	v, ok := p.refs.values[word]
	if !ok {
		p.fail(invalid("Invalid %s: An expression attribute value used in expression is not defined; attribute value: %s", p.kind, word))
		return attribute{}
	}
	p.refs.used[word] = true
	if err := v.check(); err != nil {
		p.fail(err)
	}
	return v
}

// condition says whether an item satisfies it; nil is an item that is absent.
type condition func(i item) bool

// parseCondition reads a condition expression; none is always satisfied.
func parseCondition(text *string, refs *references) (condition, error) {
	if text == nil {
		return func(item) bool { return true }, nil
	}
	p := newParser("ConditionExpression", *text, refs)
	c := p.either()
	return c, p.end()
}

// either reads alternatives.
func (p *parser) either() condition {
	c := p.both()
	for p.takes("OR") {
		left, right := c, p.both()
		c = func(i item) bool { return left(i) || right(i) }
	}
	return c
}

// both reads what must all hold: it binds closer than alternatives.
func (p *parser) both() condition {
	c := p.term()
	for p.takes("AND") {
		left, right := c, p.term()
		c = func(i item) bool { return left(i) && right(i) }
	}
	return c
}

func (p *parser) term() condition {
	switch p.word {
	case "(":
		p.next()
		c := p.either()
		p.take(")")
		return c
	case "attribute_not_exists":
		p.next()
		p.take("(")
		name := p.name()
		p.take(")")
		return func(i item) bool { _, there := i[name]; return !there }
	}
	name := p.name()
	operator := p.next()
	holds, known := comparisons[operator]
	if p.err == nil && !known {
		p.fail(unsupported("the comparison %q in a %s", operator, p.kind))
	}
	want := p.value()
	if p.err != nil {
		return nil
	}
	return func(i item) bool {
		got, there := i[name]
		same := there && got.kind() == want.kind()
		if !same { // nothing is above, below or the same as what is absent or of another type
			return operator == "<>"
		}
		return holds(compare(got, want))
	}
}

// comparisons are those of conditions.
var comparisons = map[string]func(c int) bool{
	"=":  func(c int) bool { return c == 0 },
	"<>": func(c int) bool { return c != 0 },
	"<=": func(c int) bool { return c <= 0 },
	">":  func(c int) bool { return c > 0 },
}

// update makes another item of one, which may be absent.
type update func(old item) (item, error)

// parseUpdate reads an update expression: SET, and perhaps REMOVE.
func parseUpdate(text *string, refs *references) (update, error) {
	if text == nil {
		return nil, unsupported("an UpdateItem without an UpdateExpression")
	}
	p := newParser("UpdateExpression", *text, refs)
	var parts []func(old, out item) error
	touched := map[string]bool{}
	touch := func(name string) {
		switch {
		case p.err != nil:
		case name == partitionName || name == sortName:
			p.fail(invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name))
		case touched[name]:
			p.fail(invalid("Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", name, name))
		}
		touched[name] = true
	}
	p.take("SET")
	for more := true; more && p.err == nil; more = p.takes(",") {
		name := p.name()
		touch(name)
		p.take("=")
		amount := p.sum()
		parts = append(parts, func(old, out item) (err error) { out[name], err = amount(old); return err })
	}
	if p.takes("REMOVE") {
		name := p.name()
		touch(name)
		parts = append(parts, func(_, out item) error { delete(out, name); return nil })
	}
	return func(old item) (item, error) {
		out := old.clone()
		for _, part := range parts {
			if err := part(old, out); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, p.end()
}

// amount is what an attribute is set to, by the item as it was.
type amount func(old item) (attribute, error)

// sum reads a value, or two that are added.
func (p *parser) sum() amount {
	left := p.operand()
	if !p.takes("+") {
		return left
	}
	right := p.operand()
	return func(old item) (attribute, error) {
		a, err := left(old)
		if err != nil {
			return a, err
		}
		b, err := right(old)
		if err != nil {
			return b, err
		}
		if a.kind() != "N" || b.kind() != "N" {
			return a, invalid("An operand in the update expression has an incorrect data type")
		}
		return wholeNumber(a.number() + b.number()), nil
	}
}

// operand reads a value, or an attribute with what stands for it while it is absent.
func (p *parser) operand() amount {
	if !p.takes("if_not_exists") {
		v := p.value()
		return func(item) (attribute, error) { return v, nil }
	}
	p.take("(")
	name := p.name()
	p.take(",")
	otherwise := p.value()
	p.take(")")
	return func(old item) (attribute, error) {
		if a, there := old[name]; there {
			return a, nil
		}
		return otherwise, nil
	}
}

// span is what a key condition asks for: one partition, and the sorts from and to, both
// included; nil for no bound.
type span struct {
	partition string
	from, to  *string
}

func (s span) has(sort string) bool {
	return (s.from == nil || *s.from <= sort) && (s.to == nil || sort <= *s.to)
}

// parseSpan reads a key condition expression.
func parseSpan(text *string, refs *references) (span, error) {
	if text == nil {
		return span{}, unsupported("a Query without a KeyConditionExpression")
	}
	p := newParser("KeyConditionExpression", *text, refs)
	var s span
	p.take(partitionName)
	p.take("=")
	s.partition = deref(p.keyValue(partitionName))
	if p.takes("AND") {
		p.take(sortName)
		switch operator := p.next(); operator {
		case "BETWEEN":
			s.from = p.keyValue(sortName)
			p.take("AND")
			s.to = p.keyValue(sortName)
			if p.err == nil && *s.from > *s.to {
				p.fail(invalid("Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:%s}, upper bound operand: AttributeValue: {S:%s}", *s.from, *s.to))
			}
		case ">=":
			s.from = p.keyValue(sortName)
		case "<=":
			s.to = p.keyValue(sortName)
		default:
			p.fail(unsupported("the comparison %q in a %s", operator, p.kind))
		}
	}
	return s, p.end()
}

// keyValue reads a value that a part of a key is compared with.
func (p *parser) keyValue(name string) *string {
	v := p.value()
	if p.err != nil {
		return nil
	}
	limit := maxPartitionBytes
	if name == sortName {
		limit = maxSortBytes
	}
	switch {
	case v.kind() != "S":
		p.fail(invalid("One or more parameter values were invalid: Condition parameter type does not match schema type"))
	case *v.S == "":
		p.fail(invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name))
	case len(*v.S) > limit && name == sortName:
		p.fail(invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of %d bytes", limit))
	case len(*v.S) > limit:
		p.fail(invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of %d bytes", limit))
	}
	return v.S
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

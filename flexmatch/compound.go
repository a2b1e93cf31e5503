package flexmatch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// compoundRule combines rules by a statement. The rules it names count only through
// it: on their own they are not enforced.
type compoundRule struct{ statement logic }

// logic is a statement as a tree: a rule, or an operator over others.
type logic struct {
	operator string // "and", "or", "not", "xor"; "" for a rule
	args     []logic
	rule     int // index in the rule set
}

// visit calls f for the index of every rule named.
func (l logic) visit(f func(rule int)) {
	if l.operator == "" {
		f(l.rule)
	}
	for _, a := range l.args {
		a.visit(f)
	}
}

func (c *compiler) compound(src ruleSource) *compoundRule {
	if c.large {
		c.report(src.node, "compound rules work in matches of up to %d players only", maxSmallMatch)
	}
	n := src.get("statement")
	if n == nil {
		c.report(src.node, "a compound rule needs \"statement\": for example \"or(RuleA, not(RuleB))\"")
		return nil
	}
	if n.kind != stringNode {
		c.report(n, "statement is a text, for example \"or(RuleA, not(RuleB))\", not %v", n.kind)
		return nil
	}
	p := logicParser{text: n.text, find: func(name string) (int, error) { return c.operand(src, name) }}
	tree, err := p.statement(0)
	if err == nil && strings.TrimSpace(p.text[p.at:]) != "" {
		err = fmt.Errorf("the statement is complete before %q", clip(p.text[p.at:]))
	}
	if err != nil {
		p.unusable = append(p.unusable, err)
	}
	for _, err := range p.unusable {
		c.report(n, "this statement cannot be read: %v", err)
	}
	if len(p.unusable) > 0 || c.large {
		return nil
	}
	return &compoundRule{tree}
}

// operand finds a rule that a statement may name: it stands earlier, is no batchDistance
// (Amazon's FlexMatch guide, "Compound rule") and can be true or false for a match, which
// a sort rule is not (our choice).
func (c *compiler) operand(src ruleSource, name string) (int, error) {
	for _, other := range c.sources {
		if other.name != name {
			continue
		}
		switch {
		case other.index == src.index:
			return 0, fmt.Errorf("the rule %q names itself", clip(name))
		case other.index > src.index:
			return 0, fmt.Errorf("the rule %q stands later; move it before this one", clip(name))
		case other.kind == "batchDistance" || other.kind == "absoluteSort" || other.kind == "distanceSort":
			return 0, fmt.Errorf("the rule %q is of type %s, which a statement cannot use", clip(name), other.kind)
		}
		return other.index, nil
	}
	return 0, errors.New(c.noRule(name))
}

// noRule is the message about a rule that there is not.
func (c *compiler) noRule(name string) string {
	names := make([]string, len(c.sources))
	for i, s := range c.sources {
		names[i] = s.name
	}
	return fmt.Sprintf("there is no rule %q%s", clip(name), didYouMean(name, names))
}

var logicOperators = []string{"and", "or", "not", "xor"}

type logicParser struct {
	text string
	at   int
	find func(name string) (int, error)
	// unusable are the errors of find; reading goes on after them.
	unusable []error
}

func (p *logicParser) statement(depth int) (logic, error) {
	if depth > maxExprDepth {
		return logic{}, fmt.Errorf("operators are nested more than %d deep", maxExprDepth)
	}
	end := strings.IndexAny(p.text[p.at:], "(),")
	if end < 0 {
		end = len(p.text) - p.at
	}
	word := strings.TrimSpace(p.text[p.at : p.at+end])
	p.at += end
	if p.at == len(p.text) || p.text[p.at] != '(' {
		if word == "" {
			return logic{}, fmt.Errorf("character %d: expected a rule name or one of %s", p.at+1, oneOf(logicOperators))
		}
		rule, err := p.find(word)
		if err != nil {
			const enough = 20
			if p.unusable = append(p.unusable, err); len(p.unusable) == enough {
				return logic{}, fmt.Errorf("the statement names more rules that it cannot")
			}
		}
		return logic{rule: rule}, nil
	}
	if !slices.Contains(logicOperators, word) {
		return logic{}, fmt.Errorf("the operator is %s, not %q", oneOf(logicOperators), clip(word))
	}
	p.at++
	out := logic{operator: word}
	for {
		arg, err := p.statement(depth + 1)
		if err != nil {
			return logic{}, err
		}
		out.args = append(out.args, arg)
		// blanks may stand after a closing parenthesis
		p.at += len(p.text[p.at:]) - len(strings.TrimLeft(p.text[p.at:], " \t\r\n"))
		switch {
		case strings.HasPrefix(p.text[p.at:], ","):
			p.at++
		case strings.HasPrefix(p.text[p.at:], ")"):
			p.at++
			return out, out.checkArgs()
		default:
			return logic{}, fmt.Errorf("character %d: expected ',' or ')'", p.at+1)
		}
	}
}

// checkArgs counts arguments: "not" takes one, "xor" two, "and" and "or" two or more.
// The guide shows two for all but "not"; that more are accepted is our choice.
func (l logic) checkArgs() error {
	n := len(l.args)
	switch {
	case l.operator == "not" && n != 1:
		return fmt.Errorf("not takes one argument, found %d", n)
	case l.operator == "xor" && n != 2:
		return fmt.Errorf("xor takes two arguments, found %d", n)
	case l.operator != "not" && n < 2:
		return fmt.Errorf("%s takes two arguments or more, found %d", l.operator, n)
	}
	return nil
}

func (r *compoundRule) check(d *draft) verdict { return r.statement.check(d) }

// check evaluates with three values: what is undecided stays so unless the other
// arguments settle the result.
func (l logic) check(d *draft) verdict {
	if l.operator == "" {
		return d.judge(l.rule)
	}
	n := [3]int{}
	for _, a := range l.args {
		n[a.check(d)]++
	}
	switch {
	case l.operator == "and" && n[failed] > 0, l.operator == "or" && n[failed] == len(l.args):
		return failed
	case l.operator == "or" && n[passed] > 0:
		return passed
	case n[undecided] > 0:
		return undecided
	case l.operator == "not" && n[passed] > 0, l.operator == "xor" && n[passed] != 1:
		return failed
	}
	return passed
}

func (r *compoundRule) hopeless(d *draft) bool { return r.statement.hopeless(d) }

// hopeless never sees through "not" and "xor": a rule that cannot fail any more is not
// something rules tell.
func (l logic) hopeless(d *draft) bool {
	switch l.operator {
	case "":
		return d.stage.rules[l.rule].hopeless(d)
	case "and":
		return slices.ContainsFunc(l.args, func(a logic) bool { return a.hopeless(d) })
	case "or":
		return !slices.ContainsFunc(l.args, func(a logic) bool { return !a.hopeless(d) })
	}
	return false
}

func (r *compoundRule) apart(*entry, *entry) bool { return false }

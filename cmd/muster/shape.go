package main

import (
	"maps"
	"math"
	"slices"

	"gopkg.in/yaml.v3"
)

// shape is what may stand at a place of the configuration file.
type shape struct {
	want  string                  // in words, after "wants"
	takes func(n *yaml.Node) bool // whether the value is of this kind; n is no alias
	keys  map[string]*shape       // a group of these keys
	each  *shape                  // a group of keys of any name
	items *shape                  // a list

	unsaid bool // what stands here by mistake may be a secret: it is never shown

	pick func(key string, value *yaml.Node) *shape // a group of keys of any name, each with a shape of its own
}

// fileShape is the whole file; its keys are those of config.
func fileShape() *shape {
	return group(map[string]*shape{
		"locations":   list("a list of strings", text()),
		"gameServers": group(map[string]*shape{"spare": whole(), "max": whole()}),
		"profile":     profileShape(),
		"data":        dataShape(),
		"identity":    identityShape(),
		"modes": list("a list of modes", group(merged(competitionShapes(), map[string]*shape{
			"name": text(), "title": text(), "description": text(), "configuration": text(), "ruleSet": text(),
			"requestTimeoutSeconds": whole(), "acceptanceTimeoutSeconds": whole(), "rating": ratingShape(),
			"party": partyShape(),
			"kind":  text(), "sessions": sessionsShape(),
			"attributes": {want: "a group of attributes", takes: isGroup, each: group(map[string]*shape{
				"from": text(), "field": text(), "min": number(), "max": number(), "outside": text(),
				"choices": list("a list of strings", text()),
				"value":   {want: "a number, a string or a list of strings", takes: isAttributeValue},
			})},
		}))),
	})
}

// merged is the keys of both.
func merged(keys, more map[string]*shape) map[string]*shape {
	maps.Copy(keys, more)
	return keys
}

// holdsSecret says that one of the keys is a secret's, so that a value in the place of the
// group may be it.
func (s *shape) holdsSecret() bool {
	for _, key := range s.keys {
		if key.unsaid {
			return true
		}
	}
	return false
}

func group(keys map[string]*shape) *shape {
	return &shape{want: "a group of keys", takes: isGroup, keys: keys}
}

func list(want string, items *shape) *shape {
	return &shape{want: want, takes: func(n *yaml.Node) bool { return n.Kind == yaml.SequenceNode }, items: items}
}

// text takes every scalar: the YAML library decodes numbers and truths to strings, too.
func text() *shape {
	return &shape{want: "a string", takes: func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode }}
}

func whole() *shape {
	return &shape{want: "a whole number", takes: func(n *yaml.Node) bool {
		var i int
		return n.ShortTag() == "!!int" && n.Decode(&i) == nil // without the tag 0.5 would do, and become 0
	}}
}

func truth() *shape {
	return &shape{want: "true or false", takes: func(n *yaml.Node) bool { return n.ShortTag() == "!!bool" }}
}

func number() *shape { return &shape{want: "a number", takes: isNumber} }

func isGroup(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }

func isNumber(n *yaml.Node) bool {
	var f float64
	return (n.ShortTag() == "!!int" || n.ShortTag() == "!!float") && n.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// isAttributeValue takes what attributeConfig.value understands.
func isAttributeValue(n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		return n.ShortTag() == "!!str" || isNumber(n)
	}
	return !slices.ContainsFunc(n.Content, func(item *yaml.Node) bool {
		item = resolved(item)
		return item.ShortTag() != "!!str" && item.ShortTag() != "!!bool" && !isNumber(item)
	})
}

// blank is a value of the shape that says nothing, in the place of n.
func (s *shape) blank(n *yaml.Node) *yaml.Node {
	if s.keys != nil || s.each != nil || s.pick != nil {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Line: n.Line, Column: n.Column}
}

package main

import "muster"

// partyConfig is what a mode asks of parties.
type partyConfig struct {
	MaxSize      *int   `yaml:"maxSize"` // nil: the size of the largest team
	Rating       string `yaml:"rating"`
	RequireReady bool   `yaml:"requireReady"`
}

func partyShape() *shape {
	return group(map[string]*shape{"maxSize": whole(), "rating": text(), "requireReady": truth()})
}

// check reports a size of 0, which the rules take for none given.
func (p partyConfig) check(k *checker, at string) {
	if p.MaxSize != nil && *p.MaxSize == 0 {
		k.report(at+".maxSize", "is at least 1, for players by themselves, not 0")
	}
}

func (p partyConfig) rules() muster.PartyRules {
	rules := muster.PartyRules{Rating: muster.PartyRating(p.Rating), RequireReady: p.RequireReady}
	if p.MaxSize != nil {
		rules.MaxSize = *p.MaxSize
	}
	return rules
}

package main

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"muster"
)

// namespaceConfig is one kind of document that is stored for players.
type namespaceConfig struct {
	Write        string   `yaml:"write"`    // player or server
	Read         string   `yaml:"read"`     // server, owner or public
	MaxBytes     *int     `yaml:"maxBytes"` // of one document
	PlayerFields []string `yaml:"playerFields"`
	RequireMatch bool     `yaml:"requireMatch"` // writes must say what they replace
}

func dataShape() *shape {
	return &shape{want: "a group of namespaces", takes: isGroup, each: group(map[string]*shape{
		"write": text(), "read": text(), "maxBytes": whole(),
		"playerFields": list("a list of strings", text()), "requireMatch": truth(),
	})}
}

// namespaces are the documents as the rules know them, in the order of their names.
func (c *config) namespaces() []muster.Namespace {
	var all []muster.Namespace
	for _, name := range slices.Sorted(maps.Keys(c.Data)) {
		n := c.Data[name]
		all = append(all, muster.Namespace{
			Name: name, Write: muster.DataWriter(n.Write), Read: muster.DataReader(n.Read),
			MaxBytes: *cmp.Or(n.MaxBytes, new(muster.DefaultDocumentBytes)), PlayerFields: n.PlayerFields, RequireMatch: n.RequireMatch,
		})
	}
	return all
}

// checkData looks at what is stored, and at what modes read of it.
func (c *config) checkData(k *checker) {
	for name, n := range c.Data {
		if n.MaxBytes != nil && *n.MaxBytes == 0 {
			k.report("data."+name+".maxBytes", "is at least 1")
		}
	}
	for _, p := range muster.ValidateData(c.namespaces(), c.musterModes()) {
		k.report(p.Field, "%s", p.Message)
	}
}

// profileConfig says what players may make of their profiles.
type profileConfig struct {
	Names            string   `yaml:"names"` // free, unique or discriminator
	RenameEveryHours float64  `yaml:"renameEveryHours"`
	Avatars          []string `yaml:"avatars"`
}

func profileShape() *shape {
	return group(map[string]*shape{
		"names": text(), "renameEveryHours": number(), "avatars": list("a list of strings", text()),
	})
}

func (p profileConfig) check(k *checker) {
	if most := float64(24 * 365); p.RenameEveryHours > most { // far below what a duration holds
		k.report("profile.renameEveryHours", "is at most %v, not %v", most, p.RenameEveryHours)
		return
	}
	for _, problem := range p.options().Validate() {
		k.report("profile."+problem.Field, "%s", problem.Message)
	}
}

// options is the profile as the rules know it.
func (p profileConfig) options() muster.ProfileOptions {
	return muster.ProfileOptions{
		Names: muster.NamePolicy(p.Names), RenameEvery: time.Duration(p.RenameEveryHours * float64(time.Hour)), Avatars: p.Avatars,
	}
}

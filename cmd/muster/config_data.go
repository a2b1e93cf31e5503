package main

import (
	"time"

	"muster"
)

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

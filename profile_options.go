package muster

import (
	"cmp"
	"slices"
	"time"
)

// ProfileOptionsView is what clients are told of what profiles may hold.
type ProfileOptionsView struct {
	Avatars []string   `json:"avatars"` // by id; the client knows their pictures
	Names   NamePolicy `json:"names" enum:"free,unique,discriminator"`
	// MaxNameLength is in characters, without the number of the policy discriminator.
	MaxNameLength int `json:"maxNameLength"`
	// RenameEverySeconds is how long a name must be kept; absent: not at all.
	RenameEverySeconds int64  `json:"renameEverySeconds,omitempty"`
	LocalePattern      string `json:"localePattern"` // a regular expression
	MaxLocaleLength    int    `json:"maxLocaleLength"`
}

// ProfileOptions tells what players may make of their profiles.
func (b *Backend) ProfileOptions() ProfileOptionsView {
	return ProfileOptionsView{
		Avatars: slices.Clone(b.profile.Avatars), Names: cmp.Or(b.profile.Names, NamesFree), MaxNameLength: maxNameRunes,
		RenameEverySeconds: int64(b.profile.RenameEvery / time.Second), LocalePattern: localeShape.String(), MaxLocaleLength: maxLocale,
	}
}

package muster

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProfileOptions is what players may make of their profiles.
type ProfileOptions struct {
	Names NamePolicy // empty: NamesFree
	// RenameEvery is how long a new name must be kept; the first choice is always free.
	// Zero: no time.
	RenameEvery time.Duration
	// Avatars lists the avatars that may be chosen, by ids that the game's clients know.
	// There are no addresses of pictures: whoever looked at one would tell its host that
	// they did, and nobody could say what it shows tomorrow.
	Avatars []string
}

// Bounds of ProfileOptions.
const (
	maxAvatars     = 1000
	maxAvatarBytes = 64
)

// Validate reports everything that is wrong, each with its key ("avatars[2]").
func (o ProfileOptions) Validate() []FieldError {
	var problems []FieldError
	if !o.Names.Valid() {
		problems = append(problems, FieldError{"names", fmt.Sprintf("%q is no policy; use free, unique or discriminator", o.Names)})
	}
	if o.RenameEvery < 0 {
		problems = append(problems, FieldError{"renameEveryHours", "is not less than 0"})
	}
	if len(o.Avatars) > maxAvatars {
		problems = append(problems, FieldError{"avatars", fmt.Sprintf("are at most %d, not %d", maxAvatars, len(o.Avatars))})
	}
	for i, id := range o.Avatars {
		switch {
		case !ours(id) || len(id) > maxAvatarBytes:
			problems = append(problems, FieldError{fmt.Sprintf("avatars[%d]", i), fmt.Sprintf("%q is no id: 1 to %d letters, digits, dots and hyphens", id, maxAvatarBytes)})
		case slices.Index(o.Avatars, id) < i:
			problems = append(problems, FieldError{fmt.Sprintf("avatars[%d]", i), fmt.Sprintf("%q is in the list already", id)})
		}
	}
	return problems
}

// ProfileChange is what a player changes of their profile; nil: nothing. An empty avatar
// or locale takes it away.
type ProfileChange struct {
	DisplayName *string
	Avatar      *string
	Locale      *string
}

// displayName is what others see.
func (b *Backend) displayName(a *account) string {
	switch {
	case a.Name == "":
		return b.profile.Names.defaultName(a.ID)
	case a.Number != 0:
		return fmt.Sprintf("%s#%04d", a.Name, a.Number)
	}
	return a.Name
}

// profileTag is the tag of a profile, for Precondition.
func profileTag(version int64) string { return strconv.FormatInt(version, 10) }

// publicView is what everybody may know of a player.
func (b *Backend) publicView(a *account, version int64) PlayerView {
	return PlayerView{ID: a.ID, DisplayName: b.displayName(a), Avatar: a.Avatar, Tag: profileTag(version)}
}

// ownView is what players may know of themselves.
func (b *Backend) ownView(a *account, version int64) PlayerView {
	view := b.publicView(a, version)
	view.Locale, view.CreatedAt = a.Locale, &a.CreatedAt
	return view
}

// UpdateProfile changes the caller's profile as the configuration allows, if it is what
// the caller expects. Errors: Invalid; Conflict for a name that is taken or with the code
// PreconditionFailed; Exhausted for a name that was changed too recently.
func (b *Backend) UpdateProfile(ctx context.Context, p PlayerID, change ProfileChange, expect Precondition) (PlayerView, error) {
	change, err := b.profile.clean(change)
	if err != nil {
		return PlayerView{}, err
	}
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		a, version, err := b.account(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := expect.check(profileTag(version)); err != nil {
			return nil, err
		}
		ops, err := b.profileOps(ctx, &a, change)
		if err != nil || ops == nil {
			return nil, err
		}
		op, err := put(accountKey(p), version, a, time.Time{})
		return append(ops, op), err
	})
	if err != nil {
		return PlayerView{}, err
	}
	return b.Me(ctx, p)
}

// clean checks what of a change can be checked by itself.
func (o ProfileOptions) clean(change ProfileChange) (ProfileChange, error) {
	if change.DisplayName != nil {
		name, err := o.Names.cleanName(*change.DisplayName)
		if err != nil {
			return change, err
		}
		change.DisplayName = &name
	}
	if id := change.Avatar; id != nil && *id != "" && !slices.Contains(o.Avatars, *id) {
		return change, Errorf(Invalid, "player.avatar_unknown", "there is no such avatar; allowed: %s", named(o.Avatars))
	}
	if change.Locale != nil && *change.Locale != "" {
		locale, ok := cleanLocale(*change.Locale)
		if !ok {
			return change, Errorf(Invalid, "player.locale_invalid", "a locale is a language tag such as en or pt-BR")
		}
		change.Locale = &locale
	}
	return change, nil
}

// profileOps applies a cleaned change to a and gives the ops on names that go with it;
// nil: nothing changes.
func (b *Backend) profileOps(ctx context.Context, a *account, change ProfileChange) (ops []Op, err error) {
	changed := false
	set := func(field *string, value *string) {
		if value != nil && *field != *value {
			*field, changed = *value, true
		}
	}
	switch {
	case change.DisplayName == nil:
	case *change.DisplayName == a.Name:
		// It may have been chosen under a policy that kept no names: then it is taken now.
		if ops, err = b.keptNameOps(ctx, a); err != nil {
			return nil, err
		}
		changed = len(ops) > 0
	default:
		now := b.instant()
		if until := a.RenamedAt.Add(b.profile.RenameEvery); b.profile.RenameEvery > 0 && a.Name != "" && now.Before(until) {
			return nil, &Error{Kind: Exhausted, Code: "player.name_too_recent", Message: "this name is too new to be changed", RetryAfter: until.Sub(now)}
		}
		if ops, err = b.nameOps(ctx, a, *change.DisplayName); err != nil {
			return nil, err
		}
		a.RenamedAt = now
	}
	set(&a.Name, change.DisplayName)
	set(&a.Avatar, change.Avatar)
	set(&a.Locale, change.Locale)
	if !changed {
		return nil, nil
	}
	return append(make([]Op, 0, len(ops)+1), ops...), nil
}

// nameOps takes a name for an account, where names are kept, and gives back the one
// before. It sets the account's number.
func (b *Backend) nameOps(ctx context.Context, a *account, name string) ([]Op, error) {
	sameFold := a.Name != "" && foldName(a.Name) == foldName(name)
	switch b.profile.Names {
	case NamesUnique:
		held, _, err := loadOr(ctx, b.store, nameKey(name, 0), nameRecord{})
		switch {
		case err != nil:
			return nil, err
		case held.Player == a.ID: // the same but for its spelling
			return nil, nil
		case held.Player != "":
			return nil, Errorf(Conflict, "player.name_taken", "another player has this name, or one that looks like it")
		}
		return b.exchangeName(ctx, a, name, 0)
	case NamesDiscriminator:
		if sameFold && a.Number != 0 {
			return nil, nil
		}
		number, err := b.freeNumber(ctx, name)
		if err != nil {
			return nil, err
		}
		return b.exchangeName(ctx, a, name, number)
	}
	return b.releaseName(ctx, a)
}

// keptNameOps takes the name that an account has already, where names are kept and it is
// not the account's yet.
func (b *Backend) keptNameOps(ctx context.Context, a *account) ([]Op, error) {
	if !b.profile.Names.reserved() {
		return nil, nil
	}
	return b.nameOps(ctx, a, a.Name)
}

// freeNumber draws a number that nobody with this name has.
func (b *Backend) freeNumber(ctx context.Context, name string) (int, error) {
	for range numberTries {
		number, err := newNumber(b.random)
		if err != nil {
			return 0, err
		}
		_, err = b.store.Get(ctx, nameKey(name, number))
		if errors.Is(err, ErrNotFound) {
			return number, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, Errorf(Conflict, "player.name_crowded", "too many players have this name, or one that looks like it")
}

// exchangeName takes a name that was free and gives back the account's own. Whoever was
// faster makes the Write fail.
func (b *Backend) exchangeName(ctx context.Context, a *account, name string, number int) ([]Op, error) {
	ops, err := b.releaseName(ctx, a)
	if err != nil {
		return nil, err
	}
	op, err := put(nameKey(name, number), 0, nameRecord{a.ID}, time.Time{})
	a.Number = number
	return append(ops, op), err
}

// releaseName gives back the account's name if a record of it is the account's: the
// configuration may have had another policy when the name was chosen.
func (b *Backend) releaseName(ctx context.Context, a *account) ([]Op, error) {
	if a.Name == "" {
		return nil, nil
	}
	key := nameKey(a.Name, a.Number)
	a.Number = 0
	if foldName(a.Name) == "" {
		return nil, nil // such a name was never kept
	}
	held, version, err := loadOr(ctx, b.store, key, nameRecord{})
	if err != nil || held.Player != a.ID {
		return nil, err
	}
	return []Op{{Kind: Delete, Key: key, Version: version}}, nil
}

// localeShape is the shape of a language tag. Source: BCP 47 (RFC 5646), without the
// registry: a language, then subtags.
var localeShape = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$`)

const maxLocale = 35 // bytes; RFC 5646, section 4.4.1

// cleanLocale is a language tag as it is written by convention: pt-BR, zh-Hant-TW.
func cleanLocale(s string) (locale string, ok bool) {
	if len(s) > maxLocale || !localeShape.MatchString(s) {
		return "", false
	}
	parts := strings.Split(strings.ToLower(s), "-")
	for i, part := range parts[1:] {
		switch {
		case len(part) == 1: // from here on the words are of an extension
			return strings.Join(parts, "-"), true
		case len(part) == 4 && part[0] >= 'a':
			parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
		case len(part) == 2:
			parts[i+1] = strings.ToUpper(part)
		}
	}
	return strings.Join(parts, "-"), true
}

package muster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ratedBy says by which system a mode's stored ratings were made: the last that was seen
// at a start, or that a recount of all results rated by.
type ratedBy struct {
	System string `json:"system,omitempty"` // empty: not known
	// Scale is a skill on that system's scale.
	Scale Skill `json:"scale"`
}

func ratedByKey(m ModeName) Key { return Key{"RATED#" + string(m), "BY"} }

// RatingChange is a mode whose stored ratings are of another system than it has now.
type RatingChange struct {
	Mode ModeName
	Was  string // empty: not known
	Now  string
	// Foreign says that the two have different scales. Until a Replay that writes, stored
	// ratings are taken as RatingSystem.Adopt makes them. Otherwise they go on as they are,
	// and this is the only time that the change is told.
	Foreign bool
}

// RatingChanges compares the system of each mode with that by which its stored ratings were
// made. It costs a read a mode, some hundred where a mode is new, and some thousand where it has
// changed and was hardly played.
func (b *Backend) RatingChanges(ctx context.Context) ([]RatingChange, error) {
	var changes []RatingChange
	for _, mode := range b.modeOrder {
		change, err := b.ratingChange(ctx, mode)
		if err != nil {
			return changes, fmt.Errorf("look at the ratings of mode %q: %w", mode, err)
		}
		if change != nil {
			changes = append(changes, *change)
		}
	}
	return changes, nil
}

func (b *Backend) ratingChange(ctx context.Context, mode ModeName) (*RatingChange, error) {
	k := b.ranking(mode)
	was, version, err := loadOr(ctx, b.store, ratedByKey(mode), ratedBy{})
	if err != nil || version != 0 && was.System == k.system.Name() {
		return nil, err
	}
	since := unseenSince
	if version != 0 {
		since = resultLife + 24*time.Hour
	}
	skill, found, err := b.someSkill(ctx, mode, b.now().Add(-since))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, b.setRatedBy(ctx, mode)
	}
	if version == 0 {
		was = ratedBy{Scale: skill}
	}
	change := &RatingChange{Mode: mode, Was: was.System, Now: k.system.Name(), Foreign: k.system.Adopt(was.Scale) != was.Scale}
	switch {
	case !change.Foreign && version == 0:
		return nil, b.setRatedBy(ctx, mode)
	case !change.Foreign:
		return change, b.setRatedBy(ctx, mode)
	case version == 0: // results that come now do not hide it from the next start
		return change, b.putRatedBy(ctx, mode, was)
	}
	return change, nil
}

// setRatedBy records that a mode's stored ratings are of the system that it has.
func (b *Backend) setRatedBy(ctx context.Context, mode ModeName) error {
	system := b.ratingSystem(mode)
	return b.putRatedBy(ctx, mode, ratedBy{system.Name(), system.New()})
}

func (b *Backend) putRatedBy(ctx context.Context, mode ModeName, by ratedBy) error {
	op, err := put(ratedByKey(mode), AnyVersion, by, time.Time{})
	if err != nil {
		return err
	}
	return b.store.Write(ctx, op)
}

// errFound ends a walk.
var errFound = errors.New("found")

// unseenSince is how far back results are looked for where nothing is known of a mode: it is
// new, or no start has looked at it yet. More would be thousands of reads for every new mode.
const unseenSince = 31 * 24 * time.Hour

// someSkill is a skill after the earliest stored result of a mode, from a day on, that rated
// anybody.
func (b *Backend) someSkill(ctx context.Context, mode ModeName, from time.Time) (skill Skill, found bool, err error) {
	look := func(refs []resultRef) error {
		for _, ref := range refs {
			res, _, err := b.loadResult(ctx, ref.session)
			if err != nil {
				return err
			}
			for _, p := range res.rated() {
				if p.After.Sigma > 0 {
					skill, found = p.After, true
					return errFound
				}
			}
		}
		return nil
	}
	end := b.now().Add(24 * time.Hour)
	for ; !from.After(end); from = nextDay(from) {
		if err := b.resultsOfDay(ctx, mode, from.UTC(), walkBatch, look); err != nil && !errors.Is(err, errFound) {
			return skill, false, err
		}
		if found {
			break
		}
	}
	return skill, found, nil
}

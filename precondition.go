package muster

import "slices"

// Precondition is what a caller expects of the thing it changes, by the tags that reads
// gave it. The zero value expects nothing.
type Precondition struct {
	// Match holds the tags of which one must be current; "*": any, but it must exist.
	// Empty: no matter.
	Match []string
	// NoneMatch holds the tags of which none may be current; "*": it must not exist.
	NoneMatch []string
}

// anyTag in a Precondition means that it exists.
const anyTag = "*"

// Codes of what a Precondition is refused with. A transport that has words of its own
// for them tells them apart by these.
const (
	PreconditionFailed   = "precondition.failed"
	PreconditionRequired = "precondition.required"
)

// Empty says that nothing is expected.
func (p Precondition) Empty() bool { return len(p.Match) == 0 && len(p.NoneMatch) == 0 }

// check compares with the current tag; empty: the thing does not exist. The error is a
// Conflict with the current tag in its details.
func (p Precondition) check(current string) error {
	matches := func(tags []string) bool {
		return current != "" && (slices.Contains(tags, current) || slices.Contains(tags, anyTag))
	}
	if (len(p.Match) == 0 || matches(p.Match)) && !matches(p.NoneMatch) {
		return nil
	}
	err := Errorf(Conflict, PreconditionFailed, "it has changed meanwhile: read it again")
	if current == "" {
		err.Message = "it does not exist"
		return err
	}
	err.Details = map[string]any{"etag": current}
	return err
}

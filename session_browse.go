package muster

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of one page of open sessions: how many it has, and how many rows of the list
// are looked at for it in each shard.
const (
	maxSessionPage = 50
	maxBrowseScan  = 200
)

// OpenSessions lists sessions of a mode that can be joined, newest first. What is listed
// was open a moment ago; joining looks again.
func (b *Backend) OpenSessions(ctx context.Context, q SessionQuery) (SessionPage, error) {
	if err := b.checkQuery(q); err != nil {
		return SessionPage{}, err
	}
	rows, more, err := b.openRows(ctx, q)
	if err != nil {
		return SessionPage{}, err
	}
	page := SessionPage{Sessions: make([]SessionView, 0, q.Limit)}
	for i, rec := range rows {
		row, err := decode[openSession](rec)
		if err != nil {
			return SessionPage{}, err
		}
		if row.fits(q) {
			s, _, err := loadOr(ctx, b.store, sessionKey(row.Session), session{})
			if err != nil {
				return SessionPage{}, err
			}
			if s.listed() && (!q.HasRoom || s.hasRoom("")) {
				page.Sessions = append(page.Sessions, s.view())
			}
		}
		if last := i == len(rows)-1; len(page.Sessions) == q.Limit && (!last || more) || last && more {
			page.Next = rec.Sort
			return page, nil
		}
	}
	return page, nil
}

func (b *Backend) checkQuery(q SessionQuery) error {
	mode, err := b.placedMode(q.Mode)
	switch {
	case err != nil:
		return err
	case !mode.Sessions.Browse:
		return Errorf(Denied, "session.browse_denied", "sessions of mode %q are not listed", q.Mode)
	case q.Limit < 1 || q.Limit > maxSessionPage:
		return Errorf(Invalid, "session.limit", "a page has 1 to %d sessions", maxSessionPage)
	case len(q.After) > MaxSortBytes || !utf8.ValidString(q.After):
		return Errorf(Invalid, "session.cursor", "this is not a cursor of an earlier page")
	}
	return b.checkFilters(mode, q)
}

// openRows merges the shards of a mode's list, newest first. more says that there are
// rows beyond the last.
func (b *Backend) openRows(ctx context.Context, q SessionQuery) (rows []Record, more bool, err error) {
	cut := "" // rows at or below it were not all read
	for shard := range openShards {
		part, err := b.store.List(ctx, openPartition(q.Mode, shard), ListOptions{After: q.After, Limit: maxBrowseScan, Descending: true})
		if err != nil {
			return nil, false, err
		}
		if len(part) == maxBrowseScan {
			cut = max(cut, part[len(part)-1].Sort)
		}
		rows = append(rows, part...)
	}
	slices.SortFunc(rows, func(x, y Record) int { return strings.Compare(y.Sort, x.Sort) })
	end := slices.IndexFunc(rows, func(r Record) bool { return r.Sort < cut })
	if end >= 0 {
		return rows[:end], true, nil
	}
	return rows, cut != "", nil
}

// fits says that a row need not be passed over.
func (o openSession) fits(q SessionQuery) bool {
	if q.Location != "" && o.Session.location() != q.Location {
		return false
	}
	for key, value := range q.Properties {
		if o.Properties[key] != value {
			return false
		}
	}
	return true
}

// Session is a session as the caller may see it: all of it for who is in it, counts for
// anybody who could join it. Any other is NotFound.
func (b *Backend) Session(ctx context.Context, me PlayerID, id SessionID) (SessionView, error) {
	s, _, err := b.sessionOf(ctx, id)
	if err != nil {
		return SessionView{}, err
	}
	held, _, err := b.slotOf(ctx, me)
	if err != nil {
		return SessionView{}, err
	}
	isIn := held.Kind == slotSession && held.Seat.SessionID == id
	if !isIn && !s.listed() {
		return SessionView{}, errNoSession()
	}
	v := s.view()
	if !isIn {
		return v, nil
	}
	if s.Room != nil {
		v.Code = s.Room.Code
	}
	v.Players = s.members()
	for i := range v.Players {
		a, version, err := loadOr(ctx, b.store, accountKey(v.Players[i].PlayerID), account{})
		if err != nil {
			return SessionView{}, err
		}
		if version != 0 {
			v.Players[i].DisplayName = b.displayName(&a)
		}
	}
	return v, nil
}

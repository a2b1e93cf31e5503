package muster

import (
	"context"
	"slices"
	"strings"
)

// Bounds of one page of open sessions: how many it has, how many rows of the list are
// looked at for it in each shard, and how many sessions are read. A row that says by itself
// that its session is not wanted costs little.
const (
	maxSessionPage = 50
	maxBrowseScan  = 200
	maxBrowseReads = 200
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
	reads := 0
	for len(rows) > 0 && len(page.Sessions) < q.Limit && reads < maxBrowseReads {
		wanted, seen, err := nextRows(rows, q, min(q.Limit-len(page.Sessions), maxBrowseReads-reads))
		if err != nil {
			return SessionPage{}, err
		}
		found, err := b.readOpen(ctx, wanted, q)
		if err != nil {
			return SessionPage{}, err
		}
		page.Sessions, reads = append(page.Sessions, found...), reads+len(wanted)
		page.Next, rows = rows[seen-1].Sort, rows[seen:]
	}
	if len(rows) == 0 && !more {
		page.Next = ""
	}
	return page, nil
}

// nextRows takes rows that fit, most at most; seen is how many were looked at for that.
func nextRows(rows []Record, q SessionQuery, most int) (wanted []openSession, seen int, err error) {
	for seen < len(rows) && len(wanted) < most {
		row, err := decode[openSession](rows[seen])
		if err != nil {
			return nil, 0, err
		}
		if row.fits(q) {
			wanted = append(wanted, row)
		}
		seen++
	}
	return wanted, seen, nil
}

// readOpen reads the sessions of rows, in their order, and leaves out those that are not
// as their rows say.
func (b *Backend) readOpen(ctx context.Context, rows []openSession, q SessionQuery) ([]SessionView, error) {
	read := make([]session, len(rows))
	err := b.inParallel(ctx, len(rows), func(ctx context.Context, i int) (err error) {
		read[i], _, err = loadOr(ctx, b.store, sessionKey(rows[i].Session), session{})
		return err
	})
	if err != nil {
		return nil, err
	}
	var views []SessionView
	for _, s := range read {
		if s.listed() && (!q.HasRoom || s.hasRoom("")) {
			views = append(views, s.view())
		}
	}
	return views, nil
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
	case q.After != "" && !timeCursor(q.After):
		return Errorf(Invalid, "session.cursor", "this is not a cursor of an earlier page")
	}
	return b.checkFilters(mode, q)
}

// openRows merges the shards of a mode's list, newest first. more says that there are
// rows beyond the last.
func (b *Backend) openRows(ctx context.Context, q SessionQuery) (rows []Record, more bool, err error) {
	cut := "" // rows at or below it were not all read
	scan := maxBrowseScan
	if q.anything() {
		scan = q.Limit
	}
	for shard := range openShards {
		part, err := b.store.List(ctx, openPartition(q.Mode, shard), ListOptions{After: q.After, Limit: scan, Descending: true})
		if err != nil {
			return nil, false, err
		}
		if len(part) == scan {
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

// anything says that every row fits.
func (q SessionQuery) anything() bool {
	return q.Location == "" && len(q.Properties) == 0 && !q.HasRoom
}

// fits says that a row need not be passed over.
func (o openSession) fits(q SessionQuery) bool {
	if q.HasRoom && o.Full {
		return false
	}
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

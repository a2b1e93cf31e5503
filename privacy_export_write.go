package muster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// writeExport writes the head, then every match, and then everything that was recorded.
func (b *Backend) writeExport(ctx context.Context, a *account, head exportHead, w io.Writer) error {
	body, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("encode an export: %w", err)
	}
	if _, err := w.Write(body[:len(body)-1]); err != nil { // without the brace
		return err
	}
	matches := exportList{w: w, begin: `,"matches":[`}
	if err := b.exportMatches(ctx, a.ID, &matches); err != nil {
		return err
	}
	if err := matches.end(); err != nil {
		return err
	}
	audit := exportList{w: w, begin: `,"audit":[`}
	if err := b.exportAudit(ctx, a.ID, "", &audit); err != nil {
		return err
	}
	for _, m := range a.Merged {
		if err := b.exportAudit(ctx, m.ID, m.ID, &audit); err != nil {
			return err
		}
	}
	if err := audit.end(); err != nil {
		return err
	}
	_, err = io.WriteString(w, "}\n")
	return err
}

// exportList is a member of an export whose elements are written one by one.
type exportList struct {
	w     io.Writer
	begin string // up to the bracket; empty once it is written
}

func (l *exportList) add(element any) error {
	row, err := json.Marshal(element)
	if err != nil {
		return fmt.Errorf("encode an export: %w", err)
	}
	separator := l.begin
	if l.begin = ""; separator == "" {
		separator = ","
	}
	_, err = l.w.Write(append([]byte(separator), row...))
	return err
}

// end is called after the last element, or without any.
func (l *exportList) end() error {
	_, err := io.WriteString(l.w, l.begin+"]")
	return err
}

func (b *Backend) exportMatches(ctx context.Context, p PlayerID, to *exportList) error {
	for before, more := "", true; more; {
		page, err := b.Matches(ctx, p, maxHistoryPage, before)
		if err != nil {
			return err
		}
		for _, match := range page.Matches {
			if err := to.add(match); err != nil {
				return err
			}
		}
		before = page.Next
		more = before != ""
	}
	return nil
}

// exportedAudit is an audit record in an export.
type exportedAudit struct {
	Player PlayerID `json:"player,omitempty"` // who became part of the player, if it is theirs
	AuditView
}

// exportAudit writes what is recorded of a player, the latest first. Who else did it is left
// out, but for what kind of caller it was.
func (b *Backend) exportAudit(ctx context.Context, p, merged PlayerID, to *exportList) error {
	for before, more := "", true; more; {
		page, err := b.auditPage(ctx, p, MaxAuditPage, before)
		if err != nil {
			return err
		}
		for _, entry := range page.Entries {
			if entry.By != string(PlayerScope) {
				entry.Actor, entry.From, entry.Device = "", "", ""
				delete(entry.Detail, "operator")
			}
			if err := to.add(exportedAudit{merged, entry}); err != nil {
				return err
			}
		}
		before = page.Next
		more = before != ""
	}
	return nil
}

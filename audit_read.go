package muster

import (
	"context"
	"strings"
	"time"
)

// AuditView is one audit record.
type AuditView struct {
	At     time.Time         `json:"at"`
	Event  AuditEvent        `json:"event"`
	By     string            `json:"by" enum:"player,operator,server,system"`
	Actor  string            `json:"actor,omitempty"`  // a player's id, or the fingerprint of a key
	From   string            `json:"from,omitempty"`   // address
	Device string            `json:"device,omitempty"` // as it called itself
	Detail map[string]string `json:"detail,omitempty"`
}

// AuditPage is a part of a player's audit records, the latest first.
type AuditPage struct {
	Entries []AuditView `json:"entries"`
	Next    string      `json:"next,omitempty"` // for the next page; empty: there is none
}

// Bounds of a page of audit records.
const (
	DefaultAuditPage = 50
	MaxAuditPage     = 200
)

// AuditTrail shows an operator what happened to a player's account, the latest first. Of a
// player who is deleted it shows that. before is the Next of the page before; empty: from
// the latest.
func (b *Backend) AuditTrail(ctx context.Context, p PlayerID, limit int, before string) (AuditPage, error) {
	if !ours(string(p)) {
		return AuditPage{}, playerNotFound(ErrNotFound)
	}
	page, err := b.auditPage(ctx, p, limit, before)
	if err != nil || len(page.Entries) > 0 || before != "" {
		return page, err
	}
	_, _, err = load[account](ctx, b.store, accountKey(p)) // nothing has happened, or there is nobody
	return page, playerNotFound(err)
}

// OperatorTrail shows an operator what operators did that is in no player's records: signing
// everyone out, and looking for players whom there are not. It is read as AuditTrail.
func (b *Backend) OperatorTrail(ctx context.Context, limit int, before string) (AuditPage, error) {
	return b.auditPage(ctx, "", limit, before)
}

// auditPage reads audit records, the latest first.
func (b *Backend) auditPage(ctx context.Context, p PlayerID, limit int, before string) (AuditPage, error) {
	if limit <= 0 {
		limit = DefaultAuditPage
	}
	limit = min(limit, MaxAuditPage)
	if before != "" && !timeCursor(before) {
		return AuditPage{}, Errorf(Invalid, "audit.cursor", "this is not a cursor of an earlier page")
	}
	records, err := b.store.List(ctx, auditPartition(p), ListOptions{After: before, Limit: limit, Descending: true})
	if err != nil {
		return AuditPage{}, err
	}
	page := AuditPage{Entries: make([]AuditView, 0, len(records))}
	for _, rec := range records {
		entry, err := decode[auditRecord](rec)
		if err != nil {
			return AuditPage{}, err
		}
		page.Entries = append(page.Entries, AuditView(entry))
	}
	if len(records) == limit {
		page.Next = records[limit-1].Sort
	}
	return page, nil
}

// eraseAudit deletes what is recorded of a deleted player, but that they were deleted.
func (b *Backend) eraseAudit(ctx context.Context, p PlayerID) error {
	for after, more := "", true; more; {
		records, err := b.store.List(ctx, auditPartition(p), ListOptions{After: after, Limit: purgePage})
		if err != nil {
			return err
		}
		var keys []Key
		for _, rec := range records {
			if !strings.Contains(rec.Sort, "#"+string(AuditDeleted)+"#") {
				keys = append(keys, rec.Key)
			}
			after = rec.Sort
		}
		if err := b.forget(ctx, keys); err != nil {
			return err
		}
		more = len(records) == purgePage
	}
	return nil
}

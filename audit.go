package muster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// AuditEvent is what an audit record tells of.
type AuditEvent string

// What is recorded of a player. The texts are stable; programs read them.
const (
	AuditSignIn          AuditEvent = "signIn" // from a device that had no sign-in
	AuditRefreshReused   AuditEvent = "refreshReused"
	AuditSignedOut       AuditEvent = "signedOutEverywhere"
	AuditLinked          AuditEvent = "linked"
	AuditUnlinked        AuditEvent = "unlinked"
	AuditMerged          AuditEvent = "merged"
	AuditBanned          AuditEvent = "banned"
	AuditUnbanned        AuditEvent = "unbanned"
	AuditPasswordChanged AuditEvent = "passwordChanged"
	AuditPasswordReset   AuditEvent = "passwordReset"
	AuditEmailChanged    AuditEvent = "emailChanged"
	AuditDeleted         AuditEvent = "deleted"
	AuditFound           AuditEvent = "found"    // by an operator, who looked for somebody
	AuditExported        AuditEvent = "exported" // by an operator

	// AuditEveryoneOut and AuditFoundNobody are no player's: see OperatorTrail.
	AuditEveryoneOut AuditEvent = "everyoneSignedOut"
	AuditFoundNobody AuditEvent = "foundNobody"
)

// Audit is something that happened to a player's account. Detail holds what else is worth
// knowing ("provider", "reason", "signIn"): few and short texts, and never a secret. Without
// a player it is what an operator did to nobody or to all.
type Audit struct {
	Player PlayerID
	Event  AuditEvent
	Detail map[string]string
}

// auditLife is how long audit records are kept.
const auditLife = 400 * 24 * time.Hour

// Bounds of an audit record's details.
const (
	maxAuditDetails = 8
	maxAuditDetail  = 200 // characters
)

// The actors of audit records besides players, who stand there by their ids.
const (
	auditOperator = "operator"
	auditSystem   = "system"
)

// auditRecord is one entry as it is stored.
type auditRecord struct {
	At     time.Time         `json:"at"`
	Event  AuditEvent        `json:"event"`
	By     string            `json:"by"` // "player", "operator", "server" or "system"
	Actor  string            `json:"actor,omitempty"`
	From   string            `json:"from,omitempty"` // address
	Device string            `json:"device,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}

func auditPartition(p PlayerID) string { return "AUD#" + string(p) }

// AuditOps records what happened, in the Write that makes it happen. Who did it, from where
// and with what comes from the context (CallerFrom, ClientFrom); a context without a caller
// means the player, or the program itself where it is no request's, or where the request failed to
// prove who it is about. Recording the same again
// at the same instant changes nothing.
func AuditOps(ctx context.Context, at time.Time, entries ...Audit) ([]Op, error) {
	ops := make([]Op, 0, len(entries))
	for _, e := range entries {
		op, err := e.op(ctx, at.UTC().Truncate(time.Millisecond))
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func (e Audit) op(ctx context.Context, at time.Time) (Op, error) {
	client := ClientFrom(ctx)
	record := auditRecord{At: at, Event: e.Event, From: client.addressText(), Device: client.UserAgent}
	if record.By, record.Actor = e.actor(ctx); record.By == auditOperator {
		e.Detail = withOperator(ctx, e.Detail)
	}
	record.Detail = e.shortDetail()
	text, err := json.Marshal(record)
	if err != nil {
		return Op{}, fmt.Errorf("encode an audit record: %w", err)
	}
	// What else happens at the same instant gets a key of its own.
	sum := sha256.Sum256(text)
	key := Key{auditPartition(e.Player), sortableTime(at) + "#" + string(e.Event) + "#" + hex.EncodeToString(sum[:6])}
	return Op{Kind: Put, Key: key, Value: text, Version: AnyVersion, ExpiresAt: at.Add(auditLife)}, nil
}

// actor is who did it: the kind of caller, and which one.
func (e Audit) actor(ctx context.Context) (by, actor string) {
	c, known := CallerFrom(ctx)
	switch {
	case known && c.Scope == AdminScope:
		return auditOperator, c.Key
	case known && c.Scope == ServerScope:
		return string(ServerScope), c.Key
	case known:
		return string(PlayerScope), string(c.Player)
	case e.Event == AuditFactorRefused: // by whoever knows the password
		return auditSystem, ""
	case ClientFrom(ctx) != Client{}: // a request that proves who it is about
		return string(PlayerScope), string(e.Player)
	}
	return auditSystem, ""
}

// shortDetail keeps what of the details fits.
func (e Audit) shortDetail() map[string]string {
	if len(e.Detail) == 0 {
		return nil
	}
	short := make(map[string]string, min(len(e.Detail), maxAuditDetails))
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		if value := e.Detail[name]; value != "" && len(short) < maxAuditDetails {
			short[name] = printable(value, maxAuditDetail)
		}
	}
	return short
}

package muster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Keys of the records that rules of every kind touch. Those of one noun alone stand in its own
// files, as xKey. An index is a record that is written in the same Write as what it points to.

func accountKey(p PlayerID) Key { return Key{PlayerPartition(p), "A"} }
func slotKey(p PlayerID) Key    { return Key{PlayerPartition(p), "SLOT"} }

const ratingPrefix = "RATING#"

func ratingKey(p PlayerID, m ModeName) Key {
	return Key{PlayerPartition(p), ratingPrefix + string(m)}
}

// seasonRatingKey names the rating of a season that its player has left behind.
func seasonRatingKey(p PlayerID, m ModeName, s SeasonName) Key {
	return Key{PlayerPartition(p), ratingPrefix + string(m) + "#" + string(s)}
}

func dataKey(p PlayerID, namespace string) Key {
	return Key{PlayerPartition(p), dataPrefix + namespace}
}

const historyPrefix = "MR#"

// historyKey sorts a player's matches by their end, then by session.
func historyKey(p PlayerID, endedAt time.Time, s SessionID) Key {
	return Key{PlayerPartition(p), historyPrefix + sortableTime(endedAt) + "#" + string(s)}
}

func identityKey(id Identity) Key {
	return Key{"ID#" + id.Provider + "#" + id.Subject, "ID"}
}

func ticketKey(t TicketID) Key        { return Key{"T#" + string(t), "META"} }
func sessionKey(s SessionID) Key      { return Key{"GS#" + string(s), "META"} }
func resultKey(s SessionID) Key       { return Key{"GS#" + string(s), "RESULT"} }
func sortableTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// timeCursor says that a text can be a place in a list that sorts by time: what such a list
// gives as Next.
func timeCursor(text string) bool {
	stamp, rest, _ := strings.Cut(text, "#")
	at, err := time.Parse(time.RFC3339, stamp)
	return err == nil && sortableTime(at) == stamp && rest != "" && len(text) < MaxSortBytes && utf8.ValidString(text)
}

// load reads one JSON record. An absent one is ErrNotFound, wrapped.
func load[T any](ctx context.Context, s Store, key Key) (value T, version int64, err error) {
	rec, err := s.Get(ctx, key)
	if err != nil {
		return value, 0, fmt.Errorf("read %s: %w", key.Redacted(), err)
	}
	value, err = decode[T](rec)
	return value, rec.Version, err
}

// decode reads a record's JSON value.
func decode[T any](rec Record) (value T, err error) {
	if err := json.Unmarshal(rec.Value, &value); err != nil {
		return value, fmt.Errorf("decode %s: %w", rec.Redacted(), err)
	}
	return value, nil
}

// loadOr is load, with a fallback and version 0 for an absent record.
func loadOr[T any](ctx context.Context, s Store, key Key, fallback T) (T, int64, error) {
	value, version, err := load[T](ctx, s, key)
	if errors.Is(err, ErrNotFound) {
		return fallback, 0, nil
	}
	return value, version, err
}

// put is the Op that stores value as JSON in place of version.
func put(key Key, version int64, value any, expiresAt time.Time) (Op, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return Op{}, fmt.Errorf("encode %s: %w", key.Redacted(), err)
	}
	return Op{Kind: Put, Key: key, Value: body, Version: version, ExpiresAt: expiresAt}, nil
}

// maxTries bounds a read-change-write. Each lost round means that another writer
// won one.
const maxTries = 20

// Change reads, decides and writes until the write meets no conflict. decide is
// called afresh each time; no ops and no error means that nothing is to be done. After
// too many lost rounds the error is Unavailable.
func Change(ctx context.Context, s Store, decide func(ctx context.Context) ([]Op, error)) error {
	var wait time.Duration // the first retry comes at once: who won is done
	for try := 1; ; try++ {
		ops, err := decide(ctx)
		if err == nil && len(ops) > 0 {
			err = s.Write(ctx, ops...)
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if try == maxTries {
			return &Error{Kind: Unavailable, Code: "store.contended", Message: "too many changes at once; try again", RetryAfter: time.Second, Err: err}
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait+time.Millisecond/2, 50*time.Millisecond)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

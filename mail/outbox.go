package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"muster"
)

// Letter is a mail that is to be written and sent.
type Letter struct {
	To    string `json:"to"` // empty: to nobody. It costs what another letter costs, and is not sent
	About Topic  `json:"about"`
	// Ref is what OutboxOptions.Reveal knows code and link by; empty: there are none.
	Ref   string    `json:"ref,omitempty"`
	Until time.Time `json:"until"` // when it is worthless
	// Owner is whose it is, for TakeBack; empty: whose address it goes to.
	Owner muster.MailOwner `json:"owner,omitempty"`
	// Room is where it waits; the key of its record says so.
	Room Room `json:"-"`
}

// OutboxOptions is what an Outbox needs, all of it but Leave.
type OutboxOptions struct {
	Store     muster.Store
	Sender    Sender
	Templates *Templates
	Game      string // the game's name, for the templates
	// Reveal gives the secrets of a letter, at the moment of sending. An error keeps the
	// letter for later.
	Reveal func(ref string) (code, link string, err error)
	Now    func() time.Time
	NewID  func() string
	Log    *slog.Logger
	// Leave has letters left to whoever calls Round, from when they are posted: this program
	// does not run between calls. Run is not called then.
	Leave bool
}

// Outbox keeps letters until they are sent. All replicas share the letters; one that
// stops leaves its own to the others.
type Outbox struct {
	o        OutboxOptions
	rooms    [numRooms]*room
	senders  int
	interval time.Duration
}

// The pace of an outbox.
const (
	sendWithin = 20 * time.Second // one try
	leaseFor   = time.Minute      // how long a replica has a letter: several times sendWithin
	sweepEvery = 5 * time.Second
	retryAfter = 15 * time.Second // after the first failure; twice as long after each further one
	retryMost  = 10 * time.Minute
)

// Bounds of an outbox.
const (
	maxPerShard  = 250 // letters that wait; about: a replica knows as of its last sweep
	handedAtOnce = 64  // letters of one room that wait in memory
	atOnce       = 4   // connections to the server of mails
)

// NewOutbox makes an Outbox; Run makes it work.
func NewOutbox(o OutboxOptions) *Outbox {
	box := &Outbox{o: o, senders: atOnce, interval: sweepEvery}
	for i := range box.rooms {
		box.rooms[i] = &room{shards: shardsOf[i], handed: make(chan held, handedAtOnce)}
	}
	return box
}

// kept is a letter as it is stored.
type kept struct {
	Letter
	Lease time.Time `json:"lease"` // until when some replica has it, or when to try again
	Tries int       `json:"tries,omitempty"`
}

// held is a letter that this replica has the lease of.
type held struct {
	kept
	key     muster.Key
	version int64
}

// Post gives the change that makes a letter durable; call send after the Write that it is
// part of. While too many letters wait in its room the error is Unavailable. A letter to
// nobody takes the same change, and does not wait.
func (o *Outbox) Post(l Letter) (op muster.Op, send func(), err error) {
	in := o.rooms[l.Room]
	if in.crowded.Load() {
		return muster.Op{}, nil, &muster.Error{
			Kind: muster.Unavailable, Code: "mail.crowded", Message: "too many mails wait to be sent: try again", RetryAfter: sweepEvery,
		}
	}
	now, id := o.o.Now(), o.o.NewID()
	letter := held{kept: kept{Letter: l, Lease: now.UTC().Add(leaseFor)}, key: in.key(id, now), version: 1}
	if o.o.Leave && l.To != "" {
		letter.Lease = now.UTC()
		op, err = letter.op(0)
		return op, func() {}, err
	}
	if l.To == "" {
		letter.key, letter.Until = muster.Key{Partition: "MAIL#nobody#" + id, Sort: "M"}, letter.Lease
		op, err = letter.op(0)
		return op, func() {}, err
	}
	op, err = letter.op(0)
	return op, func() { in.hand(letter) }, err
}

// op stores the letter in place of a version.
func (h *held) op(version int64) (muster.Op, error) {
	body, err := json.Marshal(h.kept)
	if err != nil {
		return muster.Op{}, fmt.Errorf("encode a letter: %w", err)
	}
	return muster.Op{Kind: muster.Put, Key: h.key, Value: body, Version: version, ExpiresAt: h.Until.UTC().Add(time.Second)}, nil
}

// Run sends letters until ctx ends.
func (o *Outbox) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range o.senders {
		wg.Go(func() { o.deliverAll(ctx) })
	}
	for _, in := range o.rooms { // each alone: a full one holds up no other
		wg.Go(func() { o.sweepAll(ctx, in) })
	}
	wg.Wait()
	return nil
}

func (o *Outbox) sweepAll(ctx context.Context, in *room) {
	ticker := time.NewTicker(o.interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := o.sweep(ctx, in); err != nil && ctx.Err() == nil {
			o.o.Log.WarnContext(ctx, "look for letters to send", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

func (o *Outbox) deliverAll(ctx context.Context) {
	for {
		h, ok := o.next(ctx)
		if !ok {
			return
		}
		if err := o.deliver(ctx, h); err != nil && ctx.Err() == nil {
			o.o.Log.WarnContext(ctx, "keep a letter in order", "letter", h.id(), "error", err)
		}
	}
}

// sweep learns whether too many letters wait in a room, and takes over those that nobody has,
// as many as the senders have room for.
func (o *Outbox) sweep(ctx context.Context, in *room) error {
	waiting, err := o.look(ctx, in)
	failed := []error{err}
	for _, rec := range waiting {
		if len(in.handed) == cap(in.handed) {
			break
		}
		if err := o.takeOver(ctx, in, rec); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// look lists the letters of a room, and learns whether too many wait.
func (o *Outbox) look(ctx context.Context, in *room) (waiting []muster.Record, err error) {
	crowded := false
	var failed []error
	for _, shard := range in.shards {
		records, err := o.o.Store.List(ctx, partition(shard), muster.ListOptions{Limit: maxPerShard})
		if err != nil {
			failed = append(failed, fmt.Errorf("list letters: %w", err))
			continue
		}
		crowded = crowded || len(records) == maxPerShard
		waiting = append(waiting, records...)
	}
	if in.crowded.Swap(crowded) != crowded {
		o.o.Log.WarnContext(ctx, "how many letters wait", "shards", in.shards, "tooMany", crowded)
	}
	return waiting, errors.Join(failed...)
}

// takeOver leases a letter that is due and hands it to the senders.
func (o *Outbox) takeOver(ctx context.Context, in *room, rec muster.Record) error {
	letter, err := letterOf(rec)
	if err != nil {
		return err
	}
	h := held{kept: letter, key: rec.Key, version: rec.Version + 1}
	now := o.o.Now()
	if h.Lease.After(now) {
		return nil
	}
	h.Lease = now.UTC().Add(leaseFor)
	op, err := h.op(rec.Version)
	if err != nil {
		return err
	}
	err = o.o.Store.Write(ctx, op)
	if errors.Is(err, muster.ErrConflict) {
		return nil // another replica was faster
	}
	if err != nil {
		return fmt.Errorf("lease a letter: %w", err)
	}
	in.hand(h)
	return nil
}

// deliver sends one letter and forgets it, or says when to try again.
func (o *Outbox) deliver(ctx context.Context, h held) error {
	now := o.o.Now()
	if h.Lease.Sub(now) < sendWithin || !now.Before(h.Until) {
		return nil // somebody else may have it by the end of a try, or it is worthless
	}
	err := o.try(ctx, h)
	if err == nil || errors.Is(err, ErrRefused) {
		if err != nil {
			o.o.Log.WarnContext(ctx, "a letter is given up", "letter", h.id(), "about", h.About, "error", err)
		}
		return o.o.Store.Write(ctx, muster.Op{Kind: muster.Delete, Key: h.key, Version: muster.AnyVersion})
	}
	wait := min(retryAfter<<min(h.Tries, 10), retryMost)
	h.Tries++
	h.Lease = o.o.Now().UTC().Add(wait)
	o.o.Log.WarnContext(ctx, "a letter is not sent yet", "letter", h.id(), "about", h.About, "tries", h.Tries, "again", wait, "error", err)
	op, encoding := h.op(h.version)
	if encoding != nil {
		return encoding
	}
	if err := o.o.Store.Write(ctx, op); !errors.Is(err, muster.ErrConflict) {
		return err
	}
	return nil // the lease was over: somebody else has it
}

// try sends a letter once.
func (o *Outbox) try(ctx context.Context, h held) error {
	if h.To == "" {
		return nil
	}
	v := Values{Game: o.o.Game, Minutes: max(1, int(h.Until.Sub(o.o.Now()).Round(time.Minute)/time.Minute))}
	if h.Ref != "" {
		var err error
		if v.Code, v.Link, err = o.o.Reveal(h.Ref); err != nil {
			return fmt.Errorf("find what a letter is to say: %w", err)
		}
	}
	m, err := o.o.Templates.message(h.About, v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err) // it was tried at start: no later try mends it
	}
	m.ID, m.To = h.id(), h.To
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return o.o.Sender.Send(ctx, m)
}

// id tells letters apart, in the log as well, where no address stands.
func (h *held) id() string {
	_, id, _ := strings.Cut(h.key.Sort, "#")
	return id
}

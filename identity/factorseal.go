package identity

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"muster"
)

// The secrets of authenticator apps have to be read again years later, when the signing keys
// have long been others. So what seals them is a key of its own, which is kept sealed by what
// follows from each of the signing keys, and is sealed again when those change.

const (
	// factorPurpose is what the secrets are derived for that seal the key.
	factorPurpose = "second factors"
	// wrapKept is for how long the key stays sealed by a signing key that is not known here: it
	// may be that another replica knows a newer set.
	wrapKept = 7 * 24 * time.Hour
	// maxFactorKeys bounds the keys that are kept. There is a second one only after the signing
	// keys were replaced all at once.
	maxFactorKeys = 8
	sealEvery     = time.Minute
)

// factorKeysKey names the one record of them.
func factorKeysKey() muster.Key { return muster.Key{Partition: "FACTORKEYS", Sort: "K"} }

// factorKeys is the record. The newest key is the last.
type factorKeys struct {
	Keys []wrappedKey `json:"keys"`
}

// wrappedKey is a key, sealed by each of some signing keys.
type wrappedKey struct {
	ID    string    `json:"id"`
	Wraps []keyWrap `json:"wraps"`
}

type keyWrap struct {
	By   string    `json:"by"` // the id of the signing key
	At   time.Time `json:"at"`
	Text []byte    `json:"text"`
}

// FactorSealOptions is what a FactorSeal needs; all of it.
type FactorSealOptions struct {
	Store  muster.Store
	Keys   KeySource
	NewID  func() string
	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
}

// FactorSeal seals what has to be read again, and nobody else may read, not even with the
// whole store before them. It is safe for concurrent use. Run keeps it readable while the
// signing keys rotate.
type FactorSeal struct {
	o FactorSealOptions

	mu     sync.Mutex
	by     []string          // guarded by mu; ids of the signing keys that the record is sealed by
	opened map[string][]byte // guarded by mu; keys by id
	newest string            // guarded by mu; the id of the one that seals; empty: none does yet
}

// NewFactorSeal makes a FactorSeal.
func NewFactorSeal(o FactorSealOptions) *FactorSeal { return &FactorSeal{o: o} }

// Run looks every minute whether the signing keys have changed, until ctx ends.
func (f *FactorSeal) Run(ctx context.Context) error {
	ticker := time.NewTicker(sealEvery)
	defer ticker.Stop()
	for {
		if err := f.Follow(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.WarnContext(ctx, "the key of second factors could not be sealed again; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Follow has everything sealed by the signing keys of now. Call it at the start, before any of
// them is dropped; Run does it from then on.
func (f *FactorSeal) Follow(ctx context.Context) error { return f.follow(ctx, false) }

// seal seals a text, and says by which key.
func (f *FactorSeal) seal(ctx context.Context, text []byte) (id string, sealed []byte, err error) {
	if err := f.follow(ctx, true); err != nil {
		return "", nil, err
	}
	f.mu.Lock()
	id = f.newest
	key := f.opened[id]
	f.mu.Unlock()
	sealed, err = sealWith(key, f.o.Random, text)
	return id, sealed, err
}

// open reads a text that was sealed by a key.
func (f *FactorSeal) open(ctx context.Context, id string, sealed []byte) ([]byte, error) {
	if err := f.follow(ctx, false); err != nil {
		return nil, err
	}
	key := f.known(id)
	if key == nil { // another replica may have made it
		secrets, err := f.secrets()
		if err == nil {
			err = f.read(ctx, secrets, false)
		}
		if err != nil {
			return nil, err
		}
		if key = f.known(id); key == nil {
			return nil, errFactorUnreadable()
		}
	}
	text, err := openWith(key, sealed)
	if err != nil {
		return nil, errFactorUnreadable()
	}
	return text, nil
}

func (f *FactorSeal) known(id string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened[id]
}

func errFactorUnreadable() error {
	return muster.Errorf(muster.Unavailable, "factor.unreadable", "codes of the authenticator cannot be checked any more: use a recovery code, or ask those who run the game to take the second factor away")
}

// secrets are what the signing keys of now seal with.
func (f *FactorSeal) secrets() ([]Derived, error) {
	return f.o.Keys.At(f.o.Now()).Derive(factorPurpose)
}

// follow reads the record unless it was read with these signing keys. needed says that there
// has to be a key: one is made when there is none that can be read.
func (f *FactorSeal) follow(ctx context.Context, needed bool) error {
	secrets, err := f.secrets()
	if err != nil {
		return err
	}
	f.mu.Lock()
	current := slices.Equal(f.by, sealers(secrets)) && (!needed || f.newest != "")
	f.mu.Unlock()
	if current {
		return nil
	}
	return f.read(ctx, secrets, needed)
}

// sealers lists the ids of signing keys, whichever of them signs.
func sealers(secrets []Derived) []string {
	ids := make([]string, len(secrets))
	for i, s := range secrets {
		ids[i] = s.ID
	}
	slices.Sort(ids)
	return ids
}

// read opens the keys of the record, has them sealed by the signing keys of now, and
// remembers them.
func (f *FactorSeal) read(ctx context.Context, secrets []Derived, needed bool) error {
	var opened map[string][]byte
	var newest string
	var lost int
	err := muster.Change(ctx, f.o.Store, func(ctx context.Context) ([]muster.Op, error) {
		record, version, err := f.record(ctx)
		if err != nil {
			return nil, err
		}
		var changed bool
		if opened, changed, err = f.openAll(&record, secrets); err != nil {
			return nil, err
		}
		lost, newest = len(record.Keys)-len(opened), ""
		for _, k := range record.Keys {
			if opened[k.ID] != nil {
				newest = k.ID
			}
		}
		if newest == "" && needed {
			k, key, err := f.newKey(secrets)
			if err != nil {
				return nil, err
			}
			record.Keys = append(record.Keys[max(0, len(record.Keys)-maxFactorKeys+1):], k)
			opened[k.ID], newest, changed = key, k.ID, true
		}
		if !changed {
			return nil, nil
		}
		body, err := json.Marshal(record)
		return []muster.Op{{Kind: muster.Put, Key: factorKeysKey(), Value: body, Version: version}}, err
	})
	if err != nil {
		return fmt.Errorf("read the key of second factors: %w", err)
	}
	if lost > 0 && newest == "" {
		f.o.Log.ErrorContext(ctx, "second factors were sealed with signing keys that are not there any more: recovery codes still work, the authenticators of players do not")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.by, f.opened, f.newest = sealers(secrets), opened, newest
	return nil
}

// openAll opens the keys of the record, by id, and has them sealed by the signing keys.
func (f *FactorSeal) openAll(record *factorKeys, secrets []Derived) (opened map[string][]byte, changed bool, err error) {
	opened = map[string][]byte{}
	for i := range record.Keys {
		k := &record.Keys[i]
		key := f.unwrap(k, secrets)
		if key == nil {
			continue
		}
		opened[k.ID] = key
		again, err := f.wrap(k, key, secrets)
		if err != nil {
			return nil, false, err
		}
		changed = changed || again
	}
	return opened, changed, nil
}

func (f *FactorSeal) record(ctx context.Context) (r factorKeys, version int64, err error) {
	rec, err := f.o.Store.Get(ctx, factorKeysKey())
	if errors.Is(err, muster.ErrNotFound) {
		return factorKeys{}, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(rec.Value, &r)
	}
	return r, rec.Version, err
}

// unwrap opens a key; nil: none of the signing keys opens it. One that was opened before is
// known, even if its record was sealed by others meanwhile.
func (f *FactorSeal) unwrap(k *wrappedKey, secrets []Derived) []byte {
	for _, s := range secrets {
		for _, w := range k.Wraps {
			if w.By != s.ID {
				continue
			}
			if key, err := openWith(s.Secret, w.Text); err == nil {
				return key
			}
		}
	}
	return f.known(k.ID)
}

// wrap seals a key by all signing keys that it is not sealed by, and drops what has been
// sealed long ago by one that is not there any more.
func (f *FactorSeal) wrap(k *wrappedKey, key []byte, secrets []Derived) (changed bool, err error) {
	now := f.o.Now().UTC()
	before := len(k.Wraps)
	k.Wraps = slices.DeleteFunc(k.Wraps, func(w keyWrap) bool {
		gone := !slices.ContainsFunc(secrets, func(s Derived) bool { return s.ID == w.By })
		return gone && now.Sub(w.At) > wrapKept
	})
	changed = len(k.Wraps) != before
	for _, s := range secrets {
		if slices.ContainsFunc(k.Wraps, func(w keyWrap) bool { return w.By == s.ID }) {
			continue
		}
		text, err := sealWith(s.Secret, f.o.Random, key)
		if err != nil {
			return false, err
		}
		k.Wraps, changed = append(k.Wraps, keyWrap{By: s.ID, At: now, Text: text}), true
	}
	return changed, nil
}

// newKey makes a key, sealed by all signing keys.
func (f *FactorSeal) newKey(secrets []Derived) (wrappedKey, []byte, error) {
	key, err := newSecret(f.o.Random)
	if err != nil {
		return wrappedKey{}, nil, err
	}
	k := wrappedKey{ID: f.o.NewID()}
	_, err = f.wrap(&k, key, secrets)
	return k, key, err
}

// sealWith seals a text (AES-256-GCM) behind a nonce that is drawn for it.
func sealWith(key []byte, random io.Reader, text []byte) ([]byte, error) {
	seal, err := factorCipher(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, seal.NonceSize(), seal.NonceSize()+len(text)+seal.Overhead())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("draw a nonce: %w", err)
	}
	return seal.Seal(nonce, nonce, text, []byte(factorPurpose)), nil
}

// openWith opens what sealWith sealed.
func openWith(key, sealed []byte) ([]byte, error) {
	seal, err := factorCipher(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < seal.NonceSize() {
		return nil, errors.New("sealed text is too short")
	}
	return seal.Open(nil, sealed[:seal.NonceSize()], sealed[seal.NonceSize():], []byte(factorPurpose))
}

func factorCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("prepare the cipher of second factors: %w", err)
	}
	return cipher.NewGCM(block)
}

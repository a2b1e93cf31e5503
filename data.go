package muster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// DataRole is who asks for a player's stored data.
type DataRole uint8

// The roles.
const (
	DataOwner    DataRole = iota // the player whose data it is
	DataStranger                 // another player
	DataServer                   // a game server
)

// DataWriter is who may write a namespace. Game servers may write every one.
type DataWriter string

// The writers.
const (
	PlayerWrites DataWriter = "player"
	ServerWrites DataWriter = "server"
)

// DataReader is who may read a namespace. Game servers may read every one.
type DataReader string

// The readers; each includes those before it.
const (
	ServerReads DataReader = "server"
	OwnerReads  DataReader = "owner"
	AllRead     DataReader = "public"
)

// AttributesNamespace is the namespace of the stored data that modes read where an
// attribute's field names none. It exists whether or not it is configured; only game
// servers write it, and it holds numbers and strings.
const AttributesNamespace = "attributes"

// Bounds of stored data. A document is one record, which every store takes.
const (
	maxNamespaces        = 32
	DefaultDocumentBytes = 64 << 10
	MaxDocumentBytes     = 350_000 // below MaxRecordBytes, with room for the key
	maxAttributeData     = 16 << 10
	maxPlayerFields      = 100
)

// Namespace is one kind of JSON document that is stored for each player.
type Namespace struct {
	Name  string
	Write DataWriter // empty: ServerWrites
	Read  DataReader // empty: OwnerReads
	// MaxBytes bounds a document. Zero: DefaultDocumentBytes.
	MaxBytes int
	// PlayerFields are the members of the document that the player may write where
	// otherwise only game servers do.
	PlayerFields []string
	// RequireMatch refuses writes that do not say what they replace.
	RequireMatch bool
}

// withDefaults fills in what the zero values stand for.
func (n Namespace) withDefaults() Namespace {
	if n.Write == "" {
		n.Write = ServerWrites
	}
	if n.Read == "" {
		n.Read = OwnerReads
	}
	if n.MaxBytes == 0 {
		n.MaxBytes = DefaultDocumentBytes
	}
	return n
}

// attributesDefault is the namespace AttributesNamespace unless it is configured.
var attributesDefault = Namespace{Name: AttributesNamespace, Write: ServerWrites, Read: ServerReads, MaxBytes: maxAttributeData}

// namespaceName is what a namespace can be called.
var namespaceName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// ValidateData reports everything that is wrong with the namespaces, and with the
// attributes of modes that are read from them; each with its key ("data.settings.write",
// "modes[0].attributes.level.field"). Names differ.
func ValidateData(namespaces []Namespace, modes []Mode) []FieldError {
	var problems []FieldError
	report := func(field, format string, args ...any) {
		problems = append(problems, FieldError{field, fmt.Sprintf(format, args...)})
	}
	if len(namespaces) > maxNamespaces {
		report("data", "has at most %d namespaces, not %d", maxNamespaces, len(namespaces))
	}
	known := map[string]Namespace{AttributesNamespace: attributesDefault}
	for _, n := range namespaces {
		known[n.Name] = n.withDefaults()
		for _, p := range n.problems() {
			report("data."+n.Name+p.Field, "%s", p.Message)
		}
	}
	for i, m := range modes {
		for name, source := range m.Attributes {
			if source.From != FromPlayer {
				continue
			}
			at := fmt.Sprintf("modes[%d].attributes.%s.field", i, name)
			namespace, field := source.document()
			n, exists := known[namespace]
			switch {
			case !exists:
				report(at, "there is no namespace %q under data", namespace)
			case n.Write == PlayerWrites || slices.Contains(n.PlayerFields, field):
				report(at, "players write %s.%s themselves: matchmaking would trust them", namespace, field)
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return problems
}

// problems reports what is wrong with one namespace, at keys that begin with a dot.
func (n Namespace) problems() []FieldError {
	var problems []FieldError
	report := func(field, format string, args ...any) {
		problems = append(problems, FieldError{field, fmt.Sprintf(format, args...)})
	}
	if !namespaceName.MatchString(n.Name) {
		report("", "%q is no name for a namespace: a small letter, then up to 31 small letters, digits and hyphens", n.Name)
	}
	full := n.withDefaults()
	if full.Write != PlayerWrites && full.Write != ServerWrites {
		report(".write", "%q may not write; use player or server", n.Write)
	}
	if full.Read != ServerReads && full.Read != OwnerReads && full.Read != AllRead {
		report(".read", "%q may not read; use server, owner or public", n.Read)
	}
	if n.MaxBytes < 0 || n.MaxBytes > MaxDocumentBytes {
		report(".maxBytes", "lies between 1 and %d, not %d", MaxDocumentBytes, n.MaxBytes)
	}
	switch {
	case len(n.PlayerFields) == 0:
	case full.Write == PlayerWrites:
		report(".playerFields", "goes with write: server; here the player writes all")
	case full.Read == ServerReads:
		report(".playerFields", "goes with read: owner or public: players read what they write")
	case len(n.PlayerFields) > maxPlayerFields:
		report(".playerFields", "are at most %d, not %d", maxPlayerFields, len(n.PlayerFields))
	}
	if n.Name == AttributesNamespace && (full.Write == PlayerWrites || len(n.PlayerFields) > 0) {
		report(".write", "only game servers write %s: matchmaking reads it", AttributesNamespace)
	}
	return problems
}

// Document is one stored document.
type Document struct {
	Namespace string
	Body      []byte // a JSON object
	Tag       string // for Precondition
}

// DocumentView is a stored document in a list.
type DocumentView struct {
	Namespace string `json:"namespace"`
	Bytes     int    `json:"bytes"`
	ETag      string `json:"etag"` // without quotes
	Writable  bool   `json:"writable"`
}

// documentTag tells the states of a document apart. The version alone would not: it
// starts anew when a document is deleted and written again.
func documentTag(version int64, body []byte) string {
	if version == 0 {
		return ""
	}
	sum := sha256.Sum256(body)
	return fmt.Sprintf("%d-%x", version, sum[:6])
}

const dataPrefix = "DATA#"

// Documents lists the caller's documents that the caller may read.
func (b *Backend) Documents(ctx context.Context, p PlayerID) ([]DocumentView, error) {
	if _, _, err := b.account(ctx, p); err != nil {
		return nil, err
	}
	records, err := b.store.List(ctx, dataKey(p, "").Partition, ListOptions{Prefix: dataPrefix, Limit: 2 * maxNamespaces})
	if err != nil {
		return nil, err
	}
	views := make([]DocumentView, 0, len(records))
	for _, rec := range records {
		n, known := b.data[strings.TrimPrefix(rec.Sort, dataPrefix)]
		if known && n.readableBy(DataOwner) {
			views = append(views, DocumentView{n.Name, len(rec.Value), documentTag(rec.Version, rec.Value), n.writableBy(DataOwner)})
		}
	}
	return views, nil
}

// Document reads one document. What does not exist, and what the role may not read, is
// NotFound.
func (b *Backend) Document(ctx context.Context, by DataRole, p PlayerID, namespace string) (Document, error) {
	n, err := b.namespace(by, namespace)
	if err != nil {
		return Document{}, err
	}
	if _, _, err := b.account(ctx, p); err != nil {
		return Document{}, err
	}
	rec, err := b.store.Get(ctx, dataKey(p, n.Name))
	if errors.Is(err, ErrNotFound) {
		return Document{}, errNoDocument()
	}
	if err != nil {
		return Document{}, err
	}
	return Document{n.Name, rec.Value, documentTag(rec.Version, rec.Value)}, nil
}

func errNoDocument() error {
	return Errorf(NotFound, "data.not_found", "nothing is stored here")
}

// namespace finds a namespace that the role may read.
func (b *Backend) namespace(by DataRole, name string) (Namespace, error) {
	n, known := b.data[name]
	switch {
	case !known || by == DataOwner && !n.readableBy(by):
		return Namespace{}, Errorf(NotFound, "data.namespace_unknown", "there is no such namespace")
	case !n.readableBy(by):
		return Namespace{}, errNoDocument()
	}
	return n, nil
}

func (n Namespace) readableBy(by DataRole) bool {
	switch by {
	case DataOwner:
		return n.Read != ServerReads
	case DataStranger:
		return n.Read == AllRead
	}
	return true
}

func (n Namespace) writableBy(by DataRole) bool {
	return by == DataServer || by == DataOwner && (n.Write == PlayerWrites || len(n.PlayerFields) > 0)
}

// PutDocument replaces a document, or makes it; created says which. Where players may
// write some fields only, the player's fields are replaced and all others stay; sending
// one of those otherwise than it is, is Denied. A game server replaces everything but
// the player's fields that it does not send. Errors: Invalid for what is no object of
// the size allowed; Conflict with the code PreconditionFailed.
func (b *Backend) PutDocument(ctx context.Context, by DataRole, p PlayerID, namespace string, body []byte, expect Precondition) (doc Document, created bool, err error) {
	return b.writeDocument(ctx, by, p, namespace, expect, func(n Namespace, stored fields) (fields, error) {
		sent, err := parseFields(body)
		if err != nil {
			return nil, err
		}
		return n.replaced(stored, sent, by)
	})
}

// PatchDocument changes members of a document, or makes it, by a merge patch (RFC 7396):
// null deletes. Otherwise it is PutDocument.
func (b *Backend) PatchDocument(ctx context.Context, by DataRole, p PlayerID, namespace string, patch []byte, expect Precondition) (doc Document, created bool, err error) {
	return b.writeDocument(ctx, by, p, namespace, expect, func(n Namespace, stored fields) (fields, error) {
		sent, err := parseFields(patch)
		if err != nil {
			return nil, err
		}
		return n.patched(stored, sent, by)
	})
}

// DeleteDocument deletes a document; for a player who may write some fields only, those.
// An absent one is no error.
func (b *Backend) DeleteDocument(ctx context.Context, by DataRole, p PlayerID, namespace string, expect Precondition) error {
	_, _, err := b.writeDocument(ctx, by, p, namespace, expect, func(n Namespace, stored fields) (fields, error) {
		return n.cleared(stored, by), nil
	})
	return err
}

// SetAttributes replaces the stored data that modes may read for a player with
// FromPlayer: numbers and strings by name. It is for game servers, never for players.
func (b *Backend) SetAttributes(ctx context.Context, p PlayerID, data map[string]any) error {
	sent := make(fields, len(data))
	for name, value := range data {
		raw, err := json.Marshal(value)
		if err != nil {
			return Errorf(Invalid, "attributes.type", "%q is neither a number nor a string", name)
		}
		sent[name] = raw
	}
	_, _, err := b.changeDocument(ctx, DataServer, p, b.data[AttributesNamespace], Precondition{}, func(Namespace, fields) (fields, error) {
		return sent, nil
	})
	return err
}

// decideFields decides what a document becomes; nil: it is deleted. stored is nil where
// there is none, and not to be changed.
type decideFields func(n Namespace, stored fields) (fields, error)

// writeDocument changes a document for whoever may write it.
func (b *Backend) writeDocument(ctx context.Context, by DataRole, p PlayerID, namespace string, expect Precondition, decide decideFields) (doc Document, created bool, err error) {
	n, err := b.namespace(by, namespace)
	switch {
	case err != nil:
		return Document{}, false, err
	case !n.writableBy(by):
		return Document{}, false, Errorf(Denied, "data.not_writable", "only game servers write %s", n.Name)
	case n.RequireMatch && expect.Empty():
		return Document{}, false, Errorf(Invalid, PreconditionRequired, "say what this replaces: If-Match with the ETag that was read, or If-None-Match: *")
	}
	return b.changeDocument(ctx, by, p, n, expect, decide)
}

// changeDocument reads, decides and writes one document. A document that would stay as
// it is, is not written.
func (b *Backend) changeDocument(ctx context.Context, by DataRole, p PlayerID, n Namespace, expect Precondition, decide decideFields) (doc Document, created bool, err error) {
	key := dataKey(p, n.Name)
	err = Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		if _, _, err := b.account(ctx, p); err != nil {
			return nil, err
		}
		rec, err := b.store.Get(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err := expect.check(documentTag(rec.Version, rec.Value)); err != nil {
			return nil, err
		}
		stored, err := storedFields(rec)
		if err != nil {
			return nil, err
		}
		next, err := decide(n, stored)
		if err != nil {
			return nil, err
		}
		doc, created = Document{Namespace: n.Name}, false
		if next == nil {
			if rec.Version == 0 {
				return nil, nil
			}
			return []Op{{Kind: Delete, Key: key, Version: rec.Version}}, nil
		}
		if doc.Body, err = n.encode(next, by); err != nil {
			return nil, err
		}
		if doc.Tag = documentTag(rec.Version, rec.Value); string(doc.Body) == string(rec.Value) && rec.Version != 0 {
			return nil, nil
		}
		doc.Tag, created = documentTag(rec.Version+1, doc.Body), rec.Version == 0
		return []Op{{Kind: Put, Key: key, Value: slices.Clone(doc.Body), Version: rec.Version, ExpiresAt: time.Time{}}}, nil
	})
	return doc, created, err
}

// storedDocuments reads documents of a player for matchmaking. One that the player lacks
// is left out.
func (b *Backend) storedDocuments(ctx context.Context, p PlayerID, namespaces []string) (map[string]storedDocument, error) {
	documents := make(map[string]storedDocument, len(namespaces))
	for _, namespace := range namespaces {
		stored, version, err := loadOr(ctx, b.store, dataKey(p, namespace), fields(nil))
		if err != nil {
			return nil, err
		}
		if version != 0 {
			documents[namespace] = storedDocument{stored, version}
		}
	}
	return documents, nil
}

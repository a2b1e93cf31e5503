package muster

import (
	"context"
	"encoding/json"
)

// AttributesNamespace is the namespace of the stored data that modes read where an
// attribute's field names none. Only game servers write it.
const AttributesNamespace = "attributes"

// maxAttributeData bounds the data of one player that matchmaking may read.
const maxAttributeData = 16 << 10

// storedDocuments reads documents of a player. One that the player lacks is left out.
func (b *Backend) storedDocuments(ctx context.Context, p PlayerID, namespaces []string) (map[string]storedDocument, error) {
	documents := make(map[string]storedDocument, len(namespaces))
	for _, namespace := range namespaces {
		fields, version, err := loadOr(ctx, b.store, dataKey(p, namespace), map[string]json.RawMessage(nil))
		if err != nil {
			return nil, err
		}
		if version != 0 {
			documents[namespace] = storedDocument{fields, version}
		}
	}
	return documents, nil
}

// SetAttributes replaces the stored data that modes may read for a player with
// FromPlayer: numbers and strings by name. It is for game servers, never for players.
func (b *Backend) SetAttributes(ctx context.Context, p PlayerID, data map[string]any) error {
	for name, value := range data {
		switch value.(type) {
		case float64, string:
		default:
			return Errorf(Invalid, "attributes.type", "%q is neither a number nor a string", name)
		}
	}
	body, err := json.Marshal(data)
	if err != nil || len(body) > maxAttributeData {
		return Errorf(Invalid, "attributes.too_large", "the attributes of a player have at most %d bytes", maxAttributeData)
	}
	return Change(ctx, b.store, func(ctx context.Context) ([]Op, error) {
		if _, _, err := b.account(ctx, p); err != nil {
			return nil, err
		}
		return []Op{{Kind: Put, Key: dataKey(p, AttributesNamespace), Value: body, Version: AnyVersion}}, nil
	})
}

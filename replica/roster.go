package replica

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"muster"
)

// The records of the replicas that live, in one partition.
const rosterPartition = "REPLICAS"

// maxMembers is how many replicas keep in touch. A backend with more is told so.
const maxMembers = 200

// member is one replica, as its record has it.
type member struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Keys are fingerprints of the public keys of players' tokens, that of the one that
	// signs first; none: the replica says nothing of them.
	Keys []string `json:"keys,omitempty"`
}

// sameKeys says whether replicas take each other's tokens, as far as they say.
func (m member) sameKeys(other member) bool {
	return len(m.Keys) == 0 || len(other.Keys) == 0 ||
		slices.Contains(m.Keys, other.Keys[0]) && slices.Contains(other.Keys, m.Keys[0])
}

func memberKey(id string) muster.Key { return muster.Key{Partition: rosterPartition, Sort: id} }

// announce writes or renews a replica's record.
func announce(ctx context.Context, s muster.Store, self member, until time.Time) error {
	value, err := json.Marshal(self)
	if err != nil {
		return fmt.Errorf("encode the record of this replica: %w", err)
	}
	op := muster.Op{Kind: muster.Put, Key: memberKey(self.ID), Value: value, Version: muster.AnyVersion, ExpiresAt: until}
	if err := s.Write(ctx, op); err != nil {
		return fmt.Errorf("renew the record of this replica: %w", err)
	}
	return nil
}

// withdraw removes a replica's record.
func withdraw(ctx context.Context, s muster.Store, id string) error {
	return s.Write(ctx, muster.Op{Kind: muster.Delete, Key: memberKey(id), Version: muster.AnyVersion})
}

// members lists the replicas whose records have not expired. One that cannot be read is
// passed over: a later version of this program wrote it.
func members(ctx context.Context, s muster.Store) ([]member, error) {
	records, err := s.List(ctx, rosterPartition, muster.ListOptions{Limit: maxMembers})
	if err != nil {
		return nil, fmt.Errorf("list the replicas: %w", err)
	}
	all := make([]member, 0, len(records))
	for _, rec := range records {
		var found member
		if err := json.Unmarshal(rec.Value, &found); err == nil && found.ID == rec.Sort && reachable(found.URL) {
			all = append(all, found)
		}
	}
	return all, nil
}

// reachable says that text is an address that can be posted to.
func reachable(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// changes compares the peers there are with the members there should be.
func changes(self string, peers map[string]*peer, others []member) (come []member, gone []string) {
	there := make(map[string]bool, len(others))
	for _, other := range others {
		there[other.ID] = true
		if _, known := peers[other.ID]; !known && other.ID != self {
			come = append(come, other)
		}
	}
	for id := range peers {
		if !there[id] {
			gone = append(gone, id)
		}
	}
	slices.SortFunc(come, func(a, b member) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(gone)
	return come, gone
}

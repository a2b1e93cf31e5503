package dynamotest

import (
	"hash/fnv"
	"slices"
	"strings"
)

// table is a table and its items.
type table struct {
	name       string
	looked     bool // somebody has seen it being created
	expiry     bool // time to live is on, for attribute expiryName
	backups    bool // they can be switched on: the first try is too early
	partitions map[string]*partition
}

// partition holds the items of one partition key.
type partition struct {
	sorts []string // ascending
	items map[string]item
}

const expiryName = "ttl"

// at is the item under a key; nil for none.
func (t *table) at(k key) item {
	if p := t.partitions[k.partition]; p != nil {
		return p.items[k.sort]
	}
	return nil
}

// put stores an item under its key; nil removes what is there.
func (t *table) put(k key, i item) {
	p := t.partitions[k.partition]
	if p == nil {
		if i == nil {
			return
		}
		p = &partition{items: map[string]item{}}
		t.partitions[k.partition] = p
	}
	at, there := slices.BinarySearch(p.sorts, k.sort)
	switch {
	case i == nil && there:
		p.sorts = slices.Delete(p.sorts, at, at+1)
		delete(p.items, k.sort)
		if len(p.sorts) == 0 {
			delete(t.partitions, k.partition)
		}
	case i == nil:
	default:
		if !there {
			p.sorts = slices.Insert(p.sorts, at, k.sort)
		}
		p.items[k.sort] = i
	}
}

// sweep removes what has expired by now, in epoch seconds.
func (t *table) sweep(now int64) (removed int) {
	if !t.expiry {
		return 0
	}
	for name, p := range t.partitions {
		for _, sort := range slices.Clone(p.sorts) {
			if at, there := p.items[sort][expiryName]; there && at.kind() == "N" && at.number() < now {
				t.put(key{name, sort}, nil)
				removed++
			}
		}
	}
	return removed
}

// segmentOf is the part of a table that a partition belongs to, of so many.
func segmentOf(partition string, of int) int { return int(place(partition)) % of }

// place is where a partition stands in a Scan, before its name.
func place(partition string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(partition)) // a hash takes everything
	return h.Sum32() >> 1
}

// before orders keys as a Scan does.
func (k key) before(o key) bool {
	if a, b := place(k.partition), place(o.partition); a != b {
		return a < b
	}
	if c := strings.Compare(k.partition, o.partition); c != 0 {
		return c < 0
	}
	return k.sort < o.sort
}

// named finds a table.
func (s *Server) named(name string) (*table, error) {
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, refusal("ResourceNotFoundException", "Cannot do operations on a non-existent table")
}

// Empty says whether a partition has no items, expired ones included. It is for tests that
// look into very many.
func (s *Server) Empty(table, partition string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[table]
	return t == nil || t.partitions[partition] == nil
}

type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

type createTable struct {
	TableName                 string
	BillingMode               string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	DeletionProtectionEnabled bool
}

var (
	keySchema  = []keyElement{{partitionName, "HASH"}, {sortName, "RANGE"}}
	attributes = []attributeDefinition{{partitionName, "S"}, {sortName, "S"}}
)

// description is what is told of a table.
type description struct {
	TableName            string
	TableStatus          string
	KeySchema            []keyElement
	AttributeDefinitions []attributeDefinition
}

// describe says that a table is being created, and that it is there when it is asked for
// again.
func (t *table) describe() description {
	status := "CREATING"
	if t.looked {
		status = "ACTIVE"
	}
	return description{t.name, status, keySchema, attributes}
}

func (s *Server) createTable(in *createTable) (any, error) {
	switch {
	case in.BillingMode != "PAY_PER_REQUEST":
		return nil, unsupported("the BillingMode %q", in.BillingMode)
	case !slices.Equal(in.KeySchema, keySchema) || !slices.Equal(in.AttributeDefinitions, attributes):
		return nil, unsupported("the keys %v and %v", in.KeySchema, in.AttributeDefinitions)
	case s.tables[in.TableName] != nil:
		return nil, refusal("ResourceInUseException", "Table already exists: %s", in.TableName)
	}
	t := &table{name: in.TableName, partitions: map[string]*partition{}}
	s.tables[in.TableName] = t
	return map[string]any{"TableDescription": t.describe()}, nil
}

type tableRequest struct{ TableName string }

func (s *Server) describeTable(in *tableRequest) (any, error) {
	t := s.tables[in.TableName]
	if t == nil {
		return nil, refusal("ResourceNotFoundException", "Requested resource not found: Table: %s not found", in.TableName)
	}
	told := t.describe()
	t.looked = true
	return map[string]any{"Table": told}, nil
}

func (s *Server) describeTimeToLive(in *tableRequest) (any, error) {
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	told := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if t.expiry {
		told = map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": expiryName}
	}
	return map[string]any{"TimeToLiveDescription": told}, nil
}

type timeToLive struct {
	AttributeName string
	Enabled       bool
}

type updateTimeToLive struct {
	TableName               string
	TimeToLiveSpecification timeToLive
}

func (s *Server) updateTimeToLive(in *updateTimeToLive) (any, error) {
	t, err := s.named(in.TableName)
	switch {
	case err != nil:
		return nil, err
	case in.TimeToLiveSpecification != timeToLive{expiryName, true}:
		return nil, unsupported("the TimeToLiveSpecification %+v", in.TimeToLiveSpecification)
	case t.expiry:
		return nil, invalid("TimeToLive is already enabled")
	}
	t.expiry = true
	return map[string]any{"TimeToLiveSpecification": in.TimeToLiveSpecification}, nil
}

type updateContinuousBackups struct {
	TableName                        string
	PointInTimeRecoverySpecification struct{ PointInTimeRecoveryEnabled bool }
}

// updateContinuousBackups is too early the first time, as it mostly is with a new table.
func (s *Server) updateContinuousBackups(in *updateContinuousBackups) (any, error) {
	t, err := s.named(in.TableName)
	switch {
	case err != nil:
		return nil, err
	case !in.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled:
		return nil, unsupported("an UpdateContinuousBackups that switches off")
	case !t.backups:
		t.backups = true
		return nil, refusal("ContinuousBackupsUnavailableException", "Backups are being enabled for the table: %s. Please retry later", in.TableName)
	}
	return map[string]any{}, nil
}

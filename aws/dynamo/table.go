package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// How long CreateTable waits for a state to be reached, and how often it looks.
const (
	settleTries = 120
	settleEvery = time.Second
)

// tableInput is the table as CreateTable asks for it. deploy/table.yaml is the same.
func tableInput(name string) *sdk.CreateTableInput {
	return &sdk.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(attrPartition), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(attrSort), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(attrPartition), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(attrSort), KeyType: types.KeyTypeRange},
		},
		DeletionProtectionEnabled: aws.Bool(true),
	}
}

// timeToLive is what the table has to have switched on.
func timeToLive() *types.TimeToLiveSpecification {
	return &types.TimeToLiveSpecification{AttributeName: aws.String(attrExpiry), Enabled: aws.Bool(true)}
}

// CreateTable makes the table and waits until it can be used: on demand, protected from
// deletion, with time to live and, where the service can do it, point-in-time recovery.
// A table that exists is checked as CheckTable does; of its settings only time to live is
// switched on.
func (s *Store) CreateTable(ctx context.Context) error {
	_, err := s.api.CreateTable(ctx, tableInput(s.table))
	var exists *types.ResourceInUseException
	created := err == nil
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create table %q: %w", s.table, s.explain(err))
	}
	if err := s.settle(ctx, s.active); err != nil {
		return fmt.Errorf("create table %q: %w", s.table, err)
	}
	if err := s.settle(ctx, s.expire); err != nil {
		return fmt.Errorf("create table %q: switch on time to live: %w", s.table, err)
	}
	if created {
		if err := s.settle(ctx, s.protect); err != nil {
			return fmt.Errorf("create table %q: switch on point-in-time recovery: %w", s.table, err)
		}
	}
	return s.CheckTable(ctx)
}

// errNotYet says that a state is not reached, which may pass.
var errNotYet = errors.New("it takes too long")

// settle calls reach until it no longer says errNotYet.
func (s *Store) settle(ctx context.Context, reach func(ctx context.Context) error) error {
	for try := 1; ; try++ {
		err := reach(ctx)
		if !errors.Is(err, errNotYet) || try == settleTries {
			return err
		}
		if err := s.pause(ctx, settleEvery); err != nil {
			return err
		}
	}
}

// active says whether the table can be used.
func (s *Store) active(ctx context.Context) error {
	out, err := s.api.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: &s.table})
	var absent *types.ResourceNotFoundException
	switch {
	case errors.As(err, &absent): // creation is not visible at once everywhere
		return fmt.Errorf("%w: the table does not appear", errNotYet)
	case err != nil:
		return s.explain(err)
	case out.Table.TableStatus == types.TableStatusCreating || out.Table.TableStatus == types.TableStatusDeleting:
		return fmt.Errorf("%w: the table is %s", errNotYet, out.Table.TableStatus)
	}
	return nil
}

// expire switches time to live on, unless it is.
func (s *Store) expire(ctx context.Context) error {
	now, err := s.api.DescribeTimeToLive(ctx, &sdk.DescribeTimeToLiveInput{TableName: &s.table})
	if err != nil {
		return s.explain(err)
	}
	if d := now.TimeToLiveDescription; d != nil {
		switch d.TimeToLiveStatus {
		case types.TimeToLiveStatusEnabled, types.TimeToLiveStatusEnabling:
			return nil // CheckTable says whether it is the right attribute
		case types.TimeToLiveStatusDisabling:
			return fmt.Errorf("%w: it is being switched off", errNotYet)
		}
	}
	_, err = s.api.UpdateTimeToLive(ctx, &sdk.UpdateTimeToLiveInput{TableName: &s.table, TimeToLiveSpecification: timeToLive()})
	var busy *types.ResourceInUseException
	var many *types.LimitExceededException
	if errors.As(err, &busy) || errors.As(err, &many) {
		return fmt.Errorf("%w: %w", errNotYet, err)
	}
	return s.explain(err)
}

// protect switches point-in-time recovery on. DynamoDB Local has none.
func (s *Store) protect(ctx context.Context) error {
	_, err := s.api.UpdateContinuousBackups(ctx, &sdk.UpdateContinuousBackupsInput{
		TableName:                        &s.table,
		PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	})
	var notYet *types.ContinuousBackupsUnavailableException
	switch {
	case errors.As(err, &notYet): // a new table's backups are being set up
		return fmt.Errorf("%w: %w", errNotYet, err)
	case isUnsupported(err):
		s.log.WarnContext(ctx, "the table has no point-in-time recovery: this DynamoDB cannot do it", "table", s.table)
		return nil
	}
	return s.explain(err)
}

// CheckTable says in one sentence what is to be done about a table that is absent or of
// another shape; nil when it is fit for use.
func (s *Store) CheckTable(ctx context.Context) error {
	out, err := s.api.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: &s.table})
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) {
		return fmt.Errorf("table %q does not exist in %s: create it with deploy/table.yaml or muster serve --create-table", s.table, s.place())
	}
	if err != nil {
		return fmt.Errorf("look at table %q: %w", s.table, s.explain(err))
	}
	if err := checkShape(out.Table); err != nil {
		return fmt.Errorf("table %q %w", s.table, err)
	}
	ttl, err := s.api.DescribeTimeToLive(ctx, &sdk.DescribeTimeToLiveInput{TableName: &s.table})
	if err != nil {
		return fmt.Errorf("look at table %q: %w", s.table, s.explain(err))
	}
	if err := checkTimeToLive(ttl.TimeToLiveDescription); err != nil {
		return fmt.Errorf("table %q %w", s.table, err)
	}
	return nil
}

// checkShape completes the sentence "table ...".
func checkShape(t *types.TableDescription) error {
	switch t.TableStatus {
	case types.TableStatusActive, types.TableStatusUpdating:
	default:
		return fmt.Errorf("is %s: wait until it is ACTIVE", t.TableStatus)
	}
	want := tableInput("")
	if len(t.KeySchema) != len(want.KeySchema) {
		return errOtherKeys
	}
	for i, k := range t.KeySchema {
		name := deref(k.AttributeName)
		if name != *want.KeySchema[i].AttributeName || k.KeyType != want.KeySchema[i].KeyType || keyType(t, name) != types.ScalarAttributeTypeS {
			return errOtherKeys
		}
	}
	return nil
}

var errOtherKeys = fmt.Errorf("has other keys than the strings %s and %s: it belongs to something else, so name another table", attrPartition, attrSort)

func keyType(t *types.TableDescription, name string) types.ScalarAttributeType {
	for _, a := range t.AttributeDefinitions {
		if deref(a.AttributeName) == name {
			return a.AttributeType
		}
	}
	return ""
}

// checkTimeToLive completes the sentence "table ...".
func checkTimeToLive(d *types.TimeToLiveDescription) error {
	if d == nil || d.TimeToLiveStatus != types.TimeToLiveStatusEnabled && d.TimeToLiveStatus != types.TimeToLiveStatusEnabling {
		return fmt.Errorf("never removes what has expired: switch on time to live for its attribute %q", attrExpiry)
	}
	if name := deref(d.AttributeName); name != attrExpiry {
		return fmt.Errorf("expires by its attribute %q: switch time to live to %q", name, attrExpiry)
	}
	return nil
}

// place names where the table was looked for.
func (s *Store) place() string {
	o := s.api.Options()
	if o.BaseEndpoint != nil {
		return *o.BaseEndpoint
	}
	return "region " + o.Region
}

// explain is the error of a call about the table, for an operator; nil for nil.
func (s *Store) explain(err error) error {
	return result{outcome: outcomeOf(err), err: err}.describe()
}

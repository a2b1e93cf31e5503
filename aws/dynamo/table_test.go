package dynamo

import (
	"context"
	"errors"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gopkg.in/yaml.v3"

	"muster"
)

// template is what deploy/table.yaml says of the table, in CloudFormation's names.
type template struct {
	Resources struct {
		Table struct {
			Type           string `yaml:"Type"`
			DeletionPolicy string `yaml:"DeletionPolicy"`
			Properties     struct {
				BillingMode               string              `yaml:"BillingMode"`
				AttributeDefinitions      []map[string]string `yaml:"AttributeDefinitions"`
				KeySchema                 []map[string]string `yaml:"KeySchema"`
				DeletionProtectionEnabled bool                `yaml:"DeletionProtectionEnabled"`
				TimeToLive                map[string]any      `yaml:"TimeToLiveSpecification"`
				Recovery                  map[string]bool     `yaml:"PointInTimeRecoverySpecification"`
				TableName                 string              `yaml:"TableName"`
			} `yaml:"Properties"`
		} `yaml:"Table"`
		UsePolicy  policy `yaml:"UsePolicy"`
		CopyPolicy policy `yaml:"CopyPolicy"`
	} `yaml:"Resources"`
}

type policy struct {
	Properties struct {
		PolicyDocument struct {
			Statement []struct {
				Action []string `yaml:"Action"`
			} `yaml:"Statement"`
		} `yaml:"PolicyDocument"`
	} `yaml:"Properties"`
}

// actions are those of the policy's only statement.
func (p policy) actions(t *testing.T) []string {
	t.Helper()
	if n := len(p.Properties.PolicyDocument.Statement); n != 1 {
		t.Fatalf("the policy has %d statements", n)
	}
	return p.Properties.PolicyDocument.Statement[0].Action
}

func readTemplate(t *testing.T) template {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/table.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got template
	if err := yaml.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTheTemplateMakesTheSameTable(t *testing.T) {
	table := readTemplate(t).Resources.Table
	in := tableInput("TableName") // !Ref TableName
	var attributes, keys []map[string]string
	for _, a := range in.AttributeDefinitions {
		attributes = append(attributes, map[string]string{"AttributeName": *a.AttributeName, "AttributeType": string(a.AttributeType)})
	}
	for _, k := range in.KeySchema {
		keys = append(keys, map[string]string{"AttributeName": *k.AttributeName, "KeyType": string(k.KeyType)})
	}
	ttl := timeToLive()
	p := table.Properties
	for name, same := range map[string]bool{
		"type":                table.Type == "AWS::DynamoDB::Table" && table.DeletionPolicy == "Retain",
		"name":                p.TableName == *in.TableName,
		"billing":             p.BillingMode == string(in.BillingMode),
		"attributes":          reflect.DeepEqual(p.AttributeDefinitions, attributes),
		"keys":                reflect.DeepEqual(p.KeySchema, keys),
		"deletion protection": p.DeletionProtectionEnabled == *in.DeletionProtectionEnabled,
		"time to live":        reflect.DeepEqual(p.TimeToLive, map[string]any{"AttributeName": *ttl.AttributeName, "Enabled": *ttl.Enabled}),
		"recovery":            p.Recovery["PointInTimeRecoveryEnabled"],
	} {
		if !same {
			t.Errorf("the %s is another: %+v", name, table)
		}
	}
}

// permissions are the IAM actions behind calls (Service Authorization Reference, "Actions,
// resources, and condition keys for Amazon DynamoDB"): a transaction needs those of its
// parts.
func permissions(operations []string) []string {
	var actions []string
	for _, o := range operations {
		if o == "TransactWriteItems" {
			actions = append(actions, "dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
			continue
		}
		actions = append(actions, "dynamodb:"+o)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

func TestTheTemplatePermitsWhatIsCalledAndNoMore(t *testing.T) {
	ctx := context.Background()
	k := muster.Key{Partition: "p", Sort: "s"}
	active := ok(members{"Table": describedTable("PK", "SK")})
	ttl := ok(members{"TimeToLiveDescription": members{"TimeToLiveStatus": "ENABLED", "AttributeName": attrExpiry}})
	nothing := ok(members{})
	s, sc := scripted(t, nothing, nothing, nothing, nothing, nothing, nothing, active, ttl)
	for _, ops := range [][]muster.Op{
		{{Key: k}},
		{{Key: k, Version: muster.AnyVersion}},
		{{Kind: muster.Delete, Key: k}},
		{{Key: k}, {Kind: muster.Check, Key: muster.Key{Partition: "p", Sort: "t"}}},
	} {
		if err := s.Write(ctx, ops...); err != nil {
			t.Error(err)
		}
	}
	_, getErr := s.Get(ctx, k)
	_, listErr := s.List(ctx, "p", muster.ListOptions{})
	if err := s.CheckTable(ctx); err != nil || listErr != nil || !errors.Is(getErr, muster.ErrNotFound) {
		t.Errorf("check table: %v, list: %v, get: %v", err, listErr, getErr)
	}
	resources := readTemplate(t).Resources
	compareActions(t, resources.UsePolicy.actions(t), sc)

	s, sc = scripted(t, nothing, nothing, nothing, nothing, nothing)
	if err := s.Load(ctx, []muster.Record{{Key: k, Version: 1}}); err != nil {
		t.Error(err)
	}
	if err := s.Scan(ctx, func([]muster.Record) error { return nil }); err != nil {
		t.Error(err)
	}
	compareActions(t, resources.CopyPolicy.actions(t), sc)
}

func compareActions(t *testing.T, permitted []string, sc *script) {
	t.Helper()
	slices.Sort(permitted)
	if needed := permissions(strings.Fields(sc.operations())); !slices.Equal(permitted, needed) {
		t.Errorf("permitted is %v, needed %v", permitted, needed)
	}
}

// describedTable is an active table with two keys that are strings.
func describedTable(hash, sort string) members {
	return members{
		"TableStatus":          "ACTIVE",
		"KeySchema":            []members{{"AttributeName": hash, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}},
		"AttributeDefinitions": []members{{"AttributeName": hash, "AttributeType": "S"}, {"AttributeName": sort, "AttributeType": "S"}},
	}
}

func TestATableThatIsNotFitSaysWhatToDo(t *testing.T) {
	table := func(change func(m members)) step {
		m := describedTable("PK", "SK")
		change(m)
		return ok(members{"Table": m})
	}
	fit := table(func(members) {})
	ttl := func(status, attribute string) step {
		return ok(members{"TimeToLiveDescription": members{"TimeToLiveStatus": status, "AttributeName": attribute}})
	}
	for name, test := range map[string]struct {
		steps []step
		want  string // part of the sentence; "" for none
	}{
		"fit":                       {[]step{fit, ttl("ENABLED", "ttl")}, ""},
		"fit, being switched on":    {[]step{fit, ttl("ENABLING", "ttl")}, ""},
		"fit, being changed":        {[]step{table(func(m members) { m["TableStatus"] = "UPDATING" }), ttl("ENABLED", "ttl")}, ""},
		"absent":                    {[]step{fails(400, "ResourceNotFoundException")}, `table "records" does not exist in http://dynamodb.invalid: create it`},
		"not ready":                 {[]step{table(func(m members) { m["TableStatus"] = "CREATING" })}, "is CREATING: wait"},
		"other keys":                {[]step{ok(members{"Table": describedTable("id", "SK")})}, "has other keys than the strings PK and SK"},
		"keys the other way round":  {[]step{ok(members{"Table": describedTable("SK", "PK")})}, "has other keys"},
		"one key":                   {[]step{table(func(m members) { m["KeySchema"] = m["KeySchema"].([]members)[:1] })}, "has other keys"},
		"a key of another type":     {[]step{table(func(m members) { m["AttributeDefinitions"].([]members)[1]["AttributeType"] = "N" })}, "has other keys"},
		"no expiry":                 {[]step{fit, ttl("DISABLED", "")}, `switch on time to live for its attribute "ttl"`},
		"nothing known of expiry":   {[]step{fit, ok(members{})}, `switch on time to live for its attribute "ttl"`},
		"another expiry":            {[]step{fit, ttl("ENABLED", "expires")}, `expires by its attribute "expires"`},
		"not to be seen":            {[]step{fails(400, "AccessDeniedException")}, "store.not_authorized"},
		"its expiry not to be seen": {[]step{fit, fails(400, "AccessDeniedException")}, "store.not_authorized"},
	} {
		s, _ := scripted(t, test.steps...)
		err := s.CheckTable(context.Background())
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestATableIsCreatedStepByStep(t *testing.T) {
	creating := ok(members{"Table": members{"TableStatus": "CREATING"}})
	active := ok(members{"Table": describedTable("PK", "SK")})
	off := ok(members{"TimeToLiveDescription": members{"TimeToLiveStatus": "DISABLED"}})
	on := ok(members{"TimeToLiveDescription": members{"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}})
	done := ok(members{})
	for name, test := range map[string]struct {
		steps []step
		want  string
		err   string
	}{
		"a new one": {
			[]step{done, fails(400, "ResourceNotFoundException"), creating, active, off, done, fails(400, "ContinuousBackupsUnavailableException"), done, active, on},
			"CreateTable DescribeTable DescribeTable DescribeTable DescribeTimeToLive UpdateTimeToLive UpdateContinuousBackups UpdateContinuousBackups DescribeTable DescribeTimeToLive", "",
		},
		"a new one where there are no backups": {
			[]step{done, active, off, done, fails(400, "UnknownOperationException"), active, on},
			"CreateTable DescribeTable DescribeTimeToLive UpdateTimeToLive UpdateContinuousBackups DescribeTable DescribeTimeToLive", "",
		},
		"one that exists": {
			[]step{fails(400, "ResourceInUseException"), active, on, active, on},
			"CreateTable DescribeTable DescribeTimeToLive DescribeTable DescribeTimeToLive", "",
		},
		"one that exists without expiry": {
			[]step{fails(400, "ResourceInUseException"), active, off, fails(400, "ResourceInUseException"), off, done, active, on},
			"CreateTable DescribeTable DescribeTimeToLive UpdateTimeToLive DescribeTimeToLive UpdateTimeToLive DescribeTable DescribeTimeToLive", "",
		},
		"one that exists and is something else": {
			[]step{fails(400, "ResourceInUseException"), ok(members{"Table": describedTable("id", "at")}), on, ok(members{"Table": describedTable("id", "at")})},
			"CreateTable DescribeTable DescribeTimeToLive DescribeTable", "belongs to something else",
		},
		"no permission": {[]step{fails(400, "AccessDeniedException")}, "CreateTable", "store.not_authorized"},
		"one that never appears": {
			append([]step{done}, slices.Repeat([]step{creating}, settleTries)...),
			"CreateTable" + strings.Repeat(" DescribeTable", settleTries), "it takes too long: the table is CREATING",
		},
	} {
		s, sc := scripted(t, test.steps...)
		err := s.CreateTable(context.Background())
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %v, want %q", name, err, test.err)
		}
		if got := sc.operations(); got != test.want {
			t.Errorf("%s: asked %s, want %s", name, got, test.want)
		}
	}
}

func TestATableOfDynamoDBLocalIsCreatedOnce(t *testing.T) {
	ctx := context.Background()
	s := openLocal(t, localOptions(t))
	if err := s.CreateTable(ctx); err != nil {
		t.Errorf("a second time: %v", err)
	}
	out, err := s.api.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: &s.table})
	if err != nil || out.Table.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || !aws.ToBool(out.Table.DeletionProtectionEnabled) {
		t.Errorf("the table is %+v, error %v", out, err)
	}
	o := localOptions(t)
	absent, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := absent.CheckTable(ctx); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("an absent table: got %v", err)
	}
	_, err = absent.Get(ctx, muster.Key{Partition: "p", Sort: "s"})
	var e *muster.Error
	if !errors.As(err, &e) || e.Code != "store.no_table" {
		t.Errorf("a read of an absent table: got %v", err)
	}
}

func TestOptionsThatCannotDoAreRefused(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	for name, test := range map[string]struct {
		o    Options
		want string
	}{
		"no table":                    {Options{Region: "us-east-1"}, "no table is named"},
		"no region":                   {Options{Table: "t"}, "no region"},
		"no region, with credentials": {Options{Table: "t", AccessKeyID: "a", SecretAccessKey: "s"}, "no region"},
	} {
		if _, err := New(test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "")
	s, err := New(Options{Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if s.place() != "region eu-central-1" {
		t.Errorf("it looks in %s", s.place())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000")
	if s, err = New(Options{Table: "t"}); err != nil || s.place() != "http://127.0.0.1:8000" {
		t.Errorf("where the environment says, it looks in %s, error %v", s.place(), err)
	}
	given, err := New(Options{Table: "t", Region: "us-east-1", AccessKeyID: "a", SecretAccessKey: "s", HTTPClient: &http.Client{}})
	if err != nil || given.Close() != nil {
		t.Errorf("with an HTTP client: %v", err)
	}
}

package wire

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/smithy-go"
)

// sdkOperation is an operation as the SDK's client declares it.
type sdkOperation struct {
	name          string
	input, output reflect.Type
}

// sdkOperations lists what the client can call, by name.
func sdkOperations() []sdkOperation {
	var ops []sdkOperation
	client := reflect.TypeFor[*gamelift.Client]()
	for i := range client.NumMethod() {
		m := client.Method(i)
		// func(*Client, context.Context, *Input, ...func(*Options)) (*Output, error)
		if m.Type.NumIn() == 4 && m.Type.NumOut() == 2 {
			ops = append(ops, sdkOperation{m.Name, m.Type.In(2).Elem(), m.Type.Out(0).Elem()})
		}
	}
	return ops
}

func TestTheTableKnowsTheOperationsOfTheSDK(t *testing.T) {
	var want []string
	for _, op := range sdkOperations() {
		want = append(want, op.name)
		if op.input.Name() != op.name+"Input" {
			t.Errorf("the input of %s is called %s", op.name, op.input.Name())
		}
	}
	if got := OperationNames(); len(got) != 120 || !slices.Equal(got, want) {
		t.Errorf("%d operations %v\nwant %d %v", len(got), got, len(want), want)
	}
}

func TestTheTableKnowsTheMembersOfTheSDK(t *testing.T) {
	table, seen := loadTable(), map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if typ == timeType || seen[typ] {
			return
		}
		seen[typ] = true
		var members []string
		for f := range typ.Fields() {
			if !f.IsExported() {
				continue
			}
			members = append(members, f.Name)
			if _, ok := table.Structures[typ.Name()][f.Name]; !ok {
				t.Errorf("the table lacks %s.%s", typ.Name(), f.Name)
			}
			visit(f.Type)
		}
		for name := range table.Structures[typ.Name()] {
			if !slices.Contains(members, name) {
				t.Errorf("the SDK lacks %s.%s", typ.Name(), name)
			}
		}
	}
	for _, op := range sdkOperations() {
		visit(op.input)
	}
	if len(seen) != len(table.Structures) {
		t.Errorf("%d structures in the table, %d in the SDK's inputs", len(table.Structures), len(seen))
	}
}

func TestEveryOperationRefusesWithAnExceptionItDeclares(t *testing.T) {
	table := loadTable()
	for _, name := range table.operationNames() {
		e := table.refusal(name)
		if !slices.Contains(table.Operations[name], e.Code) || !strings.Contains(e.Message, name+" is not available") {
			t.Errorf("%s is refused with %v", name, e)
		}
	}
}

// The SDK checks for itself that required members are there, before it sends anything.
func TestRequiredMembersAreThoseOfTheSDK(t *testing.T) {
	client := gamelift.New(gamelift.Options{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("nothing may be sent")
		}),
	})
	shapes := newShapes(loadTable())
	for _, op := range sdkOperations() {
		var want []string
		result := reflect.ValueOf(client).MethodByName(op.name).Call([]reflect.Value{
			reflect.ValueOf(t.Context()), reflect.New(op.input),
		})
		err, _ := result[1].Interface().(error)
		if invalid := (smithy.InvalidParamsError{}); errors.As(err, &invalid) {
			for _, one := range invalid.Errs() {
				var missing smithy.InvalidParamError
				if !errors.As(one, &missing) {
					t.Fatalf("%s: the SDK reports %T", op.name, one)
				}
				_, member, _ := strings.Cut(missing.Field(), ".")
				want = append(want, memberPath("", member))
			}
		}
		var got []string
		for _, v := range check(shapes.of(op.input, op.input.Name()), map[string]any{}) {
			if v.must != mustNotBeNull {
				t.Errorf("%s: an empty input breaks %s", op.name, v)
			}
			got = append(got, v.path)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s requires %v, the SDK %v", op.name, got, want)
		}
	}
}

func TestPatternsMatchWholeValues(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		yes     []string
		no      []string
	}{
		{"an anchored pattern", `^[a-z]*fleet-[a-zA-Z0-9\-]+$`, []string{"fleet-1", "containerfleet-a"}, []string{"fleet-", "xfleet 1", "fleet-1\n"}},
		{"alternatives with half an anchor each", `^alias-\S+|^arn:.*:alias\/alias-\S+$`, []string{"alias-1", "arn:aws:gamelift:us-east-1::alias/alias-1"}, []string{"alias-1 2", "arn:x", "x"}},
		{"an alternative that could be empty", `^[a-zA-Z0-9-\.]*|^arn:.*:matchmakingruleset\/[a-zA-Z0-9-\.]*$`, []string{"rules.v1", "", "arn:aws:gamelift:us-east-1:1:matchmakingruleset/r"}, []string{"two words", "arn:aws:x"}},
		{"no anchors", `\S`, []string{" x ", "x"}, []string{"", " \t\n"}},
		{"surrogates", `^[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*$`, []string{"", "a b\n", "\U0001F3AE"}, []string{"\x00", "\uFFFF"}},
		{"escapes by number", `^[\u0031-\u0039][\u0030-\u0039]{0,2}$`, []string{"1", "999"}, []string{"0", "1000"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			re := compilePattern(test.pattern)
			for _, s := range test.yes {
				if !re.MatchString(s) {
					t.Errorf("%q does not match %s", s, test.pattern)
				}
			}
			for _, s := range test.no {
				if re.MatchString(s) {
					t.Errorf("%q matches %s", s, test.pattern)
				}
			}
		})
	}
}

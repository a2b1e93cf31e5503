package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const smallModel = `{"shapes": {
  "x#Service": {"type": "service"},
  "x#PutThing": {"type": "operation", "input": {"target": "x#PutThingRequest"},
    "errors": [{"target": "x#NotFoundException"}, {"target": "x#ConflictException"}]},
  "x#ListThings": {"type": "operation"},
  "x#PutThingRequest": {"type": "structure", "members": {
    "Name": {"target": "x#Name", "traits": {"smithy.api#required": {}}},
    "Parts": {"target": "x#PartMap"},
    "Sizes": {"target": "x#Sizes"},
    "Free": {"target": "smithy.api#String"}}},
  "x#Name": {"type": "string", "traits": {"smithy.api#length": {"min": 1, "max": 9}, "smithy.api#pattern": "^<a>$", "smithy.api#documentation": "long"}},
  "x#PartMap": {"type": "map", "key": {"target": "x#Name"}, "value": {"target": "x#Part"}},
  "x#Part": {"type": "structure", "members": {"Inner": {"target": "x#Part"}, "Kind": {"target": "x#Kind"}}},
  "x#Kind": {"type": "enum"},
  "x#Sizes": {"type": "list", "member": {"target": "x#Size"}, "traits": {"smithy.api#length": {"max": 3}, "smithy.api#sensitive": {}}},
  "x#Size": {"type": "double", "traits": {"smithy.api#range": {"min": 0.125}}},
  "x#NotAnInput": {"type": "string", "traits": {"smithy.api#length": {"min": 1}}}
}}`

const smallTable = `{
"operations": {
"ListThings": [],
"PutThing": ["ConflictException","NotFoundException"]
},
"structures": {
"Part": {"Inner":"Part","Kind":"Kind"},
"PutThingInput": {"Free":"String","Name":"Name!","Parts":"PartMap","Sizes":"Sizes"}
},
"shapes": {
"Name": {"min":1,"max":9,"pattern":"^<a>$"},
"PartMap": {"of":"Part","key":"Name"},
"Size": {"min":0.125},
"Sizes": {"max":3,"sensitive":true,"of":"Size"}
}
}
`

func TestAModelIsReducedToWhatInputsMustFulfil(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "model.json"), filepath.Join(dir, "table.json")
	if err := os.WriteFile(in, []byte(smallModel), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(in, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil || string(got) != smallTable {
		t.Errorf("got %s, %v\nwant %s", got, err, smallTable)
	}
}

func TestWhatIsNoModelIsAnError(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"not JSON": "x", "no operations": `{"shapes":{}}`} {
		in := filepath.Join(dir, "model.json")
		if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(in, filepath.Join(dir, "out.json")); err == nil || !strings.Contains(err.Error(), in) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if err := run("", filepath.Join(dir, "out.json")); err == nil || !strings.Contains(err.Error(), "GAMELIFT_MODEL") {
		t.Errorf("without a model: error is %v", err)
	}
	if err := run(filepath.Join(dir, "absent"), filepath.Join(dir, "out.json")); err == nil {
		t.Error("an absent file is a model")
	}
}

func TestTheCommittedTableIsThatOfTheModel(t *testing.T) {
	const root = "../../../.." // of the repository
	raw, err := os.ReadFile(root + "/../shared/reference/gamelift-2015-10-01.smithy.json")
	if err != nil {
		t.Skip("needs ../shared/reference/gamelift-2015-10-01.smithy.json: not part of a clone")
	}
	table, err := reduce(raw)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../constraints.json")
	if err != nil || !bytes.Equal(committed, table.format()) {
		t.Errorf("constraints.json is not what the generator makes (%v); run go generate", err)
	}
}

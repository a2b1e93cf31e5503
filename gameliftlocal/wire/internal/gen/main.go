// Command gen reduces Amazon's Smithy model of GameLift to the table of constraints
// that package wire checks requests by: names, lengths, ranges, patterns and which
// errors an operation declares. Documentation and output shapes are left out.
//
// The model is not part of this repository. Amazon publishes it as
// models/gamelift/service/2015-10-01/gamelift-2015-10-01.json in the repository
// aws/api-models-aws; the committed table was made from the version of 2 April 2025.
//
//	GAMELIFT_MODEL=path/to/gamelift-2015-10-01.json go generate ./gameliftlocal/wire
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

func main() {
	model := flag.String("model", "", "Amazon's Smithy model of GameLift, JSON")
	out := flag.String("out", "constraints.json", "the table to write")
	flag.Parse()
	if err := run(*model, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(modelPath, outPath string) error {
	if modelPath == "" {
		return errors.New("-model names no file; set GAMELIFT_MODEL when running go generate")
	}
	raw, err := os.ReadFile(modelPath)
	if err != nil {
		return err
	}
	table, err := reduce(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", modelPath, err)
	}
	return os.WriteFile(outPath, table.format(), 0o644)
}

// model is the part of Smithy's JSON form that constraints live in.
type model struct {
	Shapes map[string]modelShape `json:"shapes"`
}

type modelShape struct {
	Type    string             `json:"type"`
	Members map[string]*target `json:"members"`
	Member  *target            `json:"member"`
	Key     *target            `json:"key"`
	Value   *target            `json:"value"`
	Input   *target            `json:"input"`
	Errors  []target           `json:"errors"`
	Traits  traits             `json:"traits"`
}

type target struct {
	Target string `json:"target"`
	Traits traits `json:"traits"`
}

type traits struct {
	Length    *bounds   `json:"smithy.api#length"`
	Range     *bounds   `json:"smithy.api#range"`
	Pattern   string    `json:"smithy.api#pattern"`
	Required  *struct{} `json:"smithy.api#required"`
	Sensitive *struct{} `json:"smithy.api#sensitive"`
}

type bounds struct {
	Min *json.Number `json:"min"`
	Max *json.Number `json:"max"`
}

// table is the reduced form; wire.constraintTable reads it.
type table struct {
	operations map[string][]string          // operation: declared errors, sorted
	structures map[string]map[string]string // structure: member: target, "!" after it if required
	shapes     map[string]shape
}

type shape struct {
	Min       *json.Number `json:"min,omitempty"`
	Max       *json.Number `json:"max,omitempty"`
	Pattern   string       `json:"pattern,omitempty"`
	Sensitive bool         `json:"sensitive,omitempty"`
	Of        string       `json:"of,omitempty"`  // list: element shape; map: value shape
	Key       string       `json:"key,omitempty"` // map: key shape
}

// reduce keeps what is reachable from the operations' inputs.
func reduce(raw []byte) (*table, error) {
	var m model
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	t := &table{map[string][]string{}, map[string]map[string]string{}, map[string]shape{}}
	for id, s := range m.Shapes {
		if s.Type != "operation" {
			continue
		}
		declared := []string{}
		for _, e := range s.Errors {
			declared = append(declared, local(e.Target))
		}
		slices.Sort(declared)
		t.operations[local(id)] = declared
		if s.Input != nil {
			t.addStructure(&m, local(id)+"Input", m.Shapes[s.Input.Target])
		}
	}
	if len(t.operations) == 0 {
		return nil, errors.New("the model has no operations")
	}
	return t, nil
}

// add records the shape id and all it leads to.
func (t *table) add(m *model, id string) {
	name, s := local(id), m.Shapes[id]
	switch s.Type {
	case "structure":
		t.addStructure(m, name, s)
	case "list":
		out := t.leaf(s)
		out.Of = local(s.Member.Target)
		t.shapes[name] = out
		t.add(m, s.Member.Target)
	case "map":
		out := t.leaf(s)
		out.Key, out.Of = local(s.Key.Target), local(s.Value.Target)
		t.shapes[name] = out
		t.add(m, s.Key.Target)
		t.add(m, s.Value.Target)
	default:
		if out := t.leaf(s); out != (shape{}) {
			t.shapes[name] = out
		}
	}
}

// addStructure records a structure under name: an operation's input is named for its
// operation, as in the SDK, whatever the model calls it.
func (t *table) addStructure(m *model, name string, s modelShape) {
	if _, done := t.structures[name]; done {
		return
	}
	members := map[string]string{}
	t.structures[name] = members
	for member, to := range s.Members {
		members[member] = local(to.Target)
		if to.Traits.Required != nil {
			members[member] += "!"
		}
		t.add(m, to.Target)
	}
}

// leaf takes the limits of the shape itself.
func (t *table) leaf(s modelShape) shape {
	out := shape{Pattern: s.Traits.Pattern, Sensitive: s.Traits.Sensitive != nil}
	for _, b := range []*bounds{s.Traits.Length, s.Traits.Range} {
		if b != nil {
			out.Min, out.Max = b.Min, b.Max
		}
	}
	return out
}

// local cuts the namespace: "com.amazonaws.gamelift#FleetId" is "FleetId".
func local(id string) string {
	_, name, _ := strings.Cut(id, "#")
	return name
}

// format writes one entry a line, sorted, so that a newer model makes a readable diff.
func (t *table) format() []byte {
	var b bytes.Buffer
	b.WriteString("{\n")
	section(&b, "operations", t.operations)
	b.WriteString(",\n")
	section(&b, "structures", t.structures)
	b.WriteString(",\n")
	section(&b, "shapes", t.shapes)
	b.WriteString("\n}\n")
	return b.Bytes()
}

func section[V any](b *bytes.Buffer, name string, entries map[string]V) {
	fmt.Fprintf(b, "%q: {", name)
	keys := make([]string, 0, len(entries))
	for k := range entries {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, "\n%q: ", k)
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		// The values are maps, slices and structs of strings: encoding cannot fail.
		_ = enc.Encode(entries[k])
		b.Write(bytes.TrimSpace(line.Bytes()))
	}
	b.WriteString("\n}")
}

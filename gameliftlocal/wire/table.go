package wire

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed constraints.json
var constraintsJSON []byte

// table is what Amazon publishes about requests, by Smithy shape name. It says nothing
// about types: those are the SDK's.
type table struct {
	// Operations holds the exceptions each operation declares, sorted.
	Operations map[string][]string `json:"operations"`
	// Structures holds, by structure and member, the name of the member's shape, with
	// "!" after it where the member is required.
	Structures map[string]map[string]string `json:"structures"`
	// Shapes holds the shapes that limit anything. A shape that is missing does not.
	Shapes map[string]tableShape `json:"shapes"`
}

// tableShape limits a string's length in characters, a number's range, or the size of a
// list or map.
type tableShape struct {
	Min       *float64 `json:"min"`
	Max       *float64 `json:"max"`
	Pattern   string   `json:"pattern"`   // a Java regular expression
	Sensitive bool     `json:"sensitive"` // values are not repeated in error texts
	Of        string   `json:"of"`        // list: shape of the elements; map: of the values
	Key       string   `json:"key"`       // map: shape of the keys
}

// loadTable reads the embedded table with the amendments laid over it.
func loadTable() table {
	var t table
	if err := json.Unmarshal(constraintsJSON, &t); err != nil {
		panic(fmt.Sprintf("wire: constraints.json: %v", err)) // the file is part of the program
	}
	a := amendments()
	maps.Copy(t.Operations, a.Operations)
	maps.Copy(t.Shapes, a.Shapes)
	for name, members := range a.Structures {
		if t.Structures[name] == nil {
			t.Structures[name] = map[string]string{}
		}
		maps.Copy(t.Structures[name], members)
	}
	return t
}

func (t table) operationNames() []string { return slices.Sorted(maps.Keys(t.Operations)) }

// member returns the shape name of a structure's member ("" when nothing is published)
// and whether requests must have it.
func (t table) member(structure, name string) (shape string, required bool) {
	return strings.CutSuffix(t.Structures[structure][name], "!")
}

// refusal is the answer of an operation that is not implemented: an exception it
// declares, so that every client can name it.
func (t table) refusal(operation string) *Error {
	e := &Error{
		Code:    "InvalidRequestException",
		Message: "The operation " + operation + " is not available in the local GameLift service yet.",
	}
	if declared := t.Operations[operation]; !slices.Contains(declared, e.Code) {
		e.Code = declared[0]
	}
	return e
}

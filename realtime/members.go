package realtime

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"muster"
)

// decodeExactly decodes a JSON object into a struct, as REST does: members count by their
// exact names, where encoding/json would take "ticketid" for "ticketId". Those that the
// struct has not are ignored.
func decodeExactly(text []byte, into any) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil {
		return json.Unmarshal(text, into) // which says what is wrong
	}
	known := membersOf(reflect.TypeOf(into).Elem())
	if unknown := unknownTo(known, object); len(unknown) > 0 {
		for _, name := range unknown {
			delete(object, name)
		}
		kept, err := json.Marshal(object)
		if err != nil {
			return err
		}
		text = kept
	}
	return json.Unmarshal(text, into)
}

// refuseUnknown refuses data with members that values of the type have not: a misspelt one
// would ask for something else.
func refuseUnknown(data []byte, of reflect.Type) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return nil //nolint:nilerr // decoding says what is wrong
	}
	known := membersOf(of)
	unknown := unknownTo(known, object)
	if len(unknown) == 0 {
		return nil
	}
	return muster.Errorf(muster.Invalid, "request.unknown_member", "this call has no member %s; it has %s", quoted(unknown), quoted(slices.Sorted(maps.Keys(known))))
}

// unknownTo are the names in an object that are not among the known, sorted.
func unknownTo(known map[string]bool, object map[string]json.RawMessage) []string {
	var unknown []string
	for name := range object {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// membersOf are the names of a struct's members as JSON has them, those of embedded
// structs included.
func membersOf(t reflect.Type) map[string]bool {
	members := make(map[string]bool)
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" {
			members[name] = true
		}
	}
	return members
}

// maxNamed bounds how many names a refusal repeats.
const maxNamed = 20

// quoted writes names as "a", "b" and "c" would stand in a list.
func quoted(names []string) string {
	more := ""
	if len(names) > maxNamed {
		names, more = names[:maxNamed], ", ..."
	}
	return `"` + strings.Join(names, `", "`) + `"` + more
}

package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// exactBody lets huma see only the members of a body that the request has. Without it a
// member whose name differs in case would count: encoding/json, and huma's validation, do
// not tell "displayname" from "displayName". Members that nobody knows are ignored, except
// by requests that are strict.
type exactBody struct {
	humaContext
	body *exactReader
}

func (c *exactBody) Unwrap() huma.Context { return c.humaContext }

func (c *exactBody) BodyReader() io.Reader { return c.body }

// exactMembers is the middleware of an operation whose body is of the type.
func exactMembers(body reflect.Type, op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		exact := &exactReader{from: ctx.BodyReader(), limit: op.bodyLimit, body: body, document: op.ownBody}
		next(&exactBody{huma.WithValue(ctx, exactKey{}, exact), exact})
	}
}

type exactKey struct{}

// refuseUnknown refuses a body that has members which the request has not, however deep: a
// misspelt one would ask for something else, such as a public session.
func refuseUnknown(ctx context.Context) error {
	exact, ok := ctx.Value(exactKey{}).(*exactReader)
	if !ok || len(exact.unknown) == 0 {
		return nil
	}
	first := exact.unknown[0]
	var names []string
	for _, m := range exact.unknown {
		if m.at == first.at {
			names = append(names, m.name)
		}
	}
	within := ""
	if first.at != "" {
		within = " in " + first.at
	}
	p := newProblem(http.StatusBadRequest, "request.unknown_member", "this call has no member "+quoted(names)+within+"; it has "+quoted(slices.Sorted(maps.Keys(first.known))))
	for _, m := range exact.unknown[:min(len(exact.unknown), maxNamed)] {
		p.Errors = append(p.Errors, fault{Location: m.location(), Message: "unknown member"})
	}
	return p
}

// stranger is a member of a body that the request has not.
type stranger struct {
	at    string // where its object stands, such as "teams[0]"; empty: it is the body itself
	name  string
	known map[string]reflect.Type // the members that the object has
}

func (m stranger) location() string {
	if m.at == "" {
		return "body." + m.name
	}
	return "body." + m.at + "." + m.name
}

// exactReader reads a body when it is asked for it, not before: huma sets the time limit
// right before it reads. One goroutine uses it.
type exactReader struct {
	from  io.Reader
	limit int64 // bytes; what is longer is passed on as it is, to be refused
	body  reflect.Type
	// document says that the rules look at the whole body, whatever its members.
	document bool

	isRead  bool
	rest    *bytes.Reader
	err     error      // after rest
	unknown []stranger // the body's own first, then in its order; at most maxStrangers
}

func (r *exactReader) Read(p []byte) (int, error) {
	if !r.isRead {
		r.isRead = true
		text, err := io.ReadAll(io.LimitReader(r.from, r.limit+1))
		r.err = err
		if err == nil && int64(len(text)) <= r.limit {
			text, r.unknown = onlyKnown(text, r.body, "")
		}
		r.rest = bytes.NewReader(text)
	}
	n, err := r.rest.Read(p)
	if err == io.EOF && r.err != nil {
		err = r.err
	}
	return n, err
}

// maxStrangers bounds how many members that nobody knows are remembered of one body.
const maxStrangers = 100

// onlyKnown cuts the members out of a JSON text that a value of the type has not, and names
// them, those of an object before those of what is in it. Text that is no such value comes
// back as it is. at is where the text stands in its body.
func onlyKnown(text []byte, t reflect.Type, at string) (kept []byte, unknown []stranger) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return text, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return cutMembers(text, at, membersOf(t))
	case reflect.Map:
		return cutValues(text, at, t.Elem())
	case reflect.Slice, reflect.Array:
		return cutElements(text, at, t.Elem())
	}
	return text, nil
}

func cutMembers(text []byte, at string, known map[string]reflect.Type) (kept []byte, unknown []stranger) {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil {
		return text, nil
	}
	var inside []stranger
	for _, name := range slices.Sorted(maps.Keys(object)) {
		t, isKnown := known[name]
		if !isKnown {
			unknown = append(unknown, stranger{at, name, known})
			delete(object, name)
			continue
		}
		var more []stranger
		object[name], more = onlyKnown(object[name], t, memberAt(at, name))
		inside = append(inside, more...)
	}
	return encodedRaw(object, text), fewStrangers(append(unknown, inside...))
}

// memberAt is where a member of the object at a place stands.
func memberAt(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func fewStrangers(all []stranger) []stranger { return all[:min(len(all), maxStrangers)] }

// cutValues cuts the values of an object whose keys are the caller's own.
func cutValues(text []byte, at string, t reflect.Type) (kept []byte, unknown []stranger) {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil {
		return text, nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		var more []stranger
		object[name], more = onlyKnown(object[name], t, memberAt(at, name))
		unknown = fewStrangers(append(unknown, more...))
	}
	return encodedRaw(object, text), unknown
}

func cutElements(text []byte, at string, t reflect.Type) (kept []byte, unknown []stranger) {
	var list []json.RawMessage
	if t.Kind() == reflect.Uint8 || json.Unmarshal(text, &list) != nil || list == nil {
		return text, nil
	}
	for i := range list {
		var more []stranger
		list[i], more = onlyKnown(list[i], t, at+"["+strconv.Itoa(i)+"]")
		unknown = fewStrangers(append(unknown, more...))
	}
	return encodedRaw(list, text), unknown
}

// encodedRaw puts parts of a text together again.
func encodedRaw(parts any, text []byte) []byte {
	if whole, err := json.Marshal(parts); err == nil {
		return whole
	}
	return text
}

// membersOf lists the members of a struct as JSON has them, with their types.
func membersOf(t reflect.Type) map[string]reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	members := make(map[string]reflect.Type)
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" || !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		members[name] = f.Type
	}
	return members
}

// quoted writes names as "a", "b" and "c" would stand in a list, at most maxNamed of them.
func quoted(names []string) string {
	more := ""
	if len(names) > maxNamed {
		names, more = names[:maxNamed], ", ..."
	}
	return `"` + strings.Join(names, `", "`) + `"` + more
}

// maxNamed bounds how many names a refusal repeats.
const maxNamed = 20

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

// refuseUnknown refuses a body that has members which the request has not. It looks at
// those of the outermost object: a misspelt one there would ask for something else, such as
// a public session.
func refuseUnknown(ctx context.Context) error {
	exact, ok := ctx.Value(exactKey{}).(*exactReader)
	if !ok {
		return nil
	}
	return unknownMembers("", exact.unknown, exact.body)
}

// refuseUnknownIn does the same to a member that is an object.
func refuseUnknownIn(ctx context.Context, member string) error {
	exact, ok := ctx.Value(exactKey{}).(*exactReader)
	if !ok {
		return nil
	}
	return unknownMembers(member+".", exact.within[member], membersOf(exact.body)[member])
}

// unknownMembers is the refusal of names that an object of the type has not; nil without
// names. at is where the object stands in the body.
func unknownMembers(at string, names []string, t reflect.Type) error {
	if len(names) == 0 {
		return nil
	}
	known := slices.Sorted(maps.Keys(membersOf(t)))
	within := ""
	if at != "" {
		within = " in " + strings.TrimSuffix(at, ".")
	}
	p := newProblem(http.StatusBadRequest, "request.unknown_member", "this call has no member "+quoted(names)+within+"; it has "+quoted(known))
	for _, name := range names {
		p.Errors = append(p.Errors, fault{Location: "body." + at + name, Message: "unknown member"})
	}
	return p
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
	err     error               // after rest
	unknown []string            // names of the outermost object, sorted
	within  map[string][]string // and of the objects that its members are
}

func (r *exactReader) Read(p []byte) (int, error) {
	if !r.isRead {
		r.isRead = true
		text, err := io.ReadAll(io.LimitReader(r.from, r.limit+1))
		r.err = err
		if err == nil && int64(len(text)) <= r.limit {
			var cut []byte
			cut, r.unknown, r.within = onlyKnown(text, r.body)
			text = cut
		}
		r.rest = bytes.NewReader(text)
	}
	n, err := r.rest.Read(p)
	if err == io.EOF && r.err != nil {
		err = r.err
	}
	return n, err
}

// onlyKnown cuts the members out of a JSON text that a value of the type has not, and names
// those of the outermost object, and of the objects that its members are. Text that is no
// such value comes back as it is.
func onlyKnown(text []byte, t reflect.Type) (kept []byte, unknown []string, within map[string][]string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return text, nil, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		known := membersOf(t)
		return cutMembers(text, func(name string) (reflect.Type, bool) {
			member, ok := known[name]
			return member, ok
		})
	case reflect.Map:
		kept, _, _ = cutMembers(text, func(string) (reflect.Type, bool) { return t.Elem(), true })
		return kept, nil, nil
	case reflect.Slice, reflect.Array:
		return cutElements(text, t.Elem()), nil, nil
	}
	return text, nil, nil
}

func cutMembers(text []byte, memberOf func(name string) (reflect.Type, bool)) (kept []byte, unknown []string, within map[string][]string) {
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil {
		return text, nil, nil
	}
	within = make(map[string][]string)
	for name, value := range object {
		t, known := memberOf(name)
		if !known {
			unknown = append(unknown, name)
			delete(object, name)
			continue
		}
		var strangers []string
		if object[name], strangers, _ = onlyKnown(value, t); len(strangers) > 0 {
			within[name] = strangers
		}
	}
	slices.Sort(unknown)
	return encodedRaw(object, text), unknown, within
}

func cutElements(text []byte, t reflect.Type) []byte {
	var list []json.RawMessage
	if t.Kind() == reflect.Uint8 || json.Unmarshal(text, &list) != nil || list == nil {
		return text
	}
	for i := range list {
		list[i], _, _ = onlyKnown(list[i], t)
	}
	return encodedRaw(list, text)
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

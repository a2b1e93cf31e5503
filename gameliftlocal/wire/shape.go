package wire

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// kind says how a Go type of the SDK looks in a tree.
type kind uint8

const (
	kindBool kind = iota
	kindInteger
	kindFloat
	kindString
	kindEnum
	kindInstant
	kindBlob
	kindList
	kindMap
	kindStructure
)

// shape is one type of the SDK together with what the service demands of its values.
// Shapes are built once and then only read.
type shape struct {
	kind   kind
	limits limits
	values []string       // kindEnum: the legal ones, in the SDK's order
	fields []field        // kindStructure: in the SDK's order
	byName map[string]int // kindStructure: index into fields
	key    *shape         // kindMap: the keys
	of     *shape         // kindList: the elements; kindMap: the values
	rules  []rule         // what limits and values demand, ready to check
}

// field is one member of a structure.
type field struct {
	name     string
	index    int // of the struct field
	required bool
	shape    *shape
}

// limits are the constraints of a shape; zero limits nothing.
type limits struct {
	min, max  *float64
	pattern   string         // as Amazon prints it
	matcher   *regexp.Regexp // nil: no pattern
	sensitive bool
}

// shapes builds shapes and keeps them: the same Go type with the same name in the table
// is built once.
type shapes struct {
	table table
	built map[shapeKey]*shape
}

type shapeKey struct {
	goType reflect.Type
	name   string // of the Smithy shape; "": nothing known
}

func newShapes(t table) *shapes {
	return &shapes{table: t, built: map[shapeKey]*shape{}}
}

var (
	timeType = reflect.TypeFor[time.Time]()
	blobType = reflect.TypeFor[[]byte]()
)

// of returns the shape of a Go type (pointers are looked through) under its name in the
// table. It panics on a type that the SDK's GameLift structs do not use.
func (s *shapes) of(t reflect.Type, name string) *shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	key := shapeKey{t, name}
	if done := s.built[key]; done != nil {
		return done
	}
	known := s.table.Shapes[name]
	out := &shape{limits: newLimits(known)}
	defer func() { out.rules = rules(out) }()
	s.built[key] = out // before its parts, in case one leads back here
	switch t {
	case timeType:
		out.kind = kindInstant
	case blobType:
		out.kind = kindBlob
	default:
		s.fill(out, t, known)
	}
	return out
}

func (s *shapes) fill(out *shape, t reflect.Type, known tableShape) {
	switch t.Kind() {
	case reflect.Bool:
		out.kind = kindBool
	case reflect.Int32, reflect.Int64:
		out.kind = kindInteger
	case reflect.Float32, reflect.Float64:
		out.kind = kindFloat
	case reflect.String:
		out.kind = kindString
		if values := enumValues(t); values != nil {
			out.kind, out.values = kindEnum, values
		}
	case reflect.Slice:
		out.kind, out.of = kindList, s.of(t.Elem(), known.Of)
	case reflect.Map:
		out.kind, out.key, out.of = kindMap, s.of(t.Key(), known.Key), s.of(t.Elem(), known.Of)
	case reflect.Struct:
		out.kind = kindStructure
		s.fillStructure(out, t)
	default:
		panic(fmt.Sprintf("wire: the type %v has no form on the wire", t))
	}
}

// fillStructure adds the exported fields but the SDK's own ResultMetadata.
func (s *shapes) fillStructure(out *shape, t reflect.Type) {
	out.byName = map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		name, required := s.table.member(t.Name(), f.Name)
		out.byName[f.Name] = len(out.fields)
		out.fields = append(out.fields, field{
			name: f.Name, index: i, required: required, shape: s.of(f.Type, name),
		})
	}
}

// enumValues asks a string type for its legal values: the SDK's enumerations have a
// method Values. Nil: not an enumeration.
func enumValues(t reflect.Type) []string {
	m, ok := t.MethodByName("Values")
	if !ok {
		return nil
	}
	var out []string
	for _, v := range m.Func.Call([]reflect.Value{reflect.Zero(t)})[0].Seq2() {
		out = append(out, v.String())
	}
	return out
}

func newLimits(known tableShape) limits {
	l := limits{min: known.Min, max: known.Max, pattern: known.Pattern, sensitive: known.Sensitive}
	if known.Pattern != "" {
		l.matcher = compilePattern(known.Pattern)
	}
	return l
}

// javaText stands in three patterns of the model for every character that XML allows.
// Go knows no surrogates: the pairs of them are the characters from U+10000.
const (
	javaText = `\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t`
	goText   = `\x{20}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}\r\n\t`
)

var javaEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// compilePattern translates a pattern of the model. With anchors it must match the whole
// value, even where an alternative lacks one ("^alias-\S+|^arn:...$"): the service
// matches whole values, and such patterns would otherwise forbid nothing. Without
// anchors ("\S") a part is enough.
func compilePattern(java string) *regexp.Regexp {
	p := strings.ReplaceAll(java, javaText, goText)
	p = javaEscape.ReplaceAllString(p, `\x{$1}`)
	if strings.ContainsAny(java, "^$") && !strings.HasPrefix(java, "[^") {
		p = `\A(?:` + p + `)\z`
	}
	return regexp.MustCompile(p)
}

package wire

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fillRandom sets v to something that both protocols can carry: instants in
// milliseconds, finite numbers, no nil elements. Enumerations get a value of their own
// or stay empty.
func fillRandom(t *rapid.T, v reflect.Value) {
	switch {
	case v.Type() == timeType:
		// Not the zero time, which stands for an absent one.
		ms := rapid.Int64Range(1, 4e12).Draw(t, "ms")
		v.Set(reflect.ValueOf(time.UnixMilli(ms).UTC()))
		return
	case v.Type() == blobType:
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "blob"))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int32")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int64"))
	case reflect.Float32:
		v.SetFloat(float64(rapid.OneOf(rapid.Float32(), rapid.Just[float32](math.MaxFloat32)).Draw(t, "float32")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float64"))
	case reflect.String:
		if values := enumValues(v.Type()); values != nil {
			v.SetString(rapid.SampledFrom(append(values, "")).Draw(t, "enum"))
			return
		}
		v.SetString(rapid.StringN(0, 4, -1).Draw(t, "string"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			fillRandom(t, v.Elem())
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 2).Draw(t, "length"); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fillRandom(t, v.Index(i))
			}
		}
	case reflect.Map:
		if n := rapid.IntRange(-1, 2).Draw(t, "entries"); n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				e := reflect.New(v.Type().Elem()).Elem()
				fillRandom(t, e)
				v.SetMapIndex(reflect.ValueOf(rapid.StringN(0, 4, -1).Draw(t, "key")), e)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
				fillRandom(t, v.Field(i))
			}
		}
	default:
		t.Fatalf("no random %v", v.Type())
	}
}

// Lists of enumerations cannot hold the empty value, which encodes as null, so those of
// a filled struct are mended.
func dropEmptyEnums(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			dropEmptyEnums(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				dropEmptyEnums(v.Field(i))
			}
		}
	case reflect.Slice:
		values := enumValues(v.Type().Elem())
		for i := range v.Len() {
			if e := v.Index(i); values != nil && e.String() == "" {
				e.SetString(values[0])
			} else {
				dropEmptyEnums(e)
			}
		}
	}
}

func TestEveryStructureOfTheSDKSurvivesBothProtocols(t *testing.T) {
	shapes := newShapes(loadTable())
	for _, op := range sdkOperations() {
		for _, typ := range []reflect.Type{op.input, op.output} {
			t.Run(typ.Name(), func(t *testing.T) {
				s := shapes.of(typ, typ.Name())
				rapid.Check(t, func(t *rapid.T) {
					want := reflect.New(typ)
					fillRandom(t, want.Elem())
					dropEmptyEnums(want)
					for _, p := range []protocol{jsonProtocol, cborProtocol} {
						survives(t, p, s, want)
					}
				})
			})
		}
	}
}

// survives encodes and decodes the struct that want points to.
func survives(t *rapid.T, p protocol, s *shape, want reflect.Value) {
	body, err := p.encode(s, want.Interface())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := p.parse(body)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	got := reflect.New(want.Type().Elem())
	if err := (decoder{p}).decode(got.Elem(), s, tree, ""); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if !reflect.DeepEqual(got.Interface(), want.Interface()) {
		t.Fatalf("protocol %d: got %+v\nwant %+v\nbody %s", p, got.Elem(), want.Elem(), body)
	}
}

func TestNumbersThatAreNoneAreNotSent(t *testing.T) {
	shapes := newShapes(loadTable())
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		out := struct{ N *float64 }{&bad}
		s := shapes.of(reflect.TypeOf(out), "")
		for _, p := range []protocol{jsonProtocol, cborProtocol} {
			if body, err := p.encode(s, &out); err == nil {
				t.Errorf("%v was sent as %q", bad, body)
			}
		}
	}
}

func TestWhatIsLeftOutOfAnAnswer(t *testing.T) {
	out := struct {
		Unset    *string
		Empty    []string
		Nothing  []string
		Zero     *int32
		At       *time.Time
		ZeroTime *time.Time
		F        *float32
		hidden   int
	}{Empty: []string{}, Zero: new(int32), At: new(time.UnixMilli(1469498468057)), ZeroTime: new(time.Time), F: new(float32(0.1)), hidden: 1}
	got, err := jsonProtocol.encode(newShapes(loadTable()).of(reflect.TypeOf(out), ""), &out)
	want := `{"At":1469498468.057,"Empty":[],"F":0.1,"Zero":0}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

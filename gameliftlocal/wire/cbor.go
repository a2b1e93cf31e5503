package wire

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// The major types of CBOR. Source: RFC 8949, section 3.1.
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// What the low five bits of an initial byte mean. Source: RFC 8949, sections 3 and 3.3.
const (
	infoOneByte    = 24 // the argument is in the next byte; 25: two, 26: four, 27: eight
	infoEightBytes = 27
	infoIndefinite = 31 // a break ends the item

	simpleFalse     = 20
	simpleTrue      = 21
	simpleNull      = 22
	simpleUndefined = 23
	simpleFloat16   = 25
	simpleFloat32   = 26
	simpleFloat64   = 27

	breakByte = 0xff
	tagEpoch  = 1
)

var (
	errNotCBOR     = errors.New("the body is not CBOR")
	errUnknownTag  = errors.New("the body holds a CBOR tag other than 1 (an instant)")
	errBadInstant  = errors.New("the body holds an instant that is not a number of seconds")
	errKeyNotText  = errors.New("the body holds a map key that is not text")
	errNotCBORText = errors.New("the body holds a text in parts of another type")
)

// parseCBOR reads a CBOR map into a tree: as much of RFC 8949 as Smithy RPC v2 uses,
// with definite and indefinite lengths.
func parseCBOR(body []byte) (map[string]any, error) {
	p := cborParser{rest: body}
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if len(p.rest) > 0 {
		return nil, errTrailing
	}
	if m, ok := root.(map[string]any); ok {
		return m, nil
	}
	return nil, errNotMap
}

type cborParser struct {
	rest   []byte
	values int // seen so far
}

// head reads an initial byte and its argument. indefinite: there is none, a break will
// come. For major type 7 the argument holds the bits of a float.
func (p *cborParser) head() (major, info byte, arg uint64, err error) {
	if len(p.rest) == 0 {
		return 0, 0, 0, errTruncated
	}
	major, info = p.rest[0]>>5, p.rest[0]&0x1f
	p.rest = p.rest[1:]
	switch {
	case info < infoOneByte:
		return major, info, uint64(info), nil
	case info <= infoEightBytes:
		size := 1 << (info - infoOneByte)
		if len(p.rest) < size {
			return 0, 0, 0, errTruncated
		}
		var wide [8]byte
		copy(wide[8-size:], p.rest)
		p.rest = p.rest[size:]
		return major, info, binary.BigEndian.Uint64(wide[:]), nil
	case info == infoIndefinite && major >= majorBytes && major <= majorMap:
		return major, info, 0, nil
	}
	return 0, 0, 0, errNotCBOR
}

func (p *cborParser) value(depth int) (any, error) {
	if p.values++; p.values > maxValues {
		return nil, errTooMany
	}
	major, info, arg, err := p.head()
	if err != nil {
		return nil, err
	}
	switch major {
	case majorUint, majorNegative:
		return cborInteger(major, arg)
	case majorBytes:
		return p.str(major, info, arg)
	case majorText:
		return p.text(info, arg)
	case majorSimple:
		return cborSimple(info, arg)
	}
	if depth++; depth > maxDepth {
		return nil, errTooDeep
	}
	switch major {
	case majorArray:
		return p.array(info, arg, depth)
	case majorMap:
		return p.object(info, arg, depth)
	default:
		return p.tagged(arg, depth)
	}
}

func cborInteger(major byte, arg uint64) (any, error) {
	if arg > math.MaxInt64 {
		return nil, errNumberRange
	}
	if major == majorNegative {
		return -1 - int64(arg), nil
	}
	return int64(arg), nil
}

func cborSimple(info byte, arg uint64) (any, error) {
	switch info {
	case simpleFalse, simpleTrue:
		return info == simpleTrue, nil
	case simpleNull, simpleUndefined:
		return nil, nil
	case simpleFloat16:
		return float16(uint16(arg)), nil
	case simpleFloat32:
		return float64(math.Float32frombits(uint32(arg))), nil
	case simpleFloat64:
		return math.Float64frombits(arg), nil
	}
	return nil, errNotCBOR
}

// float16 widens an IEEE 754 half. Source: RFC 8949, appendix D.
func float16(bits uint16) float64 {
	exponent, mantissa := int(bits>>10&0x1f), float64(bits&0x3ff)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(mantissa, -24)
	case 31:
		if f = math.Inf(1); mantissa != 0 {
			return math.NaN()
		}
	default:
		f = math.Ldexp(mantissa+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		return -f
	}
	return f
}

// str reads the bytes of a byte or text string, which may come in parts.
func (p *cborParser) str(major, info byte, arg uint64) ([]byte, error) {
	if info != infoIndefinite {
		if arg > uint64(len(p.rest)) {
			return nil, errTruncated
		}
		s := slices.Clone(p.rest[:arg])
		p.rest = p.rest[arg:]
		return s, nil
	}
	s := []byte{}
	for !p.atBreak() {
		if p.values++; p.values > maxValues {
			return nil, errTooMany
		}
		partMajor, partInfo, partArg, err := p.head()
		if err != nil {
			return nil, err
		}
		if partMajor != major || partInfo == infoIndefinite {
			return nil, errNotCBORText
		}
		if partArg > uint64(len(p.rest)) {
			return nil, errTruncated
		}
		s = append(s, p.rest[:partArg]...)
		p.rest = p.rest[partArg:]
	}
	return s, nil
}

func (p *cborParser) text(info byte, arg uint64) (string, error) {
	s, err := p.str(majorText, info, arg)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(s) {
		return "", errNotUTF8
	}
	return string(s), nil
}

// atBreak eats a break, if one comes next.
func (p *cborParser) atBreak() bool {
	if len(p.rest) > 0 && p.rest[0] == breakByte {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

// more says whether a collection has another item: i are read, of n if its length is
// definite. Each call after a false one is wrong.
func (p *cborParser) more(info byte, i, n uint64) bool {
	if info == infoIndefinite {
		return !p.atBreak()
	}
	return i < n
}

func (p *cborParser) array(info byte, n uint64, depth int) (any, error) {
	list := []any{}
	for i := uint64(0); p.more(info, i, n); i++ {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (p *cborParser) object(info byte, n uint64, depth int) (any, error) {
	m := map[string]any{}
	for i := uint64(0); p.more(info, i, n); i++ {
		major, keyInfo, arg, err := p.head()
		if err != nil {
			return nil, err
		}
		if major != majorText {
			return nil, errKeyNotText
		}
		key, err := p.text(keyInfo, arg)
		if err != nil {
			return nil, err
		}
		if _, twice := m[key]; twice {
			return nil, errDuplicate
		}
		if m[key], err = p.value(depth); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// tagged reads what follows a tag. Smithy RPC v2 uses only tag 1.
func (p *cborParser) tagged(tag uint64, depth int) (any, error) {
	v, err := p.value(depth)
	if err != nil {
		return nil, err
	}
	if tag != tagEpoch {
		return nil, errUnknownTag
	}
	seconds, ok := v.(float64)
	if whole, isWhole := v.(int64); isWhole {
		seconds, ok = float64(whole), true
	}
	if !ok {
		return nil, errBadInstant
	}
	at, ok := instantAt(seconds)
	if !ok {
		return nil, errNumberRange
	}
	return at, nil
}

// appendCBOR appends the encoding of a tree, map keys sorted. A value of a type that
// trees do not hold is a mistake of encodeStruct, so appendCBOR panics on it.
func appendCBOR(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, majorSimple<<5|simpleNull)
	case bool:
		if v {
			return append(b, majorSimple<<5|simpleTrue)
		}
		return append(b, majorSimple<<5|simpleFalse)
	case int64:
		if v < 0 {
			return appendHead(b, majorNegative, uint64(-1-v))
		}
		return appendHead(b, majorUint, uint64(v))
	case float32:
		return binary.BigEndian.AppendUint32(append(b, majorSimple<<5|simpleFloat32), math.Float32bits(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, majorSimple<<5|simpleFloat64), math.Float64bits(v))
	case string:
		// Text must be UTF-8; what is not comes from no client, and JSON would replace it too.
		v = strings.ToValidUTF8(v, "\ufffd")
		return append(appendHead(b, majorText, uint64(len(v))), v...)
	case []byte:
		return append(appendHead(b, majorBytes, uint64(len(v))), v...)
	case instant:
		return appendCBOR(appendHead(b, majorTag, tagEpoch), v.seconds())
	case []any:
		b = appendHead(b, majorArray, uint64(len(v)))
		for _, e := range v {
			b = appendCBOR(b, e)
		}
		return b
	case map[string]any:
		b = appendHead(b, majorMap, uint64(len(v)))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b = appendCBOR(appendCBOR(b, k), v[k])
		}
		return b
	}
	panic("wire: a tree holds a value of an unknown type")
}

// appendHead appends an initial byte with the shortest form of its argument.
func appendHead(b []byte, major byte, arg uint64) []byte {
	switch {
	case arg < infoOneByte:
		return append(b, major<<5|byte(arg))
	case arg <= math.MaxUint8:
		return append(b, major<<5|infoOneByte, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major<<5|(infoOneByte+1)), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major<<5|(infoOneByte+2)), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(b, major<<5|infoEightBytes), arg)
}

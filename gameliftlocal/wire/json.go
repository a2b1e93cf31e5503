package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// What a request may hold, in either protocol. The deepest input of GameLift has about
// ten levels, and the largest of practical use (a backfill of 199 players with all their
// attributes) some ten thousand values.
const (
	maxDepth  = 32
	maxValues = 100_000
)

var (
	errTooDeep     = fmt.Errorf("the body is nested more than %d levels deep", maxDepth)
	errTooMany     = fmt.Errorf("the body holds more than %d values", maxValues)
	errNotMap      = errors.New("the body is not a map of members")
	errNotUTF8     = errors.New("the body holds text that is not UTF-8")
	errTrailing    = errors.New("the body goes on after its end")
	errTruncated   = errors.New("the body ends early")
	errDuplicate   = errors.New("the body names a member twice")
	errNumberRange = errors.New("the body holds a number out of range")
)

// parseJSON reads a JSON object into a tree. Integers that fit become int64, all other
// numbers float64.
func parseJSON(body []byte) (map[string]any, error) {
	if !utf8.Valid(body) {
		return nil, errNotUTF8
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	p := jsonParser{d, 0}
	root, err := p.value(0)
	if err != nil {
		return nil, jsonError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	if m, ok := root.(map[string]any); ok {
		return m, nil
	}
	return nil, errNotMap
}

type jsonParser struct {
	tokens *json.Decoder
	values int // seen so far
}

func (p *jsonParser) value(depth int) (any, error) {
	token, err := p.tokens.Token()
	if err != nil {
		return nil, err
	}
	if p.values++; p.values > maxValues {
		return nil, errTooMany
	}
	switch t := token.(type) {
	case json.Delim:
		if depth++; depth > maxDepth {
			return nil, errTooDeep
		}
		if t == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case json.Number:
		return jsonNumber(t)
	default: // nil, bool, string
		return t, nil
	}
}

func (p *jsonParser) object(depth int) (any, error) {
	m := map[string]any{}
	for p.tokens.More() {
		token, err := p.tokens.Token()
		if err != nil {
			return nil, err
		}
		// The decoder lets nothing but a string stand for a key.
		key, _ := token.(string)
		if _, twice := m[key]; twice {
			return nil, errDuplicate
		}
		if m[key], err = p.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := p.tokens.Token() // the closing brace
	return m, err
}

func (p *jsonParser) array(depth int) (any, error) {
	list := []any{}
	for p.tokens.More() {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := p.tokens.Token() // the closing bracket
	return list, err
}

func jsonNumber(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, errNumberRange
	}
	return f, nil
}

// jsonError hides the decoder's own words, which speak of Go.
func jsonError(err error) error {
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return fmt.Errorf("the body is not JSON at byte %d", syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return err
}

// marshalJSON writes a tree as AWS JSON 1.1: instants as seconds with milliseconds,
// blobs as base64, keys sorted.
func marshalJSON(tree map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(tree); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// instant is a time in a tree.
type instant time.Time

// MarshalJSON writes Unix seconds with up to three decimals: 1469498468.057.
func (t instant) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, t.seconds(), 'f', -1, 64), nil
}

// seconds are Unix seconds, cut to milliseconds as Amazon's services answer.
func (t instant) seconds() float64 { return float64(time.Time(t).UnixMilli()) / 1000 }

// The instants that a request may name: the years 1 to 9999.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

// instantAt is the instant at Unix seconds, rounded to milliseconds; false: out of range
// or not a number.
func instantAt(seconds float64) (instant, bool) {
	if !(seconds >= minSeconds && seconds <= maxSeconds) {
		return instant{}, false
	}
	return instant(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()), true
}

package gameliftlocal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxPage caps a page where Amazon publishes no maximum (our choice).
const maxPage = 100

// tokenTagBytes of a digest bind a NextToken to its listing.
const tokenTagBytes = 12

// listing names what is being paged: the operation and those of its parameters that
// choose the items. A token of one listing is refused by every other.
type listing struct {
	scope []string
	limit *int32  // nil: max
	token *string // nil: from the start
	max   int     // 0: maxPage
}

// page sorts items by key, which must be unique, and cuts the page out that l asks
// for. next is nil on the last page. It changes the order of items in place.
func page[T any](l listing, items []T, key func(T) string) (out []T, next *string, err error) {
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	start := 0
	if l.token != nil {
		after, ok := l.open(*l.token)
		if !ok {
			return nil, nil, invalid("NextToken is not one that this request was given.")
		}
		start, _ = slices.BinarySearchFunc(items, after, func(item T, after string) int {
			if key(item) <= after {
				return -1
			}
			return 1
		})
	}
	items = items[start:]
	size := l.max
	if size == 0 {
		size = maxPage
	}
	if l.limit != nil {
		size = min(size, int(*l.limit))
	}
	if len(items) <= size {
		return items, nil, nil
	}
	return items[:size], new(l.seal(key(items[size-1]))), nil
}

func (l listing) tag() []byte {
	sum := sha256.Sum256([]byte(strings.Join(l.scope, "\x00")))
	return sum[:tokenTagBytes]
}

// seal makes the token that continues after a key. Tokens guard against mistakes,
// not against forgery: whoever may list may list from anywhere.
func (l listing) seal(after string) string {
	return base64.RawURLEncoding.EncodeToString(append(l.tag(), after...))
}

func (l listing) open(token string) (after string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < tokenTagBytes || string(raw[:tokenTagBytes]) != string(l.tag()) {
		return "", false
	}
	return string(raw[tokenTagBytes:]), true
}

// byAge is a sort key: by instant, then by id.
func byAge(at time.Time, id string) string {
	return at.UTC().Format("20060102150405.000000000") + "/" + id
}

// ordinal is a sort key for things that are in order already.
func ordinal(i int) string { return fmt.Sprintf("%012d", i) }

// stamp names an optional instant in a listing's scope.
func stamp(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

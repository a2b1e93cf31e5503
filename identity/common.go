package identity

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // to name entries of a list that is public
	_ "embed"
	"sort"
	"strings"
	"unicode"
)

// commonPasswords is the built-in list, as scripts/common-passwords makes it.
//
//go:embed common/passwords.bin
var commonPasswords []byte

// commonSize is how much of a hash an entry of the list has, in bytes.
const commonSize = 6

// CommonPasswords are the passwords that are tried first everywhere, some 28,000. What
// only differs from one by case, or by digits and signs around it, counts as one.
type CommonPasswords struct{}

// Breached looks the password up.
func (CommonPasswords) Breached(_ context.Context, password string) (bool, error) {
	lower := strings.ToLower(password)
	bare := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	return isCommon(password) || isCommon(lower) || isCommon(bare), nil
}

func isCommon(password string) bool {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // as above
	entry := func(i int) []byte { return commonPasswords[i*commonSize : (i+1)*commonSize] }
	total := len(commonPasswords) / commonSize
	at := sort.Search(total, func(i int) bool { return bytes.Compare(entry(i), sum[:commonSize]) >= 0 })
	return at < total && bytes.Equal(entry(at), sum[:commonSize])
}

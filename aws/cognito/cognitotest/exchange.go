package cognitotest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// groupSize is the size of the group in bits.
const groupSize = 3072

// groupPrime computes the prime by its formula, with pi from Machin's, so that it is not a
// copy of the one tested: 2^3072 - 2^3008 - 1 + 2^64 * (floor(2^2942 * pi) + 1690314).
// Source: RFC 3526, section 4.
func groupPrime() *big.Int {
	const guard = 64
	one := new(big.Int).Lsh(big.NewInt(1), 2942+guard)
	arctan := func(x int64) *big.Int {
		sum, term := new(big.Int), new(big.Int).Quo(one, big.NewInt(x))
		square := big.NewInt(x * x)
		for n := int64(1); term.Sign() != 0; n += 2 {
			part := new(big.Int).Quo(term, big.NewInt(n))
			if n%4 == 1 {
				sum.Add(sum, part)
			} else {
				sum.Sub(sum, part)
			}
			term.Quo(term, square)
		}
		return sum
	}
	pi := new(big.Int).Mul(arctan(5), big.NewInt(16))
	pi.Sub(pi, new(big.Int).Mul(arctan(239), big.NewInt(4))).Rsh(pi, guard)

	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	prime := new(big.Int).Sub(power(groupSize), power(groupSize-64))
	prime.Sub(prime, big.NewInt(1))
	return prime.Add(prime, new(big.Int).Lsh(pi.Add(pi, big.NewInt(1690314)), 64))
}

// exchange is the server's half of a password proof.
type exchange struct {
	user  string
	key   []byte
	salt  string
	b     string // hexadecimal
	block string // base64
}

func newExchange(user, password, clientValue string) (*exchange, error) {
	n := groupPrime()
	a, ok := new(big.Int).SetString(clientValue, 16)
	if !ok || new(big.Int).Mod(a, n).Sign() == 0 {
		return nil, errors.New("SRP_A is not a number of the group")
	}
	_, poolName, _ := strings.Cut(PoolID, "_")
	random := func(size int) *big.Int {
		raw := make([]byte, size)
		_, _ = rand.Read(raw) // never fails
		return new(big.Int).SetBytes(raw)
	}
	g, salt, secret := big.NewInt(2), random(16), random(32)
	inner := sha256.Sum256([]byte(poolName + user + ":" + password))
	x := digest(hexOf(salt) + hex.EncodeToString(inner[:]))
	verifier := new(big.Int).Exp(g, x, n)
	k := digest(hexOf(n) + hexOf(g))
	b := new(big.Int).Exp(g, secret, n)
	b.Add(b, k.Mul(k, verifier)).Mod(b, n)
	u := digest(hexOf(a) + hexOf(b))
	shared := new(big.Int).Exp(verifier, u, n)
	shared.Mul(shared, a).Exp(shared, secret, n)

	return &exchange{
		user: poolName + user, key: derive(u, shared), salt: salt.Text(16), b: b.Text(16),
		block: base64.StdEncoding.EncodeToString(random(64).Bytes()),
	}, nil
}

// hexOf writes a number with an even number of digits, and a zero byte before a high bit.
func hexOf(n *big.Int) string {
	text := n.Text(16)
	if len(text)%2 == 1 {
		return "0" + text
	}
	if strings.ContainsRune("89abcdef", rune(text[0])) {
		return "00" + text
	}
	return text
}

func digest(text string) *big.Int {
	raw, err := hex.DecodeString(text)
	if err != nil {
		panic(fmt.Sprintf("cognitotest: %q is not hexadecimal", text))
	}
	sum := sha256.Sum256(raw)
	return new(big.Int).SetBytes(sum[:])
}

func derive(u, shared *big.Int) []byte {
	sum := func(key []byte, text string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	raw := func(n *big.Int) []byte {
		b, _ := hex.DecodeString(hexOf(n)) // hexOf writes whole bytes
		return b
	}
	return sum(sum(raw(u), string(raw(shared))), "Caldera Derived Key\x01")[:16]
}

// proves says that a signature is that of the password, made just now.
func (e *exchange) proves(timestamp, signature string, now time.Time) bool {
	at, err := time.Parse("Mon Jan 2 15:04:05 UTC 2006", timestamp)
	if err != nil || at.Sub(now).Abs() > 5*time.Minute {
		return false
	}
	block, err := base64.StdEncoding.DecodeString(e.block)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, e.key)
	mac.Write([]byte(e.user + string(block) + timestamp))
	return signature == base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

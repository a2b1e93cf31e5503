// Package srp is the client's half of the password proof that Amazon Cognito user pools
// call USER_SRP_AUTH: the password is proven and never sent.
//
// Begin with [New]; send [Exchange.A]; give what the pool answers with to
// [Exchange.Answer], once. The package sends nothing itself. Cognito gives no proof of its own
// in return, as the protocol has it: that the pool is Amazon's is what TLS says.
//
// It is Secure Remote Password 6a (RFC 5054) with the 3072-bit group, SHA-256, and
// Cognito's own way of turning the shared number into a key: HKDF (RFC 5869) cut to 16
// bytes. Source: amazon-cognito-identity-js, AuthenticationHelper; held to two
// implementations by others in the tests.
//
// Numbers are math/big's, whose time depends on their values. The exponent is new for
// every exchange and is used twice.
package srp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// prime is the 3072-bit group of RFC 5054, appendix A.
const prime = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD1" +
	"29024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
	"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245" +
	"E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D" +
	"C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F" +
	"83655D23DCA3AD961C62F356208552BB9ED529077096966D" +
	"670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
	"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9" +
	"DE2BCBF6955817183995497CEA956AE515D2261898FA0510" +
	"15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64" +
	"ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
	"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6B" +
	"F12FFA06D98A0864D87602733EC86A64521F2B18177B200C" +
	"BBE117577A615D6C770988C0BAD946E208E24FA074E5AB31" +
	"43DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"

// exponentBytes is the size of the client's exponent, as Amazon's own clients draw it.
const exponentBytes = 128

// Bounds of what a pool sends, in characters. A pool sends some 32, 768 and 1,600.
const (
	maxSalt  = 256
	maxB     = 1024
	maxBlock = 8192
)

// timestampLayout is how the instant of an answer is written: English, UTC, the day
// without a leading zero. Source: amazon-cognito-identity-js, DateHelper.
const timestampLayout = "Mon Jan 2 15:04:05 UTC 2006"

// Errors of Answer, all of which mean that the other side is no Cognito.
var (
	ErrPublicValue = errors.New("srp: the pool's public value is no number of the group")
	ErrScrambler   = errors.New("srp: the two public values hash to zero")
	ErrMalformed   = errors.New("srp: the challenge cannot be read")
)

// group holds the numbers of the group; they do not change.
type group struct{ n, g, k *big.Int }

func newGroup() group {
	n, _ := new(big.Int).SetString(prime, 16) // a constant
	g := big.NewInt(2)
	return group{n, g, hashNumber(padded(n), padded(g))}
}

// Exchange is one password proof, from the client's side. It is not safe for concurrent
// use.
type Exchange struct {
	group
	a, public *big.Int
}

// New draws the secret of an exchange. random is cryptographically strong.
func New(random io.Reader) (*Exchange, error) {
	secret := make([]byte, exponentBytes)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("draw an exponent: %w", err)
	}
	e := &Exchange{group: newGroup(), a: new(big.Int).SetBytes(secret)}
	e.public = new(big.Int).Exp(e.g, e.a, e.n)
	if e.public.Cmp(big.NewInt(1)) <= 0 { // a is 0, or as good as
		return nil, errors.New("srp: the random source gave zeros")
	}
	return e, nil
}

// A is the client's public value, SRP_A, in hexadecimal.
func (e *Exchange) A() string { return e.public.Text(16) }

// Challenge is what a pool answers to A with: the parameters of PASSWORD_VERIFIER.
type Challenge struct {
	Salt        string // SALT, hexadecimal
	B           string // SRP_B, hexadecimal
	SecretBlock string // SECRET_BLOCK, base64
	UserID      string // USER_ID_FOR_SRP
}

// Answer is what proves the password to the pool.
type Answer struct {
	Signature string // PASSWORD_CLAIM_SIGNATURE, base64
	Timestamp string // TIMESTAMP
}

// Answer proves a password. poolName is the part of the pool's id behind the underscore.
// It gives up on public values by which a false server could learn of the password
// (RFC 5054, section 2.5.4).
func (e *Exchange) Answer(poolName, password string, c Challenge, now time.Time) (Answer, error) {
	block, err := base64.StdEncoding.DecodeString(c.SecretBlock)
	if err != nil || len(c.SecretBlock) > maxBlock || c.UserID == "" {
		return Answer{}, ErrMalformed
	}
	salt, b, err := c.numbers()
	if err != nil {
		return Answer{}, err
	}
	if b.Cmp(e.n) >= 0 || b.Sign() == 0 {
		return Answer{}, ErrPublicValue
	}
	u := hashNumber(padded(e.public), padded(b))
	if u.Sign() == 0 {
		return Answer{}, ErrScrambler
	}
	credential := sha256.Sum256([]byte(poolName + c.UserID + ":" + password))
	x := hashNumber(padded(salt), credential[:])

	mac := hmac.New(sha256.New, sessionKey(u, e.shared(b, u, x)))
	timestamp := now.UTC().Format(timestampLayout)
	for _, part := range [][]byte{[]byte(poolName), []byte(c.UserID), block, []byte(timestamp)} {
		mac.Write(part)
	}
	return Answer{base64.StdEncoding.EncodeToString(mac.Sum(nil)), timestamp}, nil
}

// numbers reads the hexadecimal members of a challenge.
func (c Challenge) numbers() (salt, b *big.Int, err error) {
	salt, saltOK := fromHex(c.Salt, maxSalt)
	b, bOK := fromHex(c.B, maxB)
	if !saltOK || !bOK {
		return nil, nil, ErrMalformed
	}
	return salt, b, nil
}

// shared is the number that both sides come to: (B - k*g^x)^(a + u*x) mod N.
func (e *Exchange) shared(b, u, x *big.Int) *big.Int {
	base := new(big.Int).Exp(e.g, x, e.n)
	base.Mul(base, e.k).Sub(b, base).Mod(base, e.n)
	exponent := new(big.Int).Mul(u, x)
	exponent.Add(exponent, e.a)
	return base.Exp(base, exponent, e.n)
}

// sessionKey derives the 16 bytes that sign an answer: HKDF with the scrambler as salt.
func sessionKey(u, shared *big.Int) []byte {
	extract := hmac.New(sha256.New, padded(u))
	extract.Write(padded(shared))
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte("Caldera Derived Key\x01"))
	return expand.Sum(nil)[:16]
}

// padded is how a number enters a hash: big-endian, with a zero byte in front where the
// first bit is set, as Java's BigInteger writes it. Zero is one zero byte.
func padded(n *big.Int) []byte {
	raw := n.Bytes()
	if len(raw) == 0 || raw[0]&0x80 != 0 {
		return append([]byte{0}, raw...)
	}
	return raw
}

func hashNumber(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

// fromHex reads a number that is not negative, of up to limit digits, an odd number of
// them included.
func fromHex(text string, limit int) (*big.Int, bool) {
	if text == "" || len(text) > limit {
		return nil, false
	}
	if len(text)%2 == 1 {
		text = "0" + text
	}
	raw, err := hex.DecodeString(text)
	return new(big.Int).SetBytes(raw), err == nil
}

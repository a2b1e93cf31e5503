package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"muster"
)

// HashOptions say what a password's hash costs, and how much of that at once. The zero
// value of each means its default.
type HashOptions struct {
	MemoryKiB uint32 // of one hash; 19 MiB (OWASP Password Storage Cheat Sheet)
	Passes    uint32 // over that memory; 2
	AtOnce    int    // hashes that are computed at the same time; cores less one, at least 1
	Queue     int    // callers that wait for their turn; 32 for each of AtOnce
}

// Bounds of what a stored hash may ask for.
const (
	maxHashMemory = 1 << 20 // KiB
	maxHashPasses = 64
	saltBytes     = 16
	hashBytes     = 32
)

// PasswordHasher computes Argon2id (RFC 9106), a bounded number at a time.
type PasswordHasher struct {
	params   hashParams
	slots    chan struct{}
	waiting  atomic.Int64
	maxQueue int64
	random   io.Reader
	derive   func(password, salt []byte, p hashParams) []byte // counts in tests
}

// hashParams are the costs that a hash was made with. Parallelism is 1: the cores serve
// others meanwhile.
type hashParams struct {
	memoryKiB, passes uint32
}

// NewPasswordHasher makes a hasher; random is where salts come from.
func NewPasswordHasher(o HashOptions, random io.Reader) *PasswordHasher {
	if o.MemoryKiB == 0 {
		o.MemoryKiB = 19 << 10
	}
	if o.Passes == 0 {
		o.Passes = 2
	}
	if o.AtOnce <= 0 {
		o.AtOnce = max(1, runtime.NumCPU()-1)
	}
	if o.Queue <= 0 {
		o.Queue = 32 * o.AtOnce
	}
	return &PasswordHasher{
		params: hashParams{o.MemoryKiB, o.Passes}, slots: make(chan struct{}, o.AtOnce),
		maxQueue: int64(o.Queue), random: random, derive: argon2id,
	}
}

func argon2id(password, salt []byte, p hashParams) []byte {
	return argon2.IDKey(password, salt, p.passes, p.memoryKiB, 1, hashBytes)
}

// busyRetry is what those hear whom the queue has no room for.
const busyRetry = 2 * time.Second

// compute derives one hash when it is its turn. Whoever finds the queue full is refused at
// once.
func (h *PasswordHasher) compute(ctx context.Context, password, salt []byte, p hashParams) ([]byte, error) {
	if h.waiting.Add(1) > h.maxQueue+int64(cap(h.slots)) {
		h.waiting.Add(-1)
		return nil, &muster.Error{
			Kind: muster.Exhausted, Code: "password.busy", Message: "too many passwords are being checked: try again", RetryAfter: busyRetry,
		}
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	return h.derive(password, salt, p), nil // it cannot be interrupted, and takes tens of milliseconds
}

// hash makes what is kept of a password: a PHC string with the costs in it.
func (h *PasswordHasher) hash(ctx context.Context, password string) ([]byte, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	sum, err := h.compute(ctx, []byte(password), salt, h.params)
	if err != nil {
		return nil, err
	}
	return encodePHC(h.params, salt, sum), nil
}

// verify says whether a password is the one of a hash, and whether it should be hashed
// anew because costs have risen. Without a hash it costs as much and is never right.
func (h *PasswordHasher) verify(ctx context.Context, password string, phc []byte) (right, outdated bool, err error) {
	params, salt, want := h.params, make([]byte, saltBytes), make([]byte, hashBytes)
	if len(phc) > 0 {
		if params, salt, want, err = parsePHC(string(phc)); err != nil {
			return false, false, err
		}
	}
	got, err := h.compute(ctx, []byte(password), salt, params)
	if err != nil {
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(got, want) == 1 && len(phc) > 0
	return right, right && (params.memoryKiB < h.params.memoryKiB || params.passes < h.params.passes), nil
}

// encodePHC writes a hash as the password hashing competition's string format has it.
func encodePHC(p hashParams, salt, sum []byte) []byte {
	b64 := base64.RawStdEncoding
	return fmt.Appendf(nil, "$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s",
		argon2.Version, p.memoryKiB, p.passes, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

var errPHC = errors.New("what is kept of a password is not an Argon2id hash of ours")

func parsePHC(text string) (p hashParams, salt, sum []byte, err error) {
	part := strings.Split(text, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errPHC
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=1", &p.memoryKiB, &p.passes); err != nil {
		return p, nil, nil, errPHC
	}
	if part[3] != fmt.Sprintf("m=%d,t=%d,p=1", p.memoryKiB, p.passes) ||
		p.memoryKiB < 8 || p.memoryKiB > maxHashMemory || p.passes < 1 || p.passes > maxHashPasses {
		return p, nil, nil, errPHC
	}
	if salt, err = base64.RawStdEncoding.DecodeString(part[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, errPHC
	}
	if sum, err = base64.RawStdEncoding.DecodeString(part[5]); err != nil || len(sum) != hashBytes {
		return p, nil, nil, errPHC
	}
	return p, salt, sum, nil
}

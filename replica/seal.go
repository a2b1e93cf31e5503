package replica

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A message between replicas is a line of JSON, the header, and behind it what AES-256-GCM
// makes of the notices. The key follows from the shared secret and the sender, the header
// is authenticated with the rest. Nobody else can write, read, redirect, repeat or delay a
// message: the notices hold seats, which are worth stealing.

// header says from whom a message is, for whom, and which it is.
type header struct {
	Format int    `json:"v"`
	Secret string `json:"secret"` // id
	From   string `json:"from"`
	To     string `json:"to"`
	Seq    int64  `json:"seq"` // ascending for each pair of replicas
	At     int64  `json:"at"`  // milliseconds since 1970, by the sender's clock
	// URL is where the sender takes notices, for a replica that has not heard of it yet. None:
	// an older version sent it.
	URL string `json:"url,omitempty"`
}

const (
	sealFormat     = 1
	maxHeaderBytes = 1 << 10
	// window is how far apart two replicas' clocks may be, the way included.
	window = 30 * time.Second
)

// errSealed is the answer to whatever is not to be believed. It does not say why.
var errSealed = errors.New("the message is not from a replica of ours, or not for this one, or not of now")

// gate seals what goes out and opens what comes in. It is safe for concurrent use.
type gate struct {
	self    member
	secrets func() []Secret

	mu   sync.Mutex // guards what follows
	seq  int64      // of the last message that was sealed
	seen map[string]arrival
}

// arrival is the last message of a sender.
type arrival struct {
	seq int64
	at  time.Time // when it was taken in, by our clock
}

func newGate(self member, secrets func() []Secret) *gate {
	return &gate{self: self, secrets: secrets, seen: make(map[string]arrival)}
}

// aead is the cipher for what a replica sends. A replica's id is never used twice, so
// neither is its key.
func aead(secret []byte, from string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "notices from "+from, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal makes a message for another replica.
func (g *gate) seal(to string, now time.Time, plain []byte) ([]byte, error) {
	secrets := g.secrets()
	if len(secrets) == 0 {
		return nil, errors.New("seal a message: there is no secret")
	}
	g.mu.Lock()
	g.seq++
	head := header{Format: sealFormat, Secret: secrets[0].ID, From: g.self.ID, To: to, Seq: g.seq, At: now.UnixMilli(), URL: g.self.URL}
	g.mu.Unlock()
	line, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode a header: %w", err)
	}
	box, err := aead(secrets[0].Key, g.self.ID)
	if err != nil {
		return nil, fmt.Errorf("seal a message: %w", err)
	}
	line = append(line, '\n')
	return box.Seal(line, nil, plain, line), nil
}

// open checks a message and returns what is in it and whose it is. Each message opens
// once.
func (g *gate) open(now time.Time, message []byte) (from member, plain []byte, err error) {
	end := bytes.IndexByte(message[:min(len(message), maxHeaderBytes)], '\n') + 1
	head, err := g.look(now, message[:end])
	if err != nil {
		return member{}, nil, err
	}
	return g.unseal(now, head, message[:end], message[end:])
}

// look checks what a header says, line by itself: enough to turn away at once whoever does
// not know what replicas know, and not enough to believe the rest.
func (g *gate) look(now time.Time, line []byte) (header, error) {
	var head header
	if len(line) == 0 || json.Unmarshal(line, &head) != nil || head.Format != sealFormat || head.From == "" || head.To != g.self.ID {
		return header{}, errSealed
	}
	age := now.Sub(time.UnixMilli(head.At))
	if age > window || age < -window || !slices.ContainsFunc(g.secrets(), func(s Secret) bool { return s.ID == head.Secret }) {
		return header{}, errSealed
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if head.Seq <= g.seen[head.From].seq {
		return header{}, errSealed
	}
	return head, nil
}

// unseal opens what came behind the line of a header that look has passed.
func (g *gate) unseal(now time.Time, head header, line, sealed []byte) (from member, plain []byte, err error) {
	for _, s := range g.secrets() {
		if s.ID != head.Secret {
			continue
		}
		box, err := aead(s.Key, head.From)
		if err != nil {
			return member{}, nil, errSealed
		}
		plain, err := box.Open(nil, nil, sealed, line)
		if err != nil || !g.first(head, now) {
			return member{}, nil, errSealed
		}
		return member{ID: head.From, URL: head.URL}, plain, nil
	}
	return member{}, nil, errSealed
}

// first says that an authentic message is newer than all that its sender sent before, and
// remembers it. A sender of whom nothing came for longer than any message is believed is
// forgotten.
func (g *gate) first(head header, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if head.Seq <= g.seen[head.From].seq {
		return false
	}
	for id, a := range g.seen {
		if now.Sub(a.at) > 3*window {
			delete(g.seen, id)
		}
	}
	g.seen[head.From] = arrival{head.Seq, now}
	return true
}

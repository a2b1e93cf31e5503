package identity

import (
	"crypto/sha256"
	"sync"
	"time"

	"muster"
)

// verifiedTokens remembers access tokens that were checked, so that the next call with one
// costs a hash instead of a signature. What it says holds until the token ends or the keys
// change; whether a token was revoked is asked after it, every time.
//
// It forgets in halves: when the newer half is full the older one goes. Only good tokens are
// in it, so nobody fills it with others. It is safe for concurrent use.
type verifiedTokens struct {
	mu    sync.Mutex // guards what follows
	keys  *keyMark   // by which they were checked
	young map[tokenHash]verifiedToken
	old   map[tokenHash]verifiedToken
}

type tokenHash [sha256.Size]byte

// verifiedToken is whose a token is, and when it ends.
type verifiedToken struct {
	caller muster.Caller
	end    time.Time
}

// halfOfTokens bounds each half, some 8 MB.
const halfOfTokens = 32 << 10

// find is whom a token was found to speak for; ok is false when it has to be checked.
func (v *verifiedTokens) find(keys *Keys, hash tokenHash, now time.Time) (c muster.Caller, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys != keys.mark {
		return muster.Caller{}, false
	}
	known, ok := v.young[hash]
	if !ok {
		if known, ok = v.old[hash]; ok {
			v.put(hash, known)
		}
	}
	return known.caller, ok && now.Before(known.end)
}

// keep remembers a token that was checked by a set of keys.
func (v *verifiedTokens) keep(keys *Keys, hash tokenHash, c muster.Caller, end time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys != keys.mark {
		v.keys, v.young, v.old = keys.mark, nil, nil
	}
	v.put(hash, verifiedToken{c, end})
}

// put adds to the newer half; mu is held.
func (v *verifiedTokens) put(hash tokenHash, t verifiedToken) {
	if v.young == nil || len(v.young) >= halfOfTokens {
		v.young, v.old = make(map[tokenHash]verifiedToken), v.young
	}
	v.young[hash] = t
}

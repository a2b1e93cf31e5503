package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
	"muster/mail"
)

// desk is Passwords over the rules, with everything counted that somebody outside could
// measure.
type desk struct {
	*Passwords
	site  *site
	rules *muster.Backend
	store *countingStore
	post  *postbox

	mu     sync.Mutex
	hashes []hashParams // guarded by mu; the costs of each that was computed
}

// quickly stands for Argon2id where a test is not about it.
func quickly(password, salt []byte, p hashParams) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%x %x %v", password, salt, p))
	return sum[:]
}

func newDesk(t testing.TB, change func(*PasswordOptions)) *desk {
	t.Helper()
	d := &desk{site: newSite(t), post: &postbox{}}
	d.store = &countingStore{Store: d.site.store}
	d.rules = muster.New(muster.Options{
		Store: d.store, Notifier: silent{}, Now: d.site.clock, NewID: d.site.nextID, Log: slog.New(slog.DiscardHandler),
		TakeBackMails: func(ctx context.Context, owner muster.MailOwner, before time.Time) error {
			return errors.Join(d.TakeBackCodes(ctx, owner, before), d.post.takeBack(ctx, owner, before))
		},
	})
	hasher := NewPasswordHasher(HashOptions{}, rand.Reader)
	hasher.derive = func(password, salt []byte, p hashParams) []byte {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.hashes = append(d.hashes, p)
		return quickly(password, salt, p)
	}
	so := d.site.options()
	so.Accounts, so.Store, so.Guard, so.Linker = d.rules, d.store, d.rules, d.rules
	factors := NewFactors(FactorOptions{
		Accounts: d.rules, Store: d.store, Outbox: d.post, Game: "Tower Clash", Now: d.site.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Seal: NewFactorSeal(FactorSealOptions{
			Store: d.store, Keys: d.site.keys, NewID: d.site.nextID, Now: d.site.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		}),
	})
	so.Providers = map[string]Provider{muster.EmailProvider: EmailProvider{Accounts: d.rules, Hasher: hasher, Factors: factors}}
	d.site.Service = New(so)
	o := PasswordOptions{
		Service: d.site.Service, Accounts: d.rules, Outbox: d.post, Hasher: hasher,
		Codes:  NewMailCodes(d.site.keys, d.site.clock, "https://game.example/account"),
		Policy: PasswordPolicy{Words: []string{"Tower Clash"}, Breached: []Breached{CommonPasswords{}}},
		Log:    slog.New(slog.DiscardHandler), Factors: factors,
	}
	if change != nil {
		change(&o)
	}
	d.Passwords = NewPasswords(o)
	return d
}

const (
	annMail  = "ann@example.com"
	annWords = "four words of mine"
)

// signUp makes the player of an address.
func (d *desk) signUp(t testing.TB, email, password string) muster.Grant {
	t.Helper()
	sent, err := d.Register(context.Background(), email, password)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	grant, err := d.Verify(context.Background(), muster.MailProof{ID: sent.ID, Code: d.code(t, sent.ID)}, "")
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return grant.Grant
}

// opening is the sign-in that Ann's password is good for now.
func (d *desk) opening(t testing.TB) opening {
	t.Helper()
	way, err := d.rules.FindWay(context.Background(), emailIdentity(annMail))
	if err != nil {
		t.Fatal(err)
	}
	return holder{Way: way, id: emailIdentity(annMail)}.opening(d.site.instant())
}

// code is what the mail of a request says.
func (d *desk) code(t testing.TB, id string) string {
	t.Helper()
	code, _, err := d.codes.Reveal(id)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// token is what its link says.
func (d *desk) token(t testing.TB, id string) string {
	t.Helper()
	_, link, err := d.codes.Reveal(id)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "#token=")
	return token
}

// caller is who a grant speaks for.
func (d *desk) caller(t testing.TB, grant muster.Grant) muster.Caller {
	t.Helper()
	caller, err := d.site.Verify(context.Background(), grant.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// work is what a call did that takes time.
type work struct {
	hashes, gets, lists, writes, ops, letters int
}

// measure tells what work does.
func (d *desk) measure(do func()) work {
	d.mu.Lock()
	hashes := len(d.hashes)
	d.mu.Unlock()
	before, letters := d.store.counted(), len(d.post.all())
	do()
	after := d.store.counted()
	return work{
		len(d.hashes) - hashes, after.gets - before.gets, after.lists - before.lists,
		after.writes - before.writes, after.ops - before.ops, len(d.post.all()) - letters,
	}
}

// postbox is an outbox that remembers letters once they are durable and sent.
type postbox struct {
	mu      sync.Mutex
	letters []mail.Letter // guarded by mu
	posted  int           // guarded by mu
	fail    error         // every Post answers so, if set
	real    *mail.Outbox  // takes letters instead, if set
}

func (p *postbox) Post(l mail.Letter) (muster.Op, func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posted++
	if p.real != nil {
		return p.real.Post(l)
	}
	op := muster.Op{Kind: muster.Put, Key: muster.Key{Partition: "MAIL", Sort: fmt.Sprint(p.posted)}, Value: []byte("{}")}
	return op, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.letters = append(p.letters, l)
	}, p.fail
}

func (p *postbox) all() []mail.Letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]mail.Letter(nil), p.letters...)
}

func (p *postbox) takeBack(ctx context.Context, owner muster.MailOwner, before time.Time) error {
	if p.real == nil {
		return nil
	}
	return p.real.TakeBack(ctx, owner, before)
}

// forget drops the letters so far.
func (p *postbox) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letters = nil
}

// last is the newest letter.
func (p *postbox) last(t testing.TB) mail.Letter {
	t.Helper()
	all := p.all()
	if len(all) == 0 {
		t.Fatal("no letter was posted")
	}
	return all[len(all)-1]
}

// countingStore counts what is asked of a store.
type countingStore struct {
	muster.Store
	mu sync.Mutex
	n  work // guarded by mu
}

func (s *countingStore) count(change func(*work)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.n)
}

func (s *countingStore) counted() work {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *countingStore) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	s.count(func(w *work) { w.gets++ })
	return s.Store.Get(ctx, key)
}

func (s *countingStore) List(ctx context.Context, partition string, o muster.ListOptions) ([]muster.Record, error) {
	s.count(func(w *work) { w.lists++ })
	return s.Store.List(ctx, partition, o)
}

func (s *countingStore) Write(ctx context.Context, ops ...muster.Op) error {
	s.count(func(w *work) { w.writes++; w.ops += len(ops) })
	return s.Store.Write(ctx, ops...)
}

// deleteAccount deletes a player as they would do it.
func (d *desk) deleteAccount(t testing.TB, p muster.PlayerID) {
	t.Helper()
	if err := d.rules.DeleteAccount(context.Background(), p); err != nil {
		t.Fatal(err)
	}
}

// silent is a notifier whom nobody hears.
type silent struct{}

func (silent) Notify(context.Context, ...muster.Notice) {}

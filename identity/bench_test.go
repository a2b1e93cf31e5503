package identity_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"muster"
	"muster/identity"
	"muster/store/sqlite"
)

// clients is how many sign in at the same time; each waits for its answer.
const clients = 64

// deaf is a Notifier whom nobody hears.
type deaf struct{}

func (deaf) Notify(context.Context, ...muster.Notice) {}

// open is a Service over the rules and a file on the disk.
func open(b *testing.B) *identity.Service {
	b.Helper()
	store, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "muster.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	keys, err := identity.NewKeys(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	newID := func() string { return uuid.Must(uuid.NewV7()).String() }
	rules := muster.New(muster.Options{Store: store, Notifier: deaf{}, Now: time.Now, NewID: newID, Log: slog.New(slog.DiscardHandler)})
	return identity.New(identity.Options{
		Accounts: rules, Store: store, Keys: keys, Guard: rules, Issuer: "https://play.example", Audience: "muster",
		Now: time.Now, NewID: newID, Random: rand.Reader,
	})
}

// serve lets the clients do work until b.N calls are made, and reports calls a second.
func serve(b *testing.B, work func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	used := processorTime()
	for range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := work(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64((processorTime()-used).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkSignIn(b *testing.B) {
	ctx := muster.WithClient(context.Background(), muster.Client{UserAgent: "Game/1.2"})
	b.Run("new", func(b *testing.B) {
		s := open(b)
		serve(b, func(int) error { _, err := s.Guest(ctx, nil); return err })
	})
	b.Run("known", func(b *testing.B) {
		s := open(b)
		guests := make([]*muster.Guest, 2000)
		var ready sync.WaitGroup
		for first := range clients {
			ready.Go(func() {
				for i := first; i < len(guests); i += clients {
					grant, err := s.Guest(ctx, nil)
					if err != nil {
						b.Error(err)
						return
					}
					guests[i] = grant.Guest
				}
			})
		}
		ready.Wait()
		serve(b, func(i int) error { _, err := s.Guest(ctx, guests[i%len(guests)]); return err })
	})
}

func BenchmarkVerify(b *testing.B) {
	ctx := context.Background()
	s := open(b)
	tokens := make([]string, 1000)
	for i := range tokens {
		grant, err := s.Guest(ctx, nil)
		if err != nil {
			b.Fatal(err)
		}
		tokens[i] = grant.AccessToken
	}
	spent := func(b *testing.B) func() {
		used := processorTime()
		return func() { b.ReportMetric(float64((processorTime()-used).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op") }
	}
	b.Run("ed25519", func(b *testing.B) { // the signature alone: what a check cannot be faster than
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		message := []byte(tokens[0][:len(tokens[0])-87])
		signature := ed25519.Sign(private, message)
		defer spent(b)()
		for b.Loop() {
			if !ed25519.Verify(public, message, signature) {
				b.Fatal("refused")
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		defer spent(b)()
		for i := 0; b.Loop(); i++ {
			identity.ForgetVerified(s)
			if _, err := s.Verify(ctx, tokens[i%len(tokens)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		defer spent(b)()
		for i := 0; b.Loop(); i++ {
			if _, err := s.Verify(ctx, tokens[i%len(tokens)]); err != nil {
				b.Fatal(strconv.Itoa(i), err)
			}
		}
	})
}

package muster_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster"
)

// readStore counts the sessions that are read one by one.
type readStore struct {
	muster.Store
	sessions atomic.Int64
}

func (s *readStore) Get(ctx context.Context, key muster.Key) (muster.Record, error) {
	if strings.HasPrefix(key.Partition, "GS#") {
		s.sessions.Add(1)
	}
	return s.Store.Get(ctx, key)
}

// browsed is a rig with so many open sessions, made by game servers, the first the oldest.
func browsed(t *testing.T, n int) (*rig, *readStore, []muster.SessionID) {
	t.Helper()
	ctx := context.Background()
	reads := &readStore{}
	r := newRigWith(false, func(o *muster.Options) {
		reads.Store, o.Store = o.Store, reads
		o.Modes = append(o.Modes, muster.Mode{Name: "lobby", Kind: muster.Queue, Sessions: &muster.SessionOptions{
			Queue: "lobbies", MaxPlayers: 1, Create: muster.CreateByServers, Browse: true, Spectators: 1,
		}})
	})
	var ids []muster.SessionID
	for range n {
		made := r.serverSession(t, muster.SessionRequest{Mode: "lobby"})
		if err := r.deliverPlaced(); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, must[muster.SessionPlacementView](t)(r.ServerPlacement(ctx, made.ID)).SessionID)
		r.clock.advance(time.Second)
	}
	return r, reads, ids
}

func TestAPageOfSessionsReadsFew(t *testing.T) {
	ctx := context.Background()
	t.Run("who wants to play, no full ones", func(t *testing.T) {
		r, reads, ids := browsed(t, 60)
		for i, id := range ids[1:] {
			must[muster.SeatView](t)(r.JoinSession(ctx, r.guest(fmt.Sprint(i)), id, muster.JoinRequest{}))
		}
		reads.sessions.Store(0)
		page := must[muster.SessionPage](t)(r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", HasRoom: true, Limit: 20}))
		if len(page.Sessions) != 1 || page.Sessions[0].ID != ids[0] || page.Next != "" {
			t.Errorf("found are %+v, want the oldest alone", page)
		}
		if n := reads.sessions.Load(); n != 1 {
			t.Errorf("%d sessions were read", n)
		}
		watch := must[muster.SessionPage](t)(r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", Limit: 50}))
		if len(watch.Sessions) != 50 || watch.Next == "" {
			t.Errorf("%d sessions can be watched, then %q", len(watch.Sessions), watch.Next)
		}
		if err := r.RemovePlayer(ctx, ids[7], playerOf(t, r, ids[7])); err != nil {
			t.Fatal(err)
		}
		page = must[muster.SessionPage](t)(r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", HasRoom: true, Limit: 20}))
		if len(page.Sessions) != 2 || page.Sessions[0].ID != ids[7] {
			t.Errorf("once a place is free, found are %+v", page.Sessions)
		}
	})
	t.Run("who wants any, no more than a page", func(t *testing.T) {
		r, reads, _ := browsed(t, 60)
		reads.sessions.Store(0)
		page := must[muster.SessionPage](t)(r.OpenSessions(ctx, muster.SessionQuery{Mode: "lobby", Limit: 10}))
		if n := reads.sessions.Load(); len(page.Sessions) != 10 || n != 10 {
			t.Errorf("for %d sessions %d were read", len(page.Sessions), n)
		}
	})
	t.Run("where rows are of sessions that are gone, a page may be short", func(t *testing.T) {
		r, reads, ids := browsed(t, 450)
		for _, id := range ids[1:] {
			if err := r.store.Write(ctx, muster.Op{Kind: muster.Delete, Key: muster.Key{Partition: "GS#" + string(id), Sort: "META"}, Version: muster.AnyVersion}); err != nil {
				t.Fatal(err)
			}
		}
		q := muster.SessionQuery{Mode: "lobby", HasRoom: true, Limit: 20}
		var found []muster.SessionView
		for pages := 1; ; pages++ {
			reads.sessions.Store(0)
			page := must[muster.SessionPage](t)(r.OpenSessions(ctx, q))
			if n := reads.sessions.Load(); n > 200 {
				t.Errorf("page %d read %d sessions", pages, n)
			}
			found = append(found, page.Sessions...)
			if q.After = page.Next; q.After == "" {
				break
			}
			if pages == 10 {
				t.Fatal("the list has no end")
			}
		}
		if len(found) != 1 || found[0].ID != ids[0] {
			t.Errorf("found are %v", found)
		}
	})
}

// playerOf is who plays in a session.
func playerOf(t *testing.T, r *rig, id muster.SessionID) muster.PlayerID {
	t.Helper()
	for _, p := range must[muster.ServerSessionView](t)(r.ServerSession(context.Background(), id)).Players {
		return p.PlayerID
	}
	t.Fatal("nobody is in the session")
	return ""
}

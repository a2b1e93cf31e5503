package model

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"muster"
)

// ways is a world of few identities and many who want them.
type ways struct {
	*world
	known []muster.PlayerID // who ever signed in, some of them gone since
	busy  []muster.PlayerID // whom something is done to, of late: much should happen to few at once
}

// wayProviders are the providers besides guest. Each has waySubjects subjects.
var wayProviders = []string{"acme", "steam", "epic"}

const waySubjects = 4

// usualWays are the seeds of a normal run, and lookEvery is after how many steps everything
// is looked at.
const (
	usualWays = 100
	lookEvery = 5
)

// actions are what players do with their ways in, and what befalls them.
func (v *ways) actions() []action {
	ctx := context.Background()
	gone := []muster.Kind{muster.NotFound, muster.Denied, muster.Conflict}
	mine := []action{
		{"somebody signs in", 20, func(_ *world, r *replica) { v.signInBy(r, v.anyIdentity(true)) }},
		{"somebody links", 24, func(_ *world, r *replica) { v.link(r) }},
		{"somebody unlinks", 12, func(_ *world, r *replica) {
			p, provider := v.anyone(), wayProviders[v.rand.IntN(len(wayProviders))]
			if v.rand.IntN(4) == 0 {
				provider = muster.GuestProvider
			}
			v.quietly(func() bool {
				_, err := r.Unlink(ctx, p, provider, v.rand.IntN(2) == 0)
				v.allow(err, "unlink", gone...)
				v.count(err, "unlinks")
				return err == nil
			}, func() {
				a := v.census().accounts()[p]
				if slices.ContainsFunc(a.Identities, func(id muster.Identity) bool { return id.Provider == provider }) {
					v.fail("%s was unlinked from %s and is there", provider, p)
				}
			})
		}},
		{"somebody merges", 8, func(_ *world, r *replica) { v.merge(r) }},
		{"somebody is banned", 3, func(_ *world, r *replica) {
			p := v.anyone()
			v.quietly(func() bool {
				_, err := r.Ban(ctx, p, muster.BanRequest{Reason: "cheats", Until: v.now.Add(time.Duration(1+v.rand.IntN(60)) * time.Minute)})
				v.allow(err, "ban", muster.NotFound, muster.Conflict) // of who is merged
				v.count(err, "bans")
				return err == nil
			}, func() {
				v.calm = true
				defer func() { v.calm = false }()
				if err := r.Admit(ctx, p, muster.SignInRef{}); muster.KindOf(err) != muster.Denied {
					v.allow(err, "admit", muster.Unavailable)
					if err == nil {
						v.fail("%s is banned and let in", p)
					}
				}
			})
		}},
		{"a ban is lifted", 2, func(_ *world, r *replica) {
			v.allow(r.Unban(ctx, v.anyone()), "unban", muster.NotFound, muster.Conflict)
		}},
		{"everyone is signed out", 2, func(_ *world, r *replica) { v.signEveryoneOut(r) }},
		{"revocations are learned", 4, func(_ *world, r *replica) {
			if v.acting == 1 { // a process looks once at a time
				v.allow(r.LearnRevocations(ctx), "learn")
			}
		}},
		{"somebody is deleted", 2, func(_ *world, r *replica) {
			err := r.DeleteAccount(ctx, v.anyone())
			v.allow(err, "delete", gone...)
			v.count(err, "deletions")
		}},
		{"somebody has data", 5, func(_ *world, r *replica) {
			v.allow(r.SetAttributes(ctx, v.anyone(), map[string]any{"level": v.rand.IntN(100)}), "write data", gone...)
		}},
		{"somebody takes a name", 4, func(_ *world, r *replica) {
			name := []string{"Ann", "Bert", "Cora", "Dora", "Emma"}[v.rand.IntN(5)] // no two are alike
			_, err := r.UpdateProfile(ctx, v.anyone(), muster.ProfileChange{DisplayName: &name}, muster.Precondition{})
			v.allow(err, "rename", gone...)
		}},
		{"somebody queues", 5, func(_ *world, r *replica) {
			_, _, err := r.StartTicket(ctx, v.anyone(), muster.TicketRequest{Mode: "duel"}, "")
			v.allow(err, "queue", append(gone, muster.Invalid)...)
		}},
		{"somebody stops playing", 12, func(_ *world, r *replica) { v.stopPlaying(r, v.anyone()) }},
		{"somebody makes a party", 3, func(_ *world, r *replica) {
			_, err := r.CreateParty(ctx, v.anyone(), muster.PartySettings{})
			v.allow(err, "make a party", gone...)
		}},
		{"who is gone is erased", 8, func(_ *world, r *replica) { v.allow(r.ErasePlayers(ctx), "erase") }},
	}
	return append(mine, timeActions()...)
}

// signEveryoneOut ends all sign-ins; none of before is good again, neither where it was asked
// nor at a replica that looks or starts later.
func (v *ways) signEveryoneOut(r *replica) {
	ctx := context.Background()
	old := muster.Caller{Player: v.anyone(), Scope: muster.PlayerScope, Family: "old", SignedInAt: v.now.Add(-time.Hour)} // clocks differ by less
	v.quietly(func() bool {
		_, err := r.SignOutEveryone(ctx)
		v.allow(err, "sign everyone out")
		v.count(err, "ends of all sign-ins")
		return err == nil
	}, func() {
		v.calm = true
		defer func() { v.calm = false }()
		for _, other := range v.replicas {
			if other = other.alive(); other != r && other.LearnRevocations(ctx) != nil {
				continue // its store does not answer
			}
			if other.Revoked(old) == nil {
				v.fail("a sign-in from before everyone was signed out is good at %s", other.name)
			}
		}
	})
}

func (v *ways) anyone() muster.PlayerID {
	if len(v.known) == 0 {
		return "nobody"
	}
	if len(v.busy) > 1 && v.rand.IntN(3) > 0 {
		return v.busy[v.rand.IntN(len(v.busy))]
	}
	p := v.known[v.rand.IntN(len(v.known))]
	v.busy = append(v.busy[max(0, len(v.busy)-2):], p)
	return p
}

func (v *ways) anyIdentity(guests bool) muster.Identity {
	id := muster.Identity{Provider: wayProviders[v.rand.IntN(len(wayProviders))], Subject: fmt.Sprint(v.rand.IntN(waySubjects))}
	if guests && v.rand.IntN(3) == 0 {
		id = muster.Identity{Provider: muster.GuestProvider, Subject: fmt.Sprint(v.rand.IntN(3 * waySubjects))}
	}
	return id
}

func (v *ways) count(err error, what string) {
	if err == nil {
		v.counts[what]++
	}
}

// quietly checks what an acknowledged change led to, if nothing else happened meanwhile.
func (v *ways) quietly(change func() bool, check func()) {
	alone, meanwhiles := v.acting == 1, v.counts["meanwhiles"]
	if change() && alone && v.counts["meanwhiles"] == meanwhiles {
		v.counts["quiet changes"]++
		check()
	}
}

// leads fails unless an identity leads to a player.
func (v *ways) leads(id muster.Identity, p muster.PlayerID, after string) {
	all := v.census()
	if got := all[muster.Key{Partition: "ID#" + id.Provider + "#" + id.Subject, Sort: "ID"}]["player"]; got != string(p) {
		v.fail("after %s %v leads to %v, not to %s", after, id, got, p)
	}
}

func (v *ways) signInBy(r *replica, id muster.Identity) {
	var p muster.PlayerID
	v.quietly(func() (done bool) {
		var err error
		p, _, err = r.EnsurePlayer(context.Background(), id, []byte("hash"))
		v.allow(err, "sign in", muster.Denied)
		v.count(err, "sign-ins")
		return err == nil
	}, func() { v.leads(id, p, "a sign-in") })
	if p != "" && !slices.Contains(v.known, p) {
		v.known = append(v.known, p)
	}
}

func (v *ways) link(r *replica) {
	p, id := v.anyone(), v.anyIdentity(false)
	v.quietly(func() bool {
		view, err := r.Link(context.Background(), p, id, []byte("new"))
		v.allow(err, "link", muster.NotFound, muster.Denied, muster.Conflict)
		v.count(err, "links")
		if err == nil && view.Guest != nil {
			v.counts["new secrets"]++
		}
		return err == nil
	}, func() { v.leads(id, p, "a link") })
}

// merge merges two players, as far as the other lets itself be proven.
func (v *ways) merge(r *replica) {
	ctx := context.Background()
	into, from := v.anyone(), v.anyone()
	if v.rand.IntN(2) == 0 {
		v.stopPlaying(r, from)
	}
	view, err := r.Links(ctx, from)
	if err != nil || into == from {
		return
	}
	v.quietly(func() bool {
		_, err := r.Merge(ctx, into, from, []byte("new"))
		v.allow(err, "merge", muster.NotFound, muster.Denied, muster.Conflict)
		v.count(err, "merges")
		return err == nil
	}, func() {
		for _, l := range view.Links {
			if id := (muster.Identity{Provider: l.Provider, Subject: l.Subject}); l.Provider != muster.GuestProvider {
				v.leads(id, into, "a merge")
			}
		}
	})
}

// stopPlaying lets a player leave whatever they are in.
func (v *ways) stopPlaying(r *replica, p muster.PlayerID) {
	ctx := context.Background()
	kinds := []muster.Kind{muster.NotFound, muster.Conflict, muster.Denied}
	snap, err := r.Snapshot(ctx, p)
	v.allow(err, "look", kinds...)
	if err == nil && snap.Ticket != nil {
		_, err := r.CancelTicket(ctx, p, snap.Ticket.ID)
		v.allow(err, "cancel", kinds...)
	}
	if err == nil && snap.Seat != nil {
		v.allow(r.LeaveSession(ctx, p), "leave a session", kinds...)
	}
	v.allow(r.LeaveParty(ctx, p), "leave a party", kinds...)
}

// accountFact is an account as it is stored.
type accountFact struct {
	ID         muster.PlayerID
	Status     string
	Identities []muster.Identity
	Merged     []struct{ ID muster.PlayerID }
	MergedInto muster.PlayerID
}

func (a *accountFact) closed() bool { return a.Status == "merged" || a.Status == "deleted" }

// accounts reads all accounts out of the store's records.
func (c census) accounts() map[muster.PlayerID]*accountFact {
	all := map[muster.PlayerID]*accountFact{}
	for key, value := range c {
		if !strings.HasPrefix(key.Partition, "P#") || key.Sort != "A" {
			continue
		}
		text, err := json.Marshal(value)
		var a accountFact
		if err == nil {
			err = json.Unmarshal(text, &a)
		}
		if err != nil {
			panic(err)
		}
		all[a.ID] = &a
	}
	return all
}

// checkWays checks, at any moment, that identities and accounts agree: an identity leads to
// the one account that lists it, nobody has none but who is gone, and who is gone has none.
func (w *world) checkWays() {
	all := w.census()
	accounts := all.accounts()
	lists := map[string]muster.PlayerID{}
	for _, p := range slices.Sorted(maps.Keys(accounts)) {
		a := accounts[p]
		providers := map[string]bool{}
		for _, id := range a.Identities {
			key := "ID#" + id.Provider + "#" + id.Subject
			if other, twice := lists[key]; twice {
				w.fail("%v is listed by %s and %s", id, other, p)
			}
			if providers[id.Provider] {
				w.fail("%s has two identities of %s", p, id.Provider)
			}
			lists[key], providers[id.Provider] = p, true
			if all[muster.Key{Partition: key, Sort: "ID"}]["player"] != string(p) {
				w.fail("%s lists %v, which leads elsewhere", p, id)
			}
		}
		if a.closed() != (len(a.Identities) == 0) {
			w.fail("%s is %q with %d ways in", p, a.Status, len(a.Identities))
		}
		for _, m := range a.Merged {
			if part := accounts[m.ID]; part == nil || part.Status != "merged" || part.MergedInto != p {
				w.fail("%s lists %s as merged, which is %+v", p, m.ID, part)
			}
		}
		if a.Status == "merged" {
			whole := accounts[a.MergedInto]
			if whole == nil || whole.closed() || !slices.ContainsFunc(whole.Merged, func(m struct{ ID muster.PlayerID }) bool { return m.ID == p }) {
				w.fail("%s is merged into %s, which is %+v", p, a.MergedInto, whole)
			}
		}
	}
	for key, value := range all {
		if strings.HasPrefix(key.Partition, "ID#") && lists[key.Partition] == "" {
			w.fail("%s leads to %v, who does not list it", key.Partition, value["player"])
		}
		if strings.HasPrefix(key.Partition, "ID#email#") && value["secretHash"] == nil {
			w.fail("%s is a way in without a password: %v", key.Partition, value)
		}
	}
}

// checkMerged: once all is done, of who was merged only the account, ratings and history are
// left, and everything has an owner.
func (v *ways) checkMerged() {
	for _, wait := range []time.Duration{time.Minute, 21 * time.Minute, 25 * time.Hour, 9 * 24 * time.Hour} {
		v.now = v.now.Add(wait)
		for range 8 {
			v.now = v.now.Add(5 * time.Second)
			v.allow(v.replicas[0].ErasePlayers(context.Background()), "erase at rest")
		}
	}
	all := v.census()
	accounts := all.accounts()
	for key := range all {
		kind, id, _ := strings.Cut(key.Partition, "#")
		a := accounts[muster.PlayerID(id)]
		if kind != "P" || a == nil || a.Status != "merged" {
			continue
		}
		if sort, _, _ := strings.Cut(key.Sort, "#"); sort != "A" && sort != "RATING" && sort != "MR" {
			v.fail("of %s, who was merged, is left %s", id, key.Sort)
		}
	}
	v.checkOwners(false)
	for _, a := range accounts {
		if a.Status == "merged" {
			v.counts["merged players"]++
		}
	}
}

// TestWhateverHappensNobodyIsTwoPlayers plays random histories of sign-ins, links, unlinks,
// merges and deletions against every driver.
func TestWhateverHappensNobodyIsTwoPlayers(t *testing.T) {
	histories(t, usualWays, func(w *world, length int) { (&ways{world: w}).play(length) }, (*tally).checkWays)
}

// play lets steps happen, and looks now and then whether everything agrees.
func (v *ways) play(steps int) {
	v.happens, v.calls = v.actions(), 8
	for range 5 {
		v.signInBy(v.replicas[0], v.anyIdentity(true))
	}
	total := weights(v.happens)
	for i := range steps {
		v.step(v.happens, total)
		if i%lookEvery == 0 {
			v.checkWays()
		}
		if v.t.Failed() {
			return
		}
	}
	v.rest()
	v.checkWays()
	v.checkMerged()
}

// checkWays says what happened, and fails when too little of something did to prove anything.
func (t *tally) checkWays(test *testing.T, seeds, _ int) {
	test.Logf("%d histories: %v", seeds, t.counts)
	if seeds < usualWays || test.Failed() {
		return
	}
	for _, what := range []string{"crashes", "meanwhiles", "sign-ins", "links", "unlinks", "merges", "bans", "deletions", "new secrets", "quiet changes", "merged players"} {
		if t.counts[what] < seeds/2 {
			test.Errorf("%d histories had only %d %s", seeds, t.counts[what], what)
		}
	}
}

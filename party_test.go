package muster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// partyOf is a party of mode "squad" that was made at noon; the first leads it.
func partyOf(ids ...PlayerID) party {
	p := newParty("party", "CODE", partyMember{ID: ids[0], Name: string(ids[0])}, "squad", true, noon)
	for _, id := range ids[1:] {
		p.Members = append(p.Members, partyMember{ID: id, Name: string(id), JoinedAt: noon})
	}
	return p
}

// on puts a party on a ticket of a status.
func (p party) on(status TicketStatus) party {
	p.Ticket, p.last, p.Round = "ticket", status, 1
	return p
}

func (p party) inviting(by, who PlayerID, expiresAt time.Time) party {
	p.Invites = append(slices.Clone(p.Invites), partyInvite{Player: who, By: by, ExpiresAt: expiresAt})
	return p
}

// members writes who is in a party, the leader with a star, those who are ready with a
// plus.
func members(p party) string {
	names := make([]string, 0, len(p.Members))
	for _, m := range p.Members {
		name := string(m.ID)
		if m.ID == p.Leader {
			name = "*" + name
		}
		if p.ready(m) {
			name += "+"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func squadMode(rules PartyRules) Mode {
	return Mode{Name: "squad", Party: rules, Teams: []ModeTeam{{Name: "red", MaxPlayers: 4}, {Name: "blue", MaxPlayers: 3}}}
}

func TestWhoIsInAPartyIsDecided(t *testing.T) {
	later := noon.Add(time.Minute)
	full := partyOf("ann", "bob", "cat", "dan")
	for _, c := range []struct {
		name   string
		decide func() (party, bool, error)
		want   string // the members afterwards; empty: nothing changes
		code   string
	}{
		{"a newcomer comes last", func() (party, bool, error) { return partyOf("ann").join(partyMember{ID: "bob"}, 4, later) }, "*ann bob", ""},
		{"who is in it already changes nothing", func() (party, bool, error) { return partyOf("ann", "bob").join(partyMember{ID: "bob"}, 4, later) }, "", ""},
		{"a full party takes nobody", func() (party, bool, error) { return full.join(partyMember{ID: "eve"}, 4, later) }, "", "party.full"},
		{"who is in a full party is still in it", func() (party, bool, error) { return full.join(partyMember{ID: "dan"}, 4, later) }, "", ""},
		{"a queued party takes nobody", func() (party, bool, error) {
			return partyOf("ann").on(Searching).join(partyMember{ID: "bob"}, 4, later)
		}, "", "party.queued"},
		{"a party that plays takes newcomers", func() (party, bool, error) {
			return partyOf("ann").on(Completed).join(partyMember{ID: "bob"}, 4, later)
		}, "*ann bob", ""},
		{"a party whose ticket ended takes newcomers", func() (party, bool, error) { return partyOf("ann").on(TimedOut).join(partyMember{ID: "bob"}, 4, later) }, "*ann bob", ""},
		{"the leader removes a member", func() (party, bool, error) { return full.kick("ann", "cat", "NEW", later) }, "*ann bob dan", ""},
		{"a member removes nobody", func() (party, bool, error) { return full.kick("bob", "cat", "NEW", later) }, "", "party.not_leader"},
		{"the leader does not remove themselves", func() (party, bool, error) { return full.kick("ann", "ann", "NEW", later) }, "", "party.kick_self"},
		{"nobody removes a stranger", func() (party, bool, error) { return full.kick("ann", "eve", "NEW", later) }, "", "party.no_member"},
		{"the lead passes to a member", func() (party, bool, error) { return full.lead("ann", "cat", later) }, "ann bob *cat dan", ""},
		{"the lead stays where it is", func() (party, bool, error) { return full.lead("ann", "ann", later) }, "", ""},
		{"a member does not take the lead", func() (party, bool, error) { return full.lead("bob", "bob", later) }, "", "party.not_leader"},
		{"a stranger does not get the lead", func() (party, bool, error) { return full.lead("ann", "eve", later) }, "", "party.no_member"},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, changed, err := c.decide()
			if codeOf(err) != c.code && (err != nil || c.code != "") || changed != (c.want != "") {
				t.Fatalf("changed %t, error %v; want %q and %q", changed, err, c.want, c.code)
			}
			if changed && members(next) != c.want {
				t.Errorf("members are %q, want %q", members(next), c.want)
			}
			if changed && !next.ChangedAt.Equal(later) {
				t.Errorf("changed at %v", next.ChangedAt)
			}
		})
	}
	if members(full) != "*ann bob cat dan" {
		t.Errorf("decisions changed what they decided on: %q", members(full))
	}
}

func TestLeavingAParty(t *testing.T) {
	for _, c := range []struct {
		name, who, before, want string
		changed                 bool
	}{
		{"a member goes, the leader stays", "bob", "ann bob cat", "*ann cat", true},
		{"after the leader the one leads who was there longest", "ann", "ann bob cat", "*bob cat", true},
		{"the last one ends it", "ann", "ann", "", true},
		{"a stranger cannot leave", "eve", "ann bob", "*ann bob", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ids []PlayerID
			for _, id := range strings.Fields(c.before) {
				ids = append(ids, PlayerID(id))
			}
			p := partyOf(ids...).inviting(PlayerID(c.who), "zoe", noon.Add(inviteLife)).inviting("ann", "yan", noon.Add(inviteLife))
			next, changed := p.leave(PlayerID(c.who), noon)
			if members(next) != c.want || changed != c.changed {
				t.Errorf("members are %q (changed %t), want %q", members(next), changed, c.want)
			}
			if changed && next.invited("zoe", noon) != nil {
				t.Error("the invite of who left still counts")
			}
			if stays := c.who == "bob"; changed && (next.invited("yan", noon) != nil) != stays {
				t.Error("the invites of others are wrong")
			}
		})
	}
}

func TestAKickedPlayerDoesNotKnowTheNewCode(t *testing.T) {
	next, _, err := partyOf("ann", "bob").kick("ann", "bob", "NEW", noon)
	if err != nil || next.Code != "NEW" {
		t.Errorf("the code is %q (%v)", next.Code, err)
	}
}

func TestReadinessIsUsedUpByAMatchAndNotByASearch(t *testing.T) {
	ready := func(p party, id PlayerID, yes bool) party {
		t.Helper()
		next, changed, err := p.report(id, yes, partyMember{Name: string(id)}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if !changed {
			return p
		}
		return next
	}
	start := func(p party) party {
		t.Helper()
		next, err := p.start("ann", squadMode(PartyRules{}), "ticket", noon)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	ended := func(p party, status TicketStatus) party { p.last = status; return p }
	p := ready(partyOf("ann", "bob", "cat"), "bob", true)
	for _, step := range []struct {
		name string
		do   func(party) party
		want string
	}{
		{"one is ready", func(p party) party { return p }, "*ann bob+ cat"},
		{"and says so again", func(p party) party { return ready(p, "bob", true) }, "*ann bob+ cat"},
		{"in the queue they are ready still", start, "*ann bob+ cat"},
		{"and after it was cancelled", func(p party) party { return ended(p, Cancelled) }, "*ann bob+ cat"},
		{"one changes their mind", func(p party) party { return ready(p, "bob", false) }, "*ann bob cat"},
		{"another is ready", func(p party) party { return ready(p, "cat", true) }, "*ann bob cat+"},
		{"a second search", start, "*ann bob cat+"},
		{"makes a match", func(p party) party { return ended(p, Completed) }, "*ann bob cat"},
		{"ready for the next", func(p party) party { return ready(p, "bob", true) }, "*ann bob+ cat"},
		{"a third search", start, "*ann bob+ cat"},
		{"times out, and brings nobody back", func(p party) party { return ended(p, TimedOut) }, "*ann bob+ cat"},
		{"a ticket that is gone counts as a match", func(p party) party { return ended(p, Completed) }, "*ann bob cat"},
	} {
		if p = step.do(p); members(p) != step.want {
			t.Fatalf("%s: %q, want %q", step.name, members(p), step.want)
		}
	}
}

func TestWhatAMemberReports(t *testing.T) {
	p := partyOf("ann", "bob")
	first, changed, err := p.report("bob", true, partyMember{Name: "Bob", LatencyInMs: map[string]int{"a": 1}, Preferences: map[string]string{"map": "x"}}, noon)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	same, changed, err := first.report("bob", true, partyMember{Name: "Bob"}, noon)
	if err != nil || changed || same.member("bob").LatencyInMs["a"] != 1 {
		t.Errorf("saying nothing new changed %t (%v)", changed, err)
	}
	other, changed, err := first.report("bob", true, partyMember{Name: "Bob", LatencyInMs: map[string]int{}}, noon)
	if err != nil || !changed || len(other.member("bob").LatencyInMs) != 0 || other.member("bob").Preferences["map"] != "x" {
		t.Errorf("forgetting latencies changed %t (%v): %+v", changed, err, other.member("bob"))
	}
	if p.member("bob").LatencyInMs != nil || first.member("bob").LatencyInMs["a"] != 1 {
		t.Error("a report changed what it was decided on")
	}
	_, _, err = first.on(Placing).report("bob", false, partyMember{}, noon)
	if codeOf(err) != "party.queued" {
		t.Errorf("in the queue: %v", err)
	}
}

func TestWhatTheLeaderChooses(t *testing.T) {
	duel, squad, yes, no := ModeName("duel"), ModeName("squad"), true, false
	ready, _, err := partyOf("ann", "bob").report("bob", true, partyMember{Preferences: map[string]string{"map": "x"}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		p       party
		by      PlayerID
		mode    *ModeName
		open    *bool
		limit   int
		changed bool
		code    string
	}{
		{"nothing", ready, "ann", nil, nil, 0, false, ""},
		{"what is already", ready, "ann", &squad, &yes, 4, false, ""},
		{"a closed party", ready, "ann", nil, &no, 0, true, ""},
		{"a closed party while it queues", ready.on(Searching), "ann", &squad, &no, 4, true, ""},
		{"another mode", ready, "ann", &duel, nil, 2, true, ""},
		{"a mode that is too small", ready, "ann", &duel, nil, 1, false, "party.too_large"},
		{"another mode while it queues", ready.on(Queued), "ann", &duel, nil, 2, false, "party.queued"},
		{"a member chooses nothing", ready, "bob", &duel, nil, 2, false, "party.not_leader"},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, changed, err := c.p.set(c.by, c.mode, c.open, c.limit, noon)
			if changed != c.changed || (err != nil || c.code != "") && codeOf(err) != c.code {
				t.Fatalf("changed %t, %v", changed, err)
			}
			if newMode := changed && c.mode == &duel; newMode && (next.ready(*next.member("bob")) || next.member("bob").Preferences != nil) {
				t.Errorf("for another mode bob is %+v", next.member("bob"))
			} else if !newMode && !next.ready(*next.member("bob")) {
				t.Error("bob is ready no longer")
			}
		})
	}
}

func TestInvitesAreDecided(t *testing.T) {
	soon := noon.Add(inviteLife)
	p := partyOf("ann", "bob").inviting("bob", "eve", soon)
	declined, changed := p.decline("eve", noon)
	if !changed {
		t.Fatal("a decline changed nothing")
	}
	crowded := partyOf("ann", "bob")
	for i := range maxPartyInvites {
		crowded = crowded.inviting("ann", PlayerID(fmt.Sprint("p", i)), soon)
	}
	withdraw := func(p party, by, who PlayerID, at time.Time) string {
		_, _, err := p.withdraw(by, who, at)
		return codeOf(err)
	}
	invite := func(p party, by, who PlayerID, at time.Time) string {
		next, changed, err := p.invite(by, who, at)
		if err == nil && changed && !next.invited(who, at).open() {
			t.Errorf("%s is not invited", who)
		}
		return fmt.Sprint(changed, " ", codeOf(err))
	}
	for _, c := range []struct{ name, got, want string }{
		{"any member invites", invite(p, "bob", "zoe", noon), "true <nil>"},
		{"a second invite changes nothing", invite(p, "ann", "eve", noon), "false <nil>"},
		{"an expired one is made anew", invite(p, "ann", "eve", soon), "true <nil>"},
		{"a member is not invited", invite(p, "ann", "bob", noon), "false party.member_already"},
		{"who declined is not asked again", invite(declined, "ann", "eve", noon), "false party.invite_declined"},
		{"until the invite would have expired", invite(declined, "ann", "eve", soon), "true <nil>"},
		{"invites have a limit", invite(crowded, "ann", "eve", noon), "false party.too_many_invites"},
		{"which expired ones do not count for", invite(crowded, "ann", "eve", soon), "true <nil>"},
		{"the sender takes it back", withdraw(p, "bob", "eve", noon), "<nil>"},
		{"the leader takes it back", withdraw(p, "ann", "eve", noon), "<nil>"},
		{"another member does not", withdraw(partyOf("ann", "bob").inviting("ann", "eve", soon), "bob", "eve", noon), "party.not_leader"},
		{"what is not there is not taken back", withdraw(p, "ann", "zoe", noon), "party.no_invite"},
		{"nor what has expired", withdraw(p, "ann", "eve", soon), "party.no_invite"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
	if next, changed, _ := declined.withdraw("ann", "eve", noon); changed || next.invited("eve", noon) == nil {
		t.Error("taking a declined invite back lets the player be asked again")
	}
	if _, changed := declined.decline("eve", noon); changed {
		t.Error("a second decline changes something")
	}
	if next, _, _ := p.join(partyMember{ID: "eve"}, 4, noon); next.invited("eve", noon) != nil {
		t.Error("who came in is still invited")
	}
}

func TestStartingAsAParty(t *testing.T) {
	two := partyOf("ann", "bob")
	other := two
	other.Mode = "duel"
	anyMode := two
	anyMode.Mode = ""
	eager, _, err := two.report("bob", true, partyMember{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		p     party
		by    PlayerID
		rules PartyRules
		code  string
	}{
		{"the leader starts", two, "ann", PartyRules{}, ""},
		{"a member does not", two, "bob", PartyRules{}, "party.not_leader"},
		{"once at a time", two.on(RequiresAcceptance), "ann", PartyRules{}, "party.queued"},
		{"again after the last ticket", two.on(Failed), "ann", PartyRules{}, ""},
		{"again after a match", two.on(Completed), "ann", PartyRules{}, ""},
		{"not for another mode than chosen", other, "ann", PartyRules{}, "party.mode_differs"},
		{"for any mode where none was chosen", anyMode, "ann", PartyRules{}, ""},
		{"as large as the largest team", partyOf("a", "b", "c", "d"), "a", PartyRules{}, ""},
		{"not larger", partyOf("a", "b", "c", "d", "e"), "a", PartyRules{}, "party.too_large"},
		{"not larger than the mode says", two, "ann", PartyRules{MaxSize: 1}, "party.too_large"},
		{"alone where the mode takes no parties", partyOf("ann"), "ann", PartyRules{MaxSize: 1}, ""},
		{"when all must be ready and are not", two, "ann", PartyRules{RequireReady: true}, "party.not_ready"},
		{"when all must be ready and are", eager, "ann", PartyRules{RequireReady: true}, ""},
		{"the leader need not say it", partyOf("ann"), "ann", PartyRules{RequireReady: true}, ""},
		{"ready for the match before is not ready", eager.on(Completed), "ann", PartyRules{RequireReady: true}, "party.not_ready"},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, err := c.p.start(c.by, squadMode(c.rules), "new", noon)
			if (err != nil || c.code != "") && codeOf(err) != c.code {
				t.Fatalf("error %v, want %q", err, c.code)
			}
			if err == nil && (next.Ticket != "new" || !next.queued() || next.Mode != "squad" || next.Round != c.p.Round+1) {
				t.Errorf("the party is %+v", next)
			}
		})
	}
}

func TestAPartyIsRenewedBeforeItsPointersEnd(t *testing.T) {
	p := partyOf("ann", "bob")
	for range 40 { // days
		at := p.ChangedAt.Add(partyLife - time.Second)
		next := p.changed(at)
		if at.Add(partyLife).After(next.HeldUntil) {
			t.Fatalf("the party lives until %v, its pointers until %v", at.Add(partyLife), next.HeldUntil)
		}
		if renewed := !next.HeldUntil.Equal(p.HeldUntil); renewed && p.HeldUntil.Sub(at) > 2*partyLife {
			t.Errorf("pointers that live for %v were renewed", p.HeldUntil.Sub(at))
		}
		p = next
	}
}

func TestMembersShareOneRatingWhereTheModeSaysSo(t *testing.T) {
	for _, c := range []struct {
		name   string
		rating PartyRating
		points []int
		want   string
	}{
		{"each their own where nothing is said", "", []int{1000, 2001}, "[1000 2001]"},
		{"each their own", OwnRating, []int{1000, 2001}, "[1000 2001]"},
		{"the average, rounded", AverageRating, []int{1000, 2001}, "[1501 1501]"},
		{"the highest", HighestRating, []int{1000, 2001, 4}, "[2001 2001 2001]"},
		{"a player alone keeps theirs", AverageRating, []int{1000}, "[1000]"},
		{"nothing is higher than zero", HighestRating, []int{0, 0}, "[0 0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			players := make([]entrant, len(c.points))
			for i, points := range c.points {
				players[i].facts.points = points
			}
			mode := squadMode(PartyRules{Rating: c.rating})
			mode.Attributes = map[string]AttributeSource{"skill": {From: FromRating}}
			told, err := mode.brief(players)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, p := range told {
				got = append(got, int(*p.Attributes["skill"].N))
				if shared := p.Why["skill"].Shared; (shared != "") != (len(told) > 1 && mode.Party.rating() != OwnRating) {
					t.Errorf("the reason says %q", shared)
				}
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("members send %v, want %s", got, c.want)
			}
		})
	}
}

func TestHowLargeAPartyAModeTakes(t *testing.T) {
	large := Mode{Teams: []ModeTeam{{MaxPlayers: 40}}}
	if got := large.partyLimit(); got != 10 {
		t.Errorf("a team of 40 takes parties of %d; a ticket has 10 players at most", got)
	}
	if got := (Mode{}).partyLimit(); got != 1 {
		t.Errorf("a mode without teams takes parties of %d", got)
	}
	b := New(Options{Modes: []Mode{squadMode(PartyRules{MaxSize: 2}), {Name: "raid", Teams: []ModeTeam{{MaxPlayers: 6}}}}})
	if got := b.partyLimit(""); got != 6 {
		t.Errorf("without a mode a party may have %d, want the most that any mode takes", got)
	}
}

func TestCodesArePlainAndTypedInManyWays(t *testing.T) {
	b := New(Options{})
	seen := map[rune]bool{}
	for range 500 {
		code, err := b.newCode(partyCodeLength)
		if err != nil || len(code) != partyCodeLength {
			t.Fatal(code, err)
		}
		for _, r := range code {
			seen[r] = true
		}
		for _, typed := range []string{code, strings.ToLower(code), code[:4] + "-" + code[4:], " " + code[:2] + " " + code[2:] + " "} {
			if got, ok := typedCode(typed, partyCodeLength); !ok || got != code {
				t.Errorf("%q is read as %q, want %q", typed, got, code)
			}
		}
	}
	if len(seen) != len(codeAlphabet) {
		t.Errorf("codes use %d characters of %d", len(seen), len(codeAlphabet))
	}
	for _, typed := range []string{"", "2345678", "234567890", "2345678A", "2345678#", "2345678\xff", strings.Repeat(" ", 1000) + "23456789"} {
		if got, ok := typedCode(typed, partyCodeLength); ok {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
}

package muster_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"muster"
)

// largest writes the largest account that there may be: its ways in, players who became part of
// it, and more sign-ins than end in one Write.
func (r *rig) largest(t *testing.T, p muster.PlayerID, ways, merged int) (signIns []muster.Caller) {
	t.Helper()
	put := func(partition, sort, value string) {
		t.Helper()
		op := muster.Op{Kind: muster.Put, Key: muster.Key{Partition: partition, Sort: sort}, Value: []byte(value)}
		if err := r.store.Write(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	var ids, others []string
	for i := range ways {
		provider := fmt.Sprintf("platform-%d", i)
		ids = append(ids, fmt.Sprintf(`{"provider":%q,"subject":%q,"linkedAt":"2026-01-01T00:00:00Z"}`, provider, p))
		put("ID#"+provider+"#"+string(p), "ID", fmt.Sprintf(`{"player":%q,"linkedAt":"2026-01-01T00:00:00Z"}`, p))
	}
	for i := range merged {
		other := fmt.Sprintf("%s-%d", p, i)
		others = append(others, fmt.Sprintf(`{"id":%q,"at":"2026-01-01T00:00:00Z"}`, other))
		put("P#"+other, "A", fmt.Sprintf(`{"id":%q,"status":"merged","mergedInto":%q}`, other, p))
	}
	put("P#"+string(p), "A", fmt.Sprintf(`{"id":%q,"identities":[%s],"merged":[%s]}`, p, strings.Join(ids, ","), strings.Join(others, ",")))
	name := "Largest"
	if _, err := r.UpdateProfile(t.Context(), p, muster.ProfileChange{DisplayName: &name}, muster.Precondition{}); err != nil {
		t.Fatal(err)
	}
	for i := range muster.MaxWriteOps {
		signIns = append(signIns, r.signIn(t, p, fmt.Sprintf("s-%03d", i)))
	}
	return signIns
}

func TestTheLargestAccountIsDeletedInOneWrite(t *testing.T) {
	r := newRig(false)
	signIns := r.largest(t, "ann", 10, 10)
	if err := r.DeleteAccount(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	for _, c := range signIns {
		if code := r.refusal(c); code != "account.deleted" {
			t.Errorf("the token of %s is refused with %q", c.Family, code)
		}
		wantError(t, r.Admit(t.Context(), "ann", muster.SignInRef{ID: c.Family}), muster.Unauthenticated, "account.deleted")
	}
}

func TestTheLargestAccountIsMergedInOneWrite(t *testing.T) {
	r := newRig(false)
	into := r.guest("into")
	signIns := r.largest(t, "ann", 9, 9)
	_ = must[muster.LinksView](t)(r.Merge(t.Context(), into, "ann", []byte("new")))
	for _, c := range signIns {
		if code := r.refusal(c); code != "account.merged" {
			t.Errorf("the token of %s is refused with %q", c.Family, code)
		}
		wantError(t, r.Admit(t.Context(), "ann", muster.SignInRef{ID: c.Family}), muster.Unauthenticated, "account.deleted")
	}
}

// heaviest is a report of teams of one, whose names and numbers take as much room as they can.
func heaviest(players []muster.PlayerID, stats int) (muster.ResultReport, map[muster.PlayerID]string) {
	var report muster.ResultReport
	teams := make(map[muster.PlayerID]string)
	for i, p := range players {
		fraction := 1 / 3.0
		team := side(fmt.Sprintf("%s%03d", strings.Repeat("<", 125), i), i+1, p)
		team.Score, team.Players[0].PlayedFraction = -math.Pi*1e14, &fraction
		team.Players[0].Stats = make(map[string]float64)
		for n := range stats {
			team.Players[0].Stats[fmt.Sprintf("%032d", n)] = -math.E * 1e14
		}
		report.Teams = append(report.Teams, team)
		teams[p] = team.Name
	}
	return report, teams
}

func TestTheLargestResultIsRatedShownAndJudged(t *testing.T) {
	r := league(muster.Competition{})
	players := r.guests(200)
	report, teams := heaviest(players, 16)
	id := r.seated(t, teams)
	_, err := r.ReportResult(t.Context(), id, report)
	wantError(t, err, muster.Invalid, "result.too_large")
	stats := 15
	for ; stats > 0; stats-- {
		report, _ = heaviest(players, stats)
		if _, err = r.ReportResult(t.Context(), id, report); err == nil {
			break
		}
		wantError(t, err, muster.Invalid, "result.too_large")
	}
	if stats == 0 {
		t.Fatal("no result of 200 players is taken")
	}
	size := func() int {
		rec := must[muster.Record](t)(r.store.Get(t.Context(), muster.Key{Partition: "GS#" + string(id), Sort: "RESULT"}))
		return len(rec.Partition) + len(rec.Sort) + len(rec.Value)
	}
	why := muster.ResultVerdict{Reason: strings.Repeat("<", 500), Operator: strings.Repeat("<", 100)}
	_ = must[muster.AdminResultView](t)(r.VoidResult(t.Context(), id, why))
	one := size()
	_ = must[muster.AdminResultView](t)(r.RestoreResult(t.Context(), id, why))
	if err := r.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := size() + 18*(size()-one); all > muster.MaxRecordBytes {
		t.Errorf("with 20 verdicts the result takes %d bytes", all)
	}
	for _, p := range []muster.PlayerID{players[0], players[199]} {
		r.wantSettled(t, p, 1)
	}
	if again := must[muster.ResultView](t)(r.ReportResult(t.Context(), id, report)); !again.Repeated || len(again.Players) != len(players) {
		t.Errorf("a repeat is answered with repeated %v and %d players", again.Repeated, len(again.Players))
	}
}

func TestTheLargestHistoryRowIsSmall(t *testing.T) {
	r := league(muster.Competition{})
	players := r.guests(2)
	report, teams := heaviest(players, 16)
	for i := range 198 {
		report.Teams = append(report.Teams, muster.ResultTeam{Name: fmt.Sprintf("%s%03d", strings.Repeat("<", 125), i+2), Rank: 200})
	}
	id := r.seated(t, teams)
	_ = must[muster.ResultView](t)(r.ReportResult(t.Context(), id, report))
	rows := must[[]muster.Record](t)(r.store.List(t.Context(), muster.PlayerPartition(players[0]), muster.ListOptions{Prefix: "MR#"}))
	if len(rows) != 1 {
		t.Fatalf("there are %d rows of one match", len(rows))
	}
	for _, rec := range rows {
		if len(rec.Value) > 16_000 {
			t.Errorf("a row takes %d bytes", len(rec.Value))
		}
	}
	r.wantSettled(t, players[0], 1)
}

func TestWhoPlayedInMoreSeasonsThanAListHoldsLeavesAllBoards(t *testing.T) {
	r := newRig(false)
	ann := r.guest("ann")
	season := func(i int) muster.SeasonName { return muster.SeasonName(fmt.Sprintf("s-%04d", i)) }
	seasons := muster.MaxListLimit + 10
	for i := range seasons {
		op := muster.Op{
			Kind: muster.Put, Key: muster.Key{Partition: "P#" + string(ann), Sort: "RATING#duel#" + string(season(i))},
			Value: fmt.Appendf(nil, `{"Mu":25,"Sigma":8,"games":1,"wins":1,"season":%q,"lastAt":"2026-03-01T12:00:00Z","board":1501}`, season(i)),
		}
		if err := r.store.Write(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	last := season(seasons - 1)
	if err := r.Enter(t.Context(), ann, "duel", last, 1500); err != nil {
		t.Fatal(err)
	}
	if err := r.LeaveBoards(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	if entries := must[map[muster.PlayerID][]int](t)(r.BoardEntries(t.Context(), "duel", last)); len(entries) != 0 {
		t.Errorf("on the board stand %v", entries)
	}
}

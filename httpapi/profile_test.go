package httpapi

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"muster"
)

var _ Profiles = (*muster.Backend)(nil)

// fakeProfiles remembers the last change and refuses what a test says.
type fakeProfiles struct {
	err    error
	change muster.ProfileChange
	expect muster.Precondition
}

func (f *fakeProfiles) ProfileOptions() muster.ProfileOptionsView {
	return muster.ProfileOptionsView{Avatars: []string{"owl"}, Names: muster.NamesUnique}
}

func (f *fakeProfiles) UpdateProfile(_ context.Context, me muster.PlayerID, change muster.ProfileChange, expect muster.Precondition) (muster.PlayerView, error) {
	f.change, f.expect = change, expect
	view := muster.PlayerView{ID: me, DisplayName: "Ada", Tag: "8"}
	if change.DisplayName != nil {
		view.DisplayName = *change.DisplayName
	}
	return view, f.err
}

func TestAProfileIsChangedAsSent(t *testing.T) {
	r := newRig(t, nil)
	a := r.do("PATCH", "/v1/players/me", "ada", `{"avatar":"","locale":"de"}`, "If-Match", `"6", "7"`)
	if a.status != 200 || a.header.Get("ETag") != `"8"` {
		t.Fatalf("%d %s with ETag %s", a.status, a.body, a.header.Get("ETag"))
	}
	if c := r.profiles.change; c.DisplayName != nil || c.Avatar == nil || *c.Avatar != "" || c.Locale == nil || *c.Locale != "de" {
		t.Errorf("the rules got %+v", c)
	}
	if got := r.profiles.expect.Match; !slices.Equal(got, []string{"6", "7"}) {
		t.Errorf("expected is %q", got)
	}
}

func TestAFailedPreconditionTellsTheCurrentTag(t *testing.T) {
	r := newRig(t, nil)
	refusal := muster.Errorf(muster.Conflict, muster.PreconditionFailed, "it has changed meanwhile")
	refusal.Details = map[string]any{"etag": "9"}
	r.profiles.err = refusal
	a := r.do("PATCH", "/v1/players/me", "ada", `{"avatar":"owl"}`, "If-Match", `"7"`)
	if a.status != 412 || a.code() != "precondition.failed" || a.header.Get("ETag") != `"9"` || a.json["etag"] != "9" {
		t.Errorf("%d %s, ETag %s", a.status, a.body, a.header.Get("ETag"))
	}
	r.profiles.err = muster.Errorf(muster.Conflict, "player.name_taken", "taken")
	if a := r.do("PATCH", "/v1/players/me", "ada", `{"displayName":"Bob"}`); a.status != 409 || a.code() != "player.name_taken" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAPlayerWhoIsKnownIsNotSentAgain(t *testing.T) {
	r := newRig(t, nil)
	if a := r.do("GET", "/v1/players/p-bob", "ada", ""); a.status != 200 || a.header.Get("ETag") != `"8"` {
		t.Fatalf("%d, ETag %s", a.status, a.header.Get("ETag"))
	}
	for header, status := range map[string]int{`"8"`: 304, `W/"8"`: 304, `"7", "8"`: 304, `*`: 304, `"7"`: 200, `8`: 200} {
		a := r.do("GET", "/v1/players/p-bob", "ada", "", "If-None-Match", header)
		if a.status != status || (status == 304) != (a.body == "") {
			t.Errorf("If-None-Match %s: %d %s", header, a.status, a.body)
		}
	}
}

func TestEntityTags(t *testing.T) {
	for _, c := range []struct {
		name, header string
		strong       bool
		want         string
	}{
		{"nothing is nothing", ``, true, "[] true"},
		{"a star", `*`, true, "[*] true"},
		{"one tag", `"1-a"`, true, "[1-a] true"},
		{"a list", `"1" ,"2"`, true, "[1 2] true"},
		{"a weak tag where strong ones count matches nothing", `W/"1"`, true, "[W/] true"},
		{"a weak tag where weak ones do", `W/"1"`, false, "[1] true"},
		{"a quoted star is not the star", `"*"`, true, "[W/] true"},
		{"a tag without quotes", `1`, true, "[] false"},
		{"half a tag", `"1`, true, "[] false"},
		{"one quote", `"`, true, "[] false"},
		{"a quote inside", `"a"b"`, true, "[] false"},
		{"an empty part", `"1",`, true, "[] false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tags, ok := entityTags(c.header, c.strong)
			if got := fmt.Sprint(tags, ok); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

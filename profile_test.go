package muster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"muster"
)

// named is a rig whose names follow a policy.
func named(policy muster.NamePolicy) *rig {
	return newRigWith(false, func(o *muster.Options) { o.Profile.Names = policy })
}

func (r *rig) rename(p muster.PlayerID, name string) (string, error) {
	view, err := r.UpdateProfile(context.Background(), p, muster.ProfileChange{DisplayName: &name}, muster.Precondition{})
	return view.DisplayName, err
}

func TestAFirstSignInIsOneWriteOfTwoRecords(t *testing.T) {
	c := newRig(false)
	writes := &countedStore{Store: c.store}
	r := newRigWith(false, func(o *muster.Options) { o.Store = writes })
	r.guest("ann")
	if writes.writes != 1 || writes.ops != 2 {
		t.Errorf("%d writes of %d records, want 1 of 2", writes.writes, writes.ops)
	}
	r.guest("ann")
	if writes.writes != 1 {
		t.Error("a second sign-in writes to the account")
	}
}

// countedStore counts what is written.
type countedStore struct {
	muster.Store
	mu          sync.Mutex
	writes, ops int // guarded by mu
}

func (s *countedStore) Write(ctx context.Context, ops ...muster.Op) error {
	s.mu.Lock()
	s.writes++
	s.ops += len(ops)
	s.mu.Unlock()
	return s.Store.Write(ctx, ops...)
}

func TestNames(t *testing.T) {
	long := strings.Repeat("n", 25)
	for _, c := range []struct {
		name   string
		policy muster.NamePolicy
		ask    string
		want   string // the name, or the code of the refusal
	}{
		{"spaces are made single", muster.NamesFree, "  Ann   of  Arc ", "Ann of Arc"},
		{"nothing is no name", muster.NamesFree, "", "player.name_length"},
		{"spaces are no name", muster.NamesFree, " \t ", "player.name_length"},
		{"a name of 24 characters", muster.NamesFree, long[1:], long[1:]},
		{"a name of 24 wide characters", muster.NamesFree, strings.Repeat("名", 24), strings.Repeat("名", 24)},
		{"a name that is too long", muster.NamesFree, long, "player.name_length"},
		{"a control character", muster.NamesFree, "tab\x00null", "player.name_characters"},
		{"a zero-width space", muster.NamesFree, "A\u200bnn", "player.name_characters"},
		{"text that runs the other way", muster.NamesFree, "A\u202ennA", "player.name_characters"},
		{"broken UTF-8", muster.NamesFree, "\xff\xfe", "player.name_characters"},
		{"the name of deleted players", muster.NamesFree, "Deleted Player", "player.name_reserved"},
		{"a name that looks like that of deleted players", muster.NamesFree, "De1eted P1ayer", "player.name_reserved"},
		{"punctuation alone", muster.NamesFree, "...", "player.name_characters"},
		{"a mark alone", muster.NamesFree, "\u0301", "player.name_characters"},
		{"a mark at the beginning", muster.NamesFree, "\u0301Ann", "player.name_characters"},
		{"a filler that is a letter to Unicode", muster.NamesFree, "\u3164", "player.name_length"},
		{"other fillers", muster.NamesFree, "\u115f\u1160\uffa0\u17b4", "player.name_length"},
		{"Braille without dots, and a variation selector", muster.NamesFree, "\u2800\ufe0f", "player.name_length"},
		{"a name with a filler", muster.NamesFree, "Ann\u3164", "Ann"},
		{"a letter and its mark are one", muster.NamesFree, "Zoe\u0308", "Zoë"},
		{"letters of any script", muster.NamesFree, "कमला", "कमला"},
		{"the name of deleted players, with a filler", muster.NamesFree, "Deleted player\u3164", "player.name_reserved"},
		{"punctuation alone where names are unique", muster.NamesUnique, "...", "player.name_characters"},
		{"the default name of somebody", muster.NamesUnique, "Player-0123456789ABCDEF", "player.name_reserved"},
		{"a hash where names have numbers", muster.NamesDiscriminator, "Ann#0001", "player.name_characters"},
		{"a name that is taken where names are free", muster.NamesFree, "Bob", "Bob"},
		{"a name that is taken", muster.NamesUnique, "Bob", "player.name_taken"},
		{"a name that is taken in another case", muster.NamesUnique, "bOB", "player.name_taken"},
		{"a name that is taken, with spaces and dots", muster.NamesUnique, "B.o b", "player.name_taken"},
		{"a name that is taken, with a zero", muster.NamesUnique, "B0b", "player.name_taken"},
		{"a name that is taken, in wide letters", muster.NamesUnique, "Ｂｏｂ", "player.name_taken"},
		{"a name that is taken, in mathematical letters", muster.NamesUnique, "𝐁𝒐𝕓", "player.name_taken"},
		{"a name that is taken, in Cyrillic letters", muster.NamesUnique, "Воb", "player.name_taken"},
		{"a name that is taken, with a mark", muster.NamesUnique, "Bo\u0308b", "player.name_taken"},
		{"a name that is taken, with a letter that has a mark", muster.NamesUnique, "Böb", "player.name_taken"},
		{"a name that is taken, with a filler", muster.NamesUnique, "Bob\u3164", "player.name_taken"},
		{"a name that is taken, with Braille without dots", muster.NamesUnique, "Bo\u2800b", "player.name_taken"},
		{"a name that is taken, in circled letters", muster.NamesUnique, "Ⓑⓞⓑ", "player.name_taken"},
		{"a name that is taken, in black squares", muster.NamesUnique, "🅱🅾🅱", "player.name_taken"},
		{"a name that is taken, in flags' letters", muster.NamesUnique, "🇧ob", "player.name_taken"},
		{"a name that is taken, in small capitals", muster.NamesUnique, "ʙᴏʙ", "player.name_taken"},
		{"a name that is taken, raised", muster.NamesUnique, "Boᵇ", "player.name_taken"},
		{"a name that is taken, in Lisu letters", muster.NamesUnique, "ꓐꓳb", "player.name_taken"},
		{"a name that is taken, in Cherokee letters", muster.NamesUnique, "Ᏼob", "player.name_taken"},
		{"a name that is taken, with an apostrophe that is a letter", muster.NamesUnique, "Bʼob", "player.name_taken"},
		{"another name", muster.NamesUnique, "Bobby", "Bobby"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := named(c.policy)
			ann, bob := r.guest("ann"), r.guest("bob")
			if _, err := r.rename(bob, "Bob"); err != nil {
				t.Fatal(err)
			}
			got, err := r.rename(ann, c.ask)
			var refused *muster.Error
			if errors.As(err, &refused) {
				got = refused.Code
			}
			if got != c.want {
				t.Errorf("%q becomes %q, want %q", c.ask, got, c.want)
			}
		})
	}
}

func TestNamesOfOtherScriptsThatDifferAreTwo(t *testing.T) {
	for _, pair := range [][2]string{
		{"कमल", "कमला"}, // a vowel that is a mark to Unicode
		{"かき", "がき"},    // a voiced syllable
		{"กา", "กี"},
		{"Андрей", "Андрея"},
		{"Ari", "Art"},
	} {
		r := named(muster.NamesUnique)
		ann, bob := r.guest("ann"), r.guest("bob")
		_, first := r.rename(ann, pair[0])
		if _, second := r.rename(bob, pair[1]); first != nil || second != nil {
			t.Errorf("%q: %v, %q: %v", pair[0], first, pair[1], second)
		}
	}
}

func TestAUniqueNameIsFreeAgainWhenItIsGivenUp(t *testing.T) {
	r := named(muster.NamesUnique)
	ann, bob := r.guest("ann"), r.guest("bob")
	if _, err := r.rename(ann, "Ada"); err != nil {
		t.Fatal(err)
	}
	if name, err := r.rename(ann, "ADA"); err != nil || name != "ADA" {
		t.Errorf("one's own name in another spelling: %q, %v", name, err)
	}
	_, err := r.rename(bob, "ada")
	wantError(t, err, muster.Conflict, "player.name_taken")
	if _, err := r.rename(ann, "Lovelace"); err != nil {
		t.Fatal(err)
	}
	if name, err := r.rename(bob, "ada"); err != nil || name != "ada" {
		t.Errorf("a name that was given up: %q, %v", name, err)
	}
}

func TestOneOfManyGetsAUniqueName(t *testing.T) {
	r := named(muster.NamesUnique)
	var wg sync.WaitGroup
	got := make([]error, 32)
	for i := range got {
		p := r.guest(fmt.Sprint("guest-", i))
		wg.Go(func() { _, got[i] = r.rename(p, "Ada") })
	}
	wg.Wait()
	winners := 0
	for _, err := range got {
		if err == nil {
			winners++
			continue
		}
		wantError(t, err, muster.Conflict, "player.name_taken")
	}
	if winners != 1 {
		t.Errorf("%d players are called Ada", winners)
	}
}

func TestNamesThatWereFreeBeforeBelongToWhoTakesThem(t *testing.T) {
	free := named(muster.NamesFree)
	ann, bob := free.guest("ann"), free.guest("bob")
	if _, err := free.rename(ann, "Ada"); err != nil {
		t.Fatal(err)
	}
	unique := newRigWith(false, func(o *muster.Options) { o.Store, o.Profile.Names = free.store, muster.NamesUnique })
	if _, err := unique.rename(bob, "Ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := unique.rename(ann, "Lovelace"); err != nil {
		t.Fatal(err)
	}
	_, err := unique.rename(ann, "Ada")
	wantError(t, err, muster.Conflict, "player.name_taken")
}

// numbers draws discriminators from a list of them, over and over.
func numbers(t *testing.T, list ...int) func(*muster.Options) {
	t.Helper()
	var drawn bytes.Buffer
	for _, n := range list {
		drawn.Write([]byte{byte((n - 1) >> 8), byte(n - 1)})
	}
	return func(o *muster.Options) {
		o.Profile.Names, o.Random = muster.NamesDiscriminator, &endless{bytes: drawn.Bytes()}
	}
}

type endless struct {
	bytes []byte
	at    int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.bytes[e.at%len(e.bytes)]
		e.at++
	}
	return len(p), nil
}

func TestNamesWithNumbers(t *testing.T) {
	r := newRigWith(false, numbers(t, 42, 42, 7, 9999, 42))
	ann, bob, cid := r.guest("ann"), r.guest("bob"), r.guest("cid")
	steps := []struct {
		player muster.PlayerID
		ask    string
		want   string
	}{
		{ann, "Ada", "Ada#0042"},
		{bob, "ada", "ada#0007"}, // 42 is Ann's
		{ann, "ADA", "ADA#0042"}, // another spelling keeps its number
		{cid, "Ada", "Ada#9999"},
		{ann, "Ann", "Ann#0042"}, // the other name has numbers of its own
		{bob, "Ada", "Ada#0007"},
	}
	for _, s := range steps {
		if got, err := r.rename(s.player, s.ask); err != nil || got != s.want {
			t.Fatalf("%q becomes %q, %v, want %q", s.ask, got, err, s.want)
		}
	}
	dan, eve := r.guest("dan"), r.guest("eve")
	r2 := newRigWith(false, func(o *muster.Options) { numbers(t, 5)(o); o.Store = r.store })
	if got, err := r2.rename(dan, "Ada"); err != nil || got != "Ada#0005" {
		t.Fatalf("got %q, %v", got, err)
	}
	_, err := r2.rename(eve, "Ada")
	wantError(t, err, muster.Conflict, "player.name_crowded")
}

func TestANewNameMustBeKeptForAWhile(t *testing.T) {
	r := newRigWith(false, func(o *muster.Options) { o.Profile.RenameEvery = 24 * time.Hour })
	ann := r.guest("ann")
	if _, err := r.rename(ann, "Ada"); err != nil {
		t.Fatalf("the first choice: %v", err)
	}
	r.clock.advance(23 * time.Hour)
	if _, err := r.rename(ann, "Ada"); err != nil {
		t.Errorf("the same name again: %v", err)
	}
	_, err := r.rename(ann, "Ann")
	wantError(t, err, muster.Exhausted, "player.name_too_recent")
	if e := new(muster.Error); !errors.As(err, &e) || e.RetryAfter != time.Hour {
		t.Errorf("to be tried again after %v, want 1h", e.RetryAfter)
	}
	r.clock.advance(time.Hour)
	if _, err := r.rename(ann, "Ann"); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

func TestAvatarAndLocale(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, func(o *muster.Options) { o.Profile.Avatars = []string{"owl", "fox"} })
	ann := r.guest("ann")
	owl, locale, nothing := "owl", "PT-br", ""
	view := must[muster.PlayerView](t)(r.UpdateProfile(ctx, ann, muster.ProfileChange{Avatar: &owl, Locale: &locale}, muster.Precondition{}))
	if view.Avatar != "owl" || view.Locale != "pt-BR" {
		t.Errorf("profile is %+v", view)
	}
	if others := must[muster.PlayerView](t)(r.Player(ctx, ann)); others.Avatar != "owl" || others.Locale != "" || others.CreatedAt != nil || others.Activity != nil {
		t.Errorf("others see %+v", others)
	}
	view = must[muster.PlayerView](t)(r.UpdateProfile(ctx, ann, muster.ProfileChange{Avatar: &nothing, Locale: &nothing}, muster.Precondition{}))
	if view.Avatar != "" || view.Locale != "" {
		t.Errorf("profile is %+v", view)
	}
	for _, bad := range []string{"cat", "https://tracker.example/ann.png"} {
		_, err := r.UpdateProfile(ctx, ann, muster.ProfileChange{Avatar: &bad}, muster.Precondition{})
		wantError(t, err, muster.Invalid, "player.avatar_unknown")
	}
	for in, want := range map[string]string{
		"en": "en", "EN-us": "en-US", "zh-hant-tw": "zh-Hant-TW", "de-CH-1901": "de-CH-1901", "sl-IT-nedis": "sl-IT-nedis", "en-x-US": "en-x-us",
		"e": "", "english-language": "english-language", "en_US": "", "en-": "", "de-" + strings.Repeat("a", 33): "", "日本": "", "en-US; q=1": "",
	} {
		view, err := r.UpdateProfile(ctx, ann, muster.ProfileChange{Locale: &in}, muster.Precondition{})
		if want == "" {
			wantError(t, err, muster.Invalid, "player.locale_invalid")
		} else if err != nil || view.Locale != want {
			t.Errorf("%q is kept as %q, %v, want %q", in, view.Locale, err, want)
		}
	}
}

func TestAProfileIsChangedOnlyIfItIsWhatWasRead(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, func(o *muster.Options) { o.Profile.Avatars = []string{"owl", "fox"} })
	ann := r.guest("ann")
	read := must[muster.PlayerView](t)(r.Me(ctx, ann))
	owl, fox := "owl", "fox"
	update := func(avatar *string, tags ...string) (muster.PlayerView, error) {
		return r.UpdateProfile(ctx, ann, muster.ProfileChange{Avatar: avatar}, muster.Precondition{Match: tags})
	}
	changed := must[muster.PlayerView](t)(update(&owl, read.Tag))
	if changed.Tag == read.Tag {
		t.Error("the tag did not change with the profile")
	}
	_, err := update(&fox, read.Tag)
	wantError(t, err, muster.Conflict, muster.PreconditionFailed)
	if e := new(muster.Error); !errors.As(err, &e) || e.Details["etag"] != changed.Tag {
		t.Errorf("the refusal tells %v, want the current tag %s", e.Details, changed.Tag)
	}
	if again := must[muster.PlayerView](t)(update(&owl, "*")); again.Tag != changed.Tag {
		t.Error("a change to what is there already changed the tag")
	}
	r.start(t, ann, duel())
	if me := must[muster.PlayerView](t)(r.Me(ctx, ann)); me.Tag != changed.Tag || me.Activity == nil {
		t.Errorf("a ticket changed the profile's tag to %s", me.Tag)
	}
}

func TestProfileOptionsThatAreWrong(t *testing.T) {
	problems := muster.ProfileOptions{
		Names: "odd", RenameEvery: -1, Avatars: []string{"owl", "https://x", "owl", strings.Repeat("a", 65)},
	}.Validate()
	var fields []string
	for _, p := range problems {
		fields = append(fields, p.Field)
	}
	if got := strings.Join(fields, " "); got != "names renameEveryHours avatars[1] avatars[2] avatars[3]" {
		t.Errorf("problems at %s", got)
	}
}

func TestANameChosenUnderAnotherPolicyIsTakenWhenItIsSentAgain(t *testing.T) {
	for _, policy := range []muster.NamePolicy{muster.NamesUnique, muster.NamesDiscriminator} {
		t.Run("free, then "+string(policy), func(t *testing.T) {
			free := newRig(false)
			ann, bob, cyd := free.guest("ann"), free.guest("bob"), free.guest("cyd")
			for _, p := range []muster.PlayerID{ann, bob} {
				if name, err := free.rename(p, "Ada"); name != "Ada" || err != nil {
					t.Fatalf("under the free policy the name is %q (%v)", name, err)
				}
			}
			r := newRigWith(false, func(o *muster.Options) {
				o.Store, o.Profile.Names, o.Profile.RenameEvery = free.store, policy, time.Hour
			})
			if _, err := r.rename(ann, "Ada"); err != nil {
				t.Fatalf("who has the name cannot take it: %v", err)
			}
			seen := map[string]bool{}
			for _, p := range []muster.PlayerID{ann, bob, cyd} {
				name, err := r.rename(p, "Ada")
				if p != ann && policy == muster.NamesUnique {
					if muster.KindOf(err) != muster.Conflict {
						t.Errorf("another player takes the name, too: %q, %v", name, err)
					}
					continue
				}
				if err != nil || seen[name] {
					t.Errorf("player %s is called %q (%v)", p, name, err)
				}
				seen[name] = true
			}
		})
	}
}

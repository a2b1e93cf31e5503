package identity

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// theft is a file of keys at some time.
type theft struct {
	t    *testing.T
	now  time.Time
	text []byte
}

func (f *theft) rotate(r Rotation) Rotated {
	f.t.Helper()
	r.Random = rand.Reader
	text, done, err := RotateKeys(f.text, f.now, r)
	if err != nil {
		f.t.Fatal(err)
	}
	f.text = text
	return done
}

func (f *theft) replace(r Rotation) Replaced {
	f.t.Helper()
	r.Random = rand.Reader
	text, done, err := ReplaceStolenKeys(f.text, f.now, r)
	if err != nil {
		f.t.Fatal(err)
	}
	f.text = text
	return done
}

func (f *theft) keys() *Keys {
	f.t.Helper()
	keys, err := ParseKeys(f.text)
	if err != nil {
		f.t.Fatal(err)
	}
	return keys
}

func newTheft(t *testing.T, text []byte) *theft {
	t.Helper()
	return &theft{t: t, now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), text: text}
}

func TestAKeyThatWaitedWhenTheFileWasStolenNeverSigns(t *testing.T) {
	f := newTheft(t, jwksOf(t, newPrivate(t)))
	old := f.keys().current().id
	waiting := f.rotate(Rotation{}).Added
	f.now = f.now.Add(time.Hour)

	first := f.replace(Rotation{})
	if first.Added == "" || !first.SignsAt.Equal(f.now.Add(time.Minute)) || !first.DropFrom.Equal(f.now.Add(2*time.Minute)) {
		t.Fatalf("the first step does %+v", first)
	}
	if !slices.Equal(first.Dropped, []string{waiting}) || !slices.Equal(first.Stolen, []string{old}) {
		t.Errorf("it drops %v and marks %v", first.Dropped, first.Stolen)
	}
	if keys := f.keys(); keys.At(f.now).current().id != old || keys.At(first.SignsAt).current().id != first.Added || keys.At(f.now.Add(1000*time.Hour)).current().id != first.Added {
		t.Error("the new key does not take over in a minute and for good")
	}
	before := string(f.text)
	f.now = first.DropFrom.Add(-time.Second)
	if early := f.replace(Rotation{}); early.Added != "" || len(early.Dropped) > 0 || !early.DropFrom.Equal(first.DropFrom) || !slices.Equal(early.Stolen, []string{old}) || string(f.text) != before {
		t.Errorf("too early the second step does %+v", early)
	}
	f.now = first.DropFrom
	if second := f.replace(Rotation{}); second.Added != "" || !slices.Equal(second.Dropped, []string{old}) || len(second.Stolen) > 0 || !second.DropFrom.IsZero() {
		t.Errorf("the second step does %+v", second)
	}
	if ids := f.keys().ids; !slices.Equal(ids, []string{first.Added}) || strings.Contains(string(f.text), "stolen") {
		t.Errorf("left are %v", ids)
	}
	if again := f.replace(Rotation{}); again.Added == "" || !slices.Equal(again.Stolen, []string{first.Added}) {
		t.Errorf("after another theft a step does %+v", again)
	}
}

// What rotates meanwhile keeps the marks, and a key that it adds is a good one.
func TestARotationInTheMidstOfATheftChangesNothingOfIt(t *testing.T) {
	f := newTheft(t, jwksOf(t, newPrivate(t)))
	old := f.keys().current().id
	first := f.replace(Rotation{Kind: ES256})
	if f.rotate(Rotation{}).Added != "" {
		t.Error("another key is added while one waits")
	}
	f.now = first.DropFrom
	next := f.rotate(Rotation{Wait: time.Hour}).Added
	if second := f.replace(Rotation{}); !slices.Equal(second.Dropped, []string{old}) {
		t.Errorf("the second step does %+v", second)
	}
	if ids := f.keys().ids; !slices.Equal(ids, []string{first.Added, next}) {
		t.Errorf("left are %v", ids)
	}
}

func TestKeysOfAStolenFileThatAreOdd(t *testing.T) {
	t.Run("a key that only verifies stays", func(t *testing.T) {
		foreign := newPrivate(t)
		f := newTheft(t, jwksOf(t, newPrivate(t), foreign.Public()))
		f.now = f.replace(Rotation{}).DropFrom
		if done := f.replace(Rotation{}); len(done.Dropped) != 1 || len(f.keys().ids) != 2 {
			t.Errorf("dropped are %v, left %v", done.Dropped, f.keys().ids)
		}
	})
	t.Run("a key that signs before its time does not take over again", func(t *testing.T) {
		f := newTheft(t, jwksOf(t, newPrivate(t)))
		late := f.rotate(Rotation{Wait: 48 * time.Hour}).SignsAt
		f.now = late.Add(26 * time.Hour)
		f.rotate(Rotation{After: 1000 * time.Hour}) // drops the first
		f.now = late.Add(-time.Hour)
		done := f.replace(Rotation{})
		if len(done.Stolen) != 1 || f.keys().At(f.now).current().id != done.Stolen[0] || f.keys().At(late.Add(time.Hour)).current().id != done.Added {
			t.Errorf("the step does %+v", done)
		}
	})
	t.Run("a file in which all are marked begins anew", func(t *testing.T) {
		f := newTheft(t, jwksOf(t, newPrivate(t)))
		f.text = []byte(strings.Replace(string(f.text), `"kty"`, `"stolen":true,"kty"`, 1))
		if done := f.replace(Rotation{}); done.Added == "" || len(done.Stolen) != 1 {
			t.Errorf("the step does %+v", done)
		}
	})
	for name, text := range map[string]string{"nothing": "", "nonsense": "hello", "no private key": "{}"} {
		if _, _, err := ReplaceStolenKeys([]byte(text), time.Now(), Rotation{Random: rand.Reader}); err == nil {
			t.Errorf("%s was replaced", name)
		}
	}
	if _, _, err := ReplaceStolenKeys(jwksOf(t, newPrivate(t)), time.Now(), Rotation{Random: iotest.ErrReader(errors.New("dry"))}); err == nil {
		t.Error("a key was made without randomness")
	}
	if _, err := ParseKeys([]byte(strings.Replace(string(jwksOf(t, newPrivate(t))), `"kty"`, `"stolen":"yes","kty"`, 1))); err == nil {
		t.Error("a mark that is none was taken")
	}
}

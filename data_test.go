package muster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"muster"
)

// withData has a namespace of every kind.
func withData(o *muster.Options) {
	o.Data = []muster.Namespace{
		{Name: "settings", Write: muster.PlayerWrites, MaxBytes: 100},
		{Name: "inventory"},
		{Name: "badges", Read: muster.AllRead},
		{Name: "hidden", Read: muster.ServerReads},
		{Name: "mixed", PlayerFields: []string{"title", "colour"}},
		{Name: "careful", Write: muster.PlayerWrites, RequireMatch: true},
	}
}

// noExpectation is what most calls have.
var noExpectation muster.Precondition

func TestWhoReadsAndWritesWhat(t *testing.T) {
	ctx := context.Background()
	roles := []struct {
		name string
		role muster.DataRole
	}{{"owner", muster.DataOwner}, {"stranger", muster.DataStranger}, {"server", muster.DataServer}}
	const ok = "ok"
	cases := []struct {
		namespace   string
		read, write [3]string // by owner, stranger, server
	}{
		{"settings", [3]string{ok, "data.not_found", ok}, [3]string{ok, "data.not_found", ok}},
		{"inventory", [3]string{ok, "data.not_found", ok}, [3]string{"data.not_writable", "data.not_found", ok}},
		{"badges", [3]string{ok, ok, ok}, [3]string{"data.not_writable", "data.not_writable", ok}},
		{"hidden", [3]string{"data.namespace_unknown", "data.not_found", ok}, [3]string{"data.namespace_unknown", "data.not_found", ok}},
		{"mixed", [3]string{ok, "data.not_found", ok}, [3]string{ok, "data.not_found", ok}},
		{"attributes", [3]string{"data.namespace_unknown", "data.not_found", ok}, [3]string{"data.namespace_unknown", "data.not_found", ok}},
		{"unknown", [3]string{"data.namespace_unknown", "data.namespace_unknown", "data.namespace_unknown"}, [3]string{"data.namespace_unknown", "data.namespace_unknown", "data.namespace_unknown"}},
		{"A#../", [3]string{"data.namespace_unknown", "data.namespace_unknown", "data.namespace_unknown"}, [3]string{"data.namespace_unknown", "data.namespace_unknown", "data.namespace_unknown"}},
	}
	answer := func(err error) string {
		var e *muster.Error
		if errors.As(err, &e) {
			return e.Code
		}
		return ok
	}
	for _, c := range cases {
		t.Run(c.namespace, func(t *testing.T) {
			r := newRigWith(false, withData)
			ann := r.guest("ann")
			if _, _, err := r.PutDocument(ctx, muster.DataServer, ann, c.namespace, []byte(`{"title":1}`), noExpectation); answer(err) != c.write[2] {
				t.Fatalf("a game server writes: %v", err)
			}
			for i, by := range roles {
				_, err := r.Document(ctx, by.role, ann, c.namespace)
				if got := answer(err); got != c.read[i] {
					t.Errorf("%s reads: %s, want %s", by.name, got, c.read[i])
				}
				_, _, err = r.PutDocument(ctx, by.role, ann, c.namespace, []byte(`{"title":2}`), noExpectation)
				if got := answer(err); got != c.write[i] {
					t.Errorf("%s writes: %s, want %s", by.name, got, c.write[i])
				}
				_, _, err = r.PatchDocument(ctx, by.role, ann, c.namespace, []byte(`{"title":3}`), noExpectation)
				if got := answer(err); got != c.write[i] {
					t.Errorf("%s patches: %s, want %s", by.name, got, c.write[i])
				}
				if got := answer(r.DeleteDocument(ctx, by.role, ann, c.namespace, noExpectation)); got != c.write[i] {
					t.Errorf("%s deletes: %s, want %s", by.name, got, c.write[i])
				}
				if c.write[2] == ok {
					_ = must[muster.Document](t)(putData(r, ann, c.namespace, `{"title":1}`))
				}
			}
			_, err := r.Document(ctx, muster.DataServer, "nobody", c.namespace)
			if c.write[2] == ok {
				wantError(t, err, muster.NotFound, "player.not_found")
			}
		})
	}
}

// putData is a write of a game server.
func putData(r *rig, p muster.PlayerID, namespace, body string) (muster.Document, error) {
	doc, _, err := r.PutDocument(context.Background(), muster.DataServer, p, namespace, []byte(body), noExpectation)
	return doc, err
}

func TestDocumentsAreReadStrictly(t *testing.T) {
	ctx := context.Background()
	deep := func(n int) string { return strings.Repeat(`{"a":`, n-1) + `{}` + strings.Repeat(`}`, n-1) }
	cases := []struct {
		name, body string
		want       string // the document, or the code of the refusal
	}{
		{"spaces go and members are ordered", ` { "b" : [ 1 , 2 ] , "a" : { "y":1, "x":2 } } `, `{"a":{"y":1,"x":2},"b":[1,2]}`},
		{"numbers keep their spelling", `{"n":12345678901234567890,"m":1.50,"z":-0}`, `{"m":1.50,"n":12345678901234567890,"z":-0}`},
		{"text stays as it is", `{"t":"<&>é\u2028"}`, `{"t":"<&>é\u2028"}`},
		{"the empty object", `{}`, `{}`},
		{"nothing", ``, "data.not_json"},
		{"a list", `[]`, "data.not_object"},
		{"a text", `"a"`, "data.not_object"},
		{"null", `null`, "data.not_object"},
		{"half of one", `{"a":1`, "data.not_json"},
		{"two", `{} {}`, "data.not_json"},
		{"a comma too many", `{"a":1,}`, "data.not_json"},
		{"broken UTF-8", "{\"a\":\"\xff\"}", "data.not_json"},
		{"a member twice", `{"a":1,"a":2}`, "data.duplicate_key"},
		{"a member twice in different spellings", `{"a":1,"\u0061":2}`, "data.duplicate_key"},
		{"a member twice deep inside", `{"x":[{"a":1,"b":{},"a":2}]}`, "data.duplicate_key"},
		{"the same member in different objects", `{"a":{"a":1},"b":[{"a":1},{"a":"a"}]}`, `{"a":{"a":1},"b":[{"a":1},{"a":"a"}]}`},
		{"a number that is infinite", `{"a":1e999}`, "data.number"},
		{"as deep as may be", deep(32), deep(32)},
		{"deeper", deep(33), "data.too_deep"},
		{"deep lists", `{"a":` + strings.Repeat("[", 1000), "data.too_deep"},
		{"as large as may be", `{"a":"` + strings.Repeat("x", 92) + `"}`, `{"a":"` + strings.Repeat("x", 92) + `"}`},
		{"larger", `{"a":"` + strings.Repeat("x", 93) + `"}`, "data.too_large"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRigWith(false, withData)
			namespace := "settings"
			if strings.HasPrefix(c.name, "as deep") || strings.HasPrefix(c.name, "deep") {
				namespace = "inventory"
			}
			ann := r.guest("ann")
			var got string
			_, _, err := r.PutDocument(ctx, muster.DataServer, ann, namespace, []byte(c.body), noExpectation)
			var e *muster.Error
			if errors.As(err, &e) {
				got = e.Code
			} else {
				got = string(must[muster.Document](t)(r.Document(ctx, muster.DataServer, ann, namespace)).Body)
			}
			if got != c.want {
				t.Errorf("%.200s becomes %.200s, want %.200s", c.body, got, c.want)
			}
		})
	}
}

func TestPlayersWriteTheirFieldsAndNoOthers(t *testing.T) {
	const stored = `{"coins":5,"items":{"a":1,"b":2},"title":"knight"}`
	type call func(r *rig, p muster.PlayerID, by muster.DataRole, body string) error
	put := func(r *rig, p muster.PlayerID, by muster.DataRole, body string) error {
		_, _, err := r.PutDocument(context.Background(), by, p, "mixed", []byte(body), noExpectation)
		return err
	}
	patch := func(r *rig, p muster.PlayerID, by muster.DataRole, body string) error {
		_, _, err := r.PatchDocument(context.Background(), by, p, "mixed", []byte(body), noExpectation)
		return err
	}
	remove := func(r *rig, p muster.PlayerID, by muster.DataRole, _ string) error {
		return r.DeleteDocument(context.Background(), by, p, "mixed", noExpectation)
	}
	cases := []struct {
		name   string
		stored string
		call   call
		by     muster.DataRole
		body   string
		want   string // the document, "none", or the code of the refusal
	}{
		{"a player's write replaces the player's fields alone", stored, put, muster.DataOwner, `{"colour":"red"}`, `{"coins":5,"colour":"red","items":{"a":1,"b":2}}`},
		{"a player may send back what was read", stored, put, muster.DataOwner, `{"items":{"b":2.0,"a":1},"coins":5,"title":"duke"}`, `{"coins":5,"items":{"a":1,"b":2},"title":"duke"}`},
		{"a player cannot change a field of the game server", stored, put, muster.DataOwner, `{"coins":6,"title":"duke"}`, "data.field_not_yours"},
		{"a player cannot make a field of the game server", stored, put, muster.DataOwner, `{"admin":true}`, "data.field_not_yours"},
		{"a player cannot make one up to null", stored, put, muster.DataOwner, `{"admin":null}`, "data.field_not_yours"},
		{"a player makes a document of the player's fields", "", put, muster.DataOwner, `{"title":"squire"}`, `{"title":"squire"}`},
		{"a player's patch", stored, patch, muster.DataOwner, `{"title":null,"colour":{"r":1,"g":null}}`, `{"coins":5,"colour":{"r":1},"items":{"a":1,"b":2}}`},
		{"a player's patch of a field of the game server", stored, patch, muster.DataOwner, `{"items":{"a":2}}`, "data.field_not_yours"},
		{"a player's patch that deletes a field of the game server", stored, patch, muster.DataOwner, `{"coins":null}`, "data.field_not_yours"},
		{"a player's patch that changes nothing of the game server's", stored, patch, muster.DataOwner, `{"items":{"b":2},"admin":null}`, stored},
		{"a player deletes the player's fields alone", stored, remove, muster.DataOwner, "", `{"coins":5,"items":{"a":1,"b":2}}`},
		{"a player deletes a document of the player's fields", `{"title":"knight"}`, remove, muster.DataOwner, "", "none"},
		{"a game server's write keeps the player's fields that it does not send", stored, put, muster.DataServer, `{"coins":9}`, `{"coins":9,"title":"knight"}`},
		{"a game server may write the player's fields", stored, put, muster.DataServer, `{"coins":9,"title":"traitor"}`, `{"coins":9,"title":"traitor"}`},
		{"a game server's patch", stored, patch, muster.DataServer, `{"items":{"a":null,"c":[3]},"title":null}`, `{"coins":5,"items":{"b":2,"c":[3]}}`},
		{"a patch of what is no object replaces it", `{"items":7}`, patch, muster.DataServer, `{"items":{"a":{"b":1,"c":null}}}`, `{"items":{"a":{"b":1}}}`},
		{"a patch without a document makes one", "", patch, muster.DataServer, `{"coins":1,"items":null}`, `{"coins":1}`},
		{"a game server deletes it all", stored, remove, muster.DataServer, "", "none"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRigWith(false, withData)
			ann := r.guest("ann")
			if c.stored != "" {
				_ = must[muster.Document](t)(putData(r, ann, "mixed", c.stored))
			}
			err := c.call(r, ann, c.by, c.body)
			doc, readErr := r.Document(context.Background(), muster.DataServer, ann, "mixed")
			got := string(doc.Body)
			var e *muster.Error
			switch {
			case errors.As(err, &e):
				got = e.Code
				if string(doc.Body) != c.stored {
					t.Errorf("after a refusal the document is %s", doc.Body)
				}
			case muster.KindOf(readErr) == muster.NotFound:
				got = "none"
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestADocumentIsWrittenOnlyIfItIsWhatWasRead(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, withData)
	ann := r.guest("ann")
	put := func(body string, expect muster.Precondition) (muster.Document, error) {
		doc, _, err := r.PutDocument(ctx, muster.DataOwner, ann, "careful", []byte(body), expect)
		return doc, err
	}
	match := func(tags ...string) muster.Precondition { return muster.Precondition{Match: tags} }
	absent := muster.Precondition{NoneMatch: []string{"*"}}
	_, err := put(`{}`, noExpectation)
	wantError(t, err, muster.Invalid, muster.PreconditionRequired)
	_, err = put(`{}`, match("*"))
	wantError(t, err, muster.Conflict, muster.PreconditionFailed)
	first := must[muster.Document](t)(put(`{"a":1}`, absent))
	_, err = put(`{"a":2}`, absent)
	wantError(t, err, muster.Conflict, muster.PreconditionFailed)
	second := must[muster.Document](t)(put(`{"a":2}`, match("other", first.Tag)))
	_, err = put(`{"a":3}`, match(first.Tag))
	wantError(t, err, muster.Conflict, muster.PreconditionFailed)
	if e := new(muster.Error); !errors.As(err, &e) || e.Details["etag"] != second.Tag {
		t.Errorf("the refusal tells %v, want %s", e.Details, second.Tag)
	}
	if same := must[muster.Document](t)(put(`{"a":2}`, match(second.Tag))); same.Tag != second.Tag {
		t.Error("writing what is there already gives it another tag")
	}
	wantError(t, r.DeleteDocument(ctx, muster.DataOwner, ann, "careful", match(first.Tag)), muster.Conflict, muster.PreconditionFailed)
	if err := r.DeleteDocument(ctx, muster.DataOwner, ann, "careful", match(second.Tag)); err != nil {
		t.Fatal(err)
	}
	other := must[muster.Document](t)(put(`{"b":1}`, absent))
	if other.Tag == first.Tag {
		t.Error("a document that was deleted and made anew has the tag of its first life")
	}
	if list := must[[]muster.DocumentView](t)(r.Documents(ctx, ann)); len(list) != 1 || list[0].ETag != other.Tag || list[0].Bytes != 7 || !list[0].Writable {
		t.Errorf("listed are %+v", list)
	}
}

func TestNoWriteOfManyIsLost(t *testing.T) {
	ctx := context.Background()
	r := newRigWith(false, withData)
	ann := r.guest("ann")
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			body := []byte(`{"n` + strconv.Itoa(i) + `":1}`)
			if _, _, err := r.PatchDocument(ctx, muster.DataServer, ann, "inventory", body, noExpectation); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var got map[string]int
	if err := json.Unmarshal(must[muster.Document](t)(r.Document(ctx, muster.DataServer, ann, "inventory")).Body, &got); err != nil || len(got) != 10 {
		t.Errorf("%d of 10 patches are in %v (%v)", len(got), got, err)
	}
}

func TestMatchmakingReadsAnyNamespaceOfTheServers(t *testing.T) {
	r := newRigWith(false, func(o *muster.Options) {
		withData(o)
		withAttribute(muster.AttributeSource{From: muster.FromPlayer, Field: "inventory.rank.main"})(o)
	})
	ann := r.guest("ann")
	_ = must[muster.Document](t)(putData(r, ann, "inventory", `{"rank.main":3}`))
	_ = must[muster.Document](t)(putData(r, ann, "inventory", `{"rank.main":4}`))
	view := must[muster.AdminTicketView](t)(r.InspectTicket(context.Background(), r.start(t, ann, duel()).ID))
	if got := inWords(view.Players[0].Attributes[0]); got != "4 from player inventory.rank.main@2" {
		t.Errorf("sent is %s", got)
	}
}

func TestAttributesAreADocumentOfGameServers(t *testing.T) {
	ctx := context.Background()
	r := newRig(false)
	ann := r.guest("ann")
	if err := r.SetAttributes(ctx, ann, map[string]any{"level": 3.0, "guild": "owls"}); err != nil {
		t.Fatal(err)
	}
	if doc := must[muster.Document](t)(r.Document(ctx, muster.DataServer, ann, "attributes")); string(doc.Body) != `{"guild":"owls","level":3}` {
		t.Errorf("document is %s", doc.Body)
	}
	_, err := putData(r, ann, "attributes", `{"level":[3]}`)
	wantError(t, err, muster.Invalid, "attributes.type")
	_, err = putData(r, ann, "attributes", `{"guild":"`+strings.Repeat("x", 16<<10)+`"}`)
	wantError(t, err, muster.Invalid, "attributes.too_large")
}

func TestNamespacesThatAreWrong(t *testing.T) {
	source := func(field string) muster.Mode {
		return muster.Mode{Attributes: map[string]muster.AttributeSource{"x": {From: muster.FromPlayer, Field: field}}}
	}
	good := []muster.Namespace{{Name: "mixed", PlayerFields: []string{"title"}}, {Name: "settings", Write: muster.PlayerWrites}}
	var many []muster.Namespace
	for i := range 33 {
		many = append(many, muster.Namespace{Name: fmt.Sprint("n", i)})
	}
	cases := []struct {
		name string
		data []muster.Namespace
		mode muster.Mode
		want string
	}{
		{"all is well", good, source("mixed.level"), ""},
		{"the attributes need no configuration", nil, source("level"), ""},
		{"too many", many, muster.Mode{}, "data"},
		{"a name with a separator of keys", []muster.Namespace{{Name: "a#b"}}, muster.Mode{}, "data.a#b"},
		{"a writer that there is none of", []muster.Namespace{{Name: "a", Write: "owner"}}, muster.Mode{}, "data.a.write"},
		{"a reader that there is none of", []muster.Namespace{{Name: "a", Read: "player"}}, muster.Mode{}, "data.a.read"},
		{"a document beyond every store", []muster.Namespace{{Name: "a", MaxBytes: 400_000}}, muster.Mode{}, "data.a.maxBytes"},
		{"fields of players where they write all", []muster.Namespace{{Name: "a", Write: muster.PlayerWrites, PlayerFields: []string{"b"}}}, muster.Mode{}, "data.a.playerFields"},
		{"fields of players who cannot read", []muster.Namespace{{Name: "a", Read: muster.ServerReads, PlayerFields: []string{"b"}}}, muster.Mode{}, "data.a.playerFields"},
		{"attributes that players write", []muster.Namespace{{Name: "attributes", Write: muster.PlayerWrites}}, muster.Mode{}, "data.attributes.write"},
		{"matchmaking that trusts players", good, source("settings.level"), "modes[0].attributes.x.field"},
		{"matchmaking that trusts a field of players", good, source("mixed.title"), "modes[0].attributes.x.field"},
		{"matchmaking from nowhere", good, source("bag.level"), "modes[0].attributes.x.field"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var fields []string
			for _, p := range muster.ValidateData(c.data, []muster.Mode{c.mode}) {
				fields = append(fields, p.Field)
			}
			if got := strings.Join(fields, " "); got != c.want {
				t.Errorf("problems at %q, want %q", got, c.want)
			}
		})
	}
}

// Whatever is sent as a document: what is stored is a JSON object that is read back as
// itself, and nobody but a game server changed a field of the game server's.
func FuzzDocuments(f *testing.F) {
	for _, body := range []string{`{}`, `{"title":{"a":[1,2,{"b":null}]}}`, `{"coins":5}`, `{"coins":5.0,"title":1e5}`, `{"a":1,"a":2}`, "\xff", `{"title":"\ud800"}`, `{"Coins":1}`, `{"title":1e-999}`} {
		f.Add(body, true)
		f.Add(body, false)
	}
	ctx := context.Background()
	f.Fuzz(func(t *testing.T, body string, patch bool) {
		r := newRigWith(false, withData)
		ann := r.guest("ann")
		_ = must[muster.Document](t)(putData(r, ann, "mixed", `{"coins":5,"items":{"a":[1]}}`))
		write := r.PutDocument
		if patch {
			write = r.PatchDocument
		}
		_, _, err := write(ctx, muster.DataOwner, ann, "mixed", []byte(body), noExpectation)
		if err != nil && muster.KindOf(err) != muster.Invalid && muster.KindOf(err) != muster.Denied {
			t.Fatalf("%q: %v", body, err)
		}
		doc := must[muster.Document](t)(r.Document(ctx, muster.DataServer, ann, "mixed"))
		var got map[string]json.RawMessage
		if err := json.Unmarshal(doc.Body, &got); err != nil {
			t.Fatalf("%q is stored as %q: %v", body, doc.Body, err)
		}
		for name := range got {
			if name != "title" && name != "colour" && name != "coins" && name != "items" {
				t.Fatalf("%q brings a field %q", body, name)
			}
		}
		if string(got["coins"]) != "5" || string(got["items"]) != `{"a":[1]}` {
			t.Fatalf("%q changes what is the game server's: %s", body, doc.Body)
		}
		again := must[muster.Document](t)(putData(r, ann, "mixed", string(doc.Body)))
		if again.Tag != doc.Tag {
			t.Fatalf("%s read and written back is %s", doc.Body, again.Body)
		}
	})
}

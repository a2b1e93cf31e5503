package httpapi

import (
	"context"
	"fmt"
	"testing"

	"muster"
)

var _ Documents = (*muster.Backend)(nil)

// fakeDocuments remembers the last call and gives back what was written.
type fakeDocuments struct {
	err    error
	last   string
	body   string
	expect muster.Precondition
}

func (f *fakeDocuments) called(call string, by muster.DataRole, p muster.PlayerID, namespace string, body []byte, expect muster.Precondition) (muster.Document, error) {
	role := []string{"owner", "stranger", "server"}[by]
	f.last, f.body, f.expect = fmt.Sprintf("%s %s %s as %s", call, p, namespace, role), string(body), expect
	return muster.Document{Namespace: namespace, Body: body, Tag: "3-abc"}, f.err
}

func (f *fakeDocuments) Documents(context.Context, muster.PlayerID) ([]muster.DocumentView, error) {
	return nil, f.err
}

func (f *fakeDocuments) Document(_ context.Context, by muster.DataRole, p muster.PlayerID, namespace string) (muster.Document, error) {
	return f.called("read", by, p, namespace, []byte(`{"volume":1e2}`), muster.Precondition{})
}

func (f *fakeDocuments) PutDocument(_ context.Context, by muster.DataRole, p muster.PlayerID, namespace string, body []byte, expect muster.Precondition) (muster.Document, bool, error) {
	doc, err := f.called("put", by, p, namespace, body, expect)
	return doc, true, err
}

func (f *fakeDocuments) PatchDocument(_ context.Context, by muster.DataRole, p muster.PlayerID, namespace string, patch []byte, expect muster.Precondition) (muster.Document, bool, error) {
	doc, err := f.called("patch", by, p, namespace, patch, expect)
	return doc, false, err
}

func (f *fakeDocuments) DeleteDocument(_ context.Context, by muster.DataRole, p muster.PlayerID, namespace string, expect muster.Precondition) error {
	_, err := f.called("delete", by, p, namespace, nil, expect)
	return err
}

func TestDocumentsAreForWhomTheyAre(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct{ name, method, target, token, want string }{
		{"a player's own", "GET", "/v1/players/me/data/settings", "ada", "read p-ada settings as owner"},
		{"a player's own by its id", "GET", "/v1/players/p-ada/data/settings", "ada", "read p-ada settings as owner"},
		{"another player's", "GET", "/v1/players/p-bob/data/settings", "ada", "read p-bob settings as stranger"},
		{"a game server", "GET", "/v1/server/players/p-bob/data/settings", "msk_good", "read p-bob settings as server"},
		{"a player's own to write", "PUT", "/v1/players/me/data/settings", "guest", "put p-guest settings as owner"},
		{"a game server's to write", "PUT", "/v1/server/players/p-bob/data/settings", "msk_good", "put p-bob settings as server"},
		{"a player's own to patch", "PATCH", "/v1/players/me/data/settings", "ada", "patch p-ada settings as owner"},
		{"a game server's to patch", "PATCH", "/v1/server/players/p-bob/data/settings", "msk_good", "patch p-bob settings as server"},
		{"a player's own to delete", "DELETE", "/v1/players/me/data/settings", "ada", "delete p-ada settings as owner"},
		{"a game server's to delete", "DELETE", "/v1/server/players/p-bob/data/settings", "msk_good", "delete p-bob settings as server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			body := ""
			if c.method[0] == 'P' {
				body = `{}`
			}
			if a := r.do(c.method, c.target, c.token, body); a.status >= 300 || r.documents.last != c.want {
				t.Errorf("%d, the rules got %q, want %q", a.status, r.documents.last, c.want)
			}
		})
	}
	if a := r.do("PUT", "/v1/players/p-bob/data/settings", "ada", `{}`); a.status != 405 {
		t.Errorf("writing another player's document answers %d", a.status)
	}
}

func TestADocumentReachesTheRulesAsSent(t *testing.T) {
	r := newRig(t, nil)
	const body = `{"n":12345678901234567890, "a":1,"a":2,"t":"<&>"}`
	a := r.do("PUT", "/v1/players/me/data/settings", "ada", body, "If-None-Match", "*")
	if a.status != 201 || a.header.Get("ETag") != `"3-abc"` || r.documents.body != body {
		t.Fatalf("%d, ETag %s, the rules got %s", a.status, a.header.Get("ETag"), r.documents.body)
	}
	if fmt.Sprint(r.documents.expect) != "{[] [*]}" {
		t.Errorf("expected is %v", r.documents.expect)
	}
	r.do("DELETE", "/v1/players/me/data/settings", "ada", "", "If-Match", `"3-abc"`)
	if fmt.Sprint(r.documents.expect) != "{[3-abc] []}" {
		t.Errorf("expected is %v", r.documents.expect)
	}
	if a := r.do("GET", "/v1/players/me/data/settings", "ada", "", "If-None-Match", `"3-abc"`); a.status != 304 || a.body != "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = r.do("PATCH", "/v1/players/me/data/settings", "ada", `{"a":1}`, "Content-Type", "application/merge-patch+json")
	if a.status != 200 {
		t.Errorf("a merge patch: %d %s", a.status, a.body)
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	r := newRig(t, nil)
	for name, c := range map[string]struct {
		body, code string
		status     int
	}{
		"nothing":     {``, "data.not_json", 400},
		"half of one": {`{"a":`, "data.not_json", 400},
		"two":         {`{} {}`, "data.not_json", 400},
		"a word":      {`volume`, "data.not_json", 400},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.documents.last = ""
			if a := r.do("PUT", "/v1/players/me/data/settings", "ada", c.body); a.status != c.status || a.code() != c.code || r.documents.last != "" {
				t.Errorf("%d %s; the rules got %q", a.status, a.body, r.documents.last)
			}
		})
	}
	for _, body := range []string{`[1]`, `"x"`, `null`, `{"n":1e999}`} {
		if r.do("PUT", "/v1/players/me/data/settings", "ada", body); r.documents.body != body {
			t.Errorf("the rules do not judge %s, they got %q", body, r.documents.body)
		}
	}
	if a := r.do("PUT", "/v1/players/me/data/settings", "ada", `{}`, "If-Match", "3"); a.status != 400 || a.code() != "request.etag" {
		t.Errorf("an ETag without quotes: %d %s", a.status, a.body)
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	r := newRig(t, nil)
	failed := muster.Errorf(muster.Conflict, muster.PreconditionFailed, "changed")
	failed.Details = map[string]any{"etag": "4-def"}
	for _, c := range []struct {
		err    error
		status int
	}{
		{failed, 412},
		{muster.Errorf(muster.Invalid, muster.PreconditionRequired, "say what"), 428},
		{muster.Errorf(muster.Denied, "data.field_not_yours", "no"), 403},
		{muster.Errorf(muster.NotFound, "data.namespace_unknown", "no"), 404},
	} {
		r.documents.err = c.err
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			body := `{}`
			if method == "DELETE" {
				body = ""
			}
			a := r.do(method, "/v1/players/me/data/settings", "ada", body)
			if a.status != c.status {
				t.Errorf("%s is answered with %d, want %d: %s", method, a.status, c.status, a.body)
			}
			if c.status == 412 && a.header.Get("ETag") != `"4-def"` {
				t.Errorf("412 with ETag %s", a.header.Get("ETag"))
			}
		}
	}
}

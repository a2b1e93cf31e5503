package httpapi

import (
	"context"
	"strings"
	"testing"

	"muster"
)

// fakeHeralds knows "acme", and there the payload "gone".
type fakeHeralds struct{ last string }

func (f *fakeHeralds) Hear(_ context.Context, provider, payload string) error {
	f.last = provider + " " + payload
	switch {
	case provider != "acme":
		return muster.Errorf(muster.NotFound, "provider.unknown", "there is no way in of this name that tells news")
	case payload != "gone":
		return muster.Errorf(muster.Unauthenticated, "credential.invalid", "this proof is not valid")
	}
	return nil
}

func TestPlatformsTellNews(t *testing.T) {
	r := newRig(t, nil)
	for name, c := range map[string]struct {
		target, body string
		status       int
		want, last   string
	}{
		"what is signed is heard":             {"/v1/auth/notifications/acme", `{"payload":"gone"}`, 204, ``, "acme gone"},
		"more members are taken, and ignored": {"/v1/auth/notifications/acme", `{"payload":"gone","more":1}`, 204, ``, "acme gone"},
		"what is not signed is refused":       {"/v1/auth/notifications/acme", `{"payload":"x"}`, 401, `credential.invalid`, "acme x"},
		"nobody else is known":                {"/v1/auth/notifications/nobody", `{"payload":"gone"}`, 404, `provider.unknown`, "nobody gone"},
		"nothing is no news":                  {"/v1/auth/notifications/acme", `{}`, 400, `request.invalid`, ""},
		"an endless payload is refused":       {"/v1/auth/notifications/acme", `{"payload":"` + strings.Repeat("x", 16385) + `"}`, 400, `request.invalid`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r.t, r.heralds.last = t, ""
			a := r.do("POST", c.target, "", c.body)
			if a.status != c.status || !strings.Contains(a.body, c.want) || r.heralds.last != c.last {
				t.Errorf("status %d, body %s, heard %q; want %d with %s, %q", a.status, a.body, r.heralds.last, c.status, c.want, c.last)
			}
		})
	}
}

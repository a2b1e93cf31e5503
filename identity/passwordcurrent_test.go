package identity

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster"
)

func TestAFreshSignInChangesAPasswordWhereThatIsEnough(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		wait    time.Duration
		current string
		code    string // of the refusal
	}{
		"right after the sign-in":       {freshFor, "", ""},
		"not later":                     {freshFor + time.Second, "", "signin.not_fresh"},
		"later with the present one":    {time.Hour, annWords, ""},
		"not with a wrong one at once":  {0, "something else", "password.wrong"},
		"with the present one at once":  {0, annWords, ""},
		"not with a wrong one later on": {time.Hour, "something else", "password.wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, func(o *PasswordOptions) { o.ChangeAfterSignIn = true })
			caller := d.caller(t, d.signUp(t, annMail, annWords))
			d.site.pass(c.wait)
			err := d.Change(ctx, caller, c.current, newWords)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantRefusal(t, err, muster.Denied, c.code, c.current)
			if c.code == "signin.not_fresh" && !strings.Contains(err.Error(), "as current") {
				t.Errorf("it does not name current: %v", err)
			}
		})
	}
}

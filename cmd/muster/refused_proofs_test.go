package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"muster/identity"
)

func TestARefusedProofIsOneLine(t *testing.T) {
	for name, c := range map[string]struct {
		reason identity.Reason
		cause  error
		want   string
	}{
		"a bad proof":                      {identity.CredentialInvalid, nil, "level=INFO msg=\"a proof was refused\" provider=steam reason=credential.invalid"},
		"a platform that is down":          {identity.ProviderUnavailable, errors.New("status 503"), "level=WARN msg=\"a proof was refused\" provider=steam reason=provider.unavailable cause=\"status 503\""},
		"a platform that asks for a pause": {identity.ProviderRateLimited, nil, "level=WARN msg=\"a proof was refused\" provider=steam reason=provider.rate_limited"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if _, isTime := a.Value.Any().(time.Time); isTime {
					return slog.Attr{}
				}
				return a
			}}))
			logRefusedProofs(log, time.Now)("steam", identity.Refusal(c.reason, c.cause))
			if got := strings.TrimSpace(out.String()); got != c.want {
				t.Errorf("logged\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestAnOutageIsAWarningNowAndThen(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1e9, 0)
	tell := logRefusedProofs(slog.New(slog.NewTextHandler(&out, nil)), func() time.Time { return now })
	for _, step := range []struct {
		provider string
		pass     time.Duration
		warnings int // so far
	}{{"steam", 0, 1}, {"steam", time.Second, 1}, {"xbox", 0, 2}, {"steam", outageEvery, 3}} {
		now = now.Add(step.pass)
		tell(step.provider, identity.Refusal(identity.ProviderUnavailable, nil))
		if got := strings.Count(out.String(), "level=WARN"); got != step.warnings {
			t.Errorf("%d warnings, want %d:\n%s", got, step.warnings, out.String())
		}
	}
	if got := strings.Count(out.String(), "a proof was refused"); got != 4 {
		t.Errorf("%d lines for four proofs", got)
	}
}

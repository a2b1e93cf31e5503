package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"muster"
	"muster/aws/gamelift"
)

func TestRefusedMessagesAreWarnedOfOnceAMinute(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var said bytes.Buffer
	r := newRefusals(slog.New(slog.NewTextHandler(&said, nil)), func() time.Time { return now })
	var answer error
	take := r.watch(func(context.Context, []byte) error { return answer })
	for _, step := range []struct {
		name   string
		answer error
		after  time.Duration
		says   string // "": nothing
	}{
		{"a message that is taken", nil, 0, ""},
		{"a certificate elsewhere", muster.Errorf(muster.Denied, "sns.certificate_url", "not trusted"), 0, "--sns-trust"},
		{"the same again", muster.Errorf(muster.Denied, "sns.certificate_url", "not trusted"), time.Second, ""},
		{"another reason", muster.Errorf(muster.Denied, "sns.topic", "not ours"), 0, "--sns-topic"},
		{"what is no SNS message", muster.Errorf(muster.Invalid, "sns.malformed", "not JSON"), 0, "not JSON"},
		{"a store that is away, which SNS tries again", muster.Errorf(muster.Unavailable, "store", "away"), 0, ""},
		{"an error of no kind", errors.New("broken"), 0, ""},
		{"the first reason a minute later", muster.Errorf(muster.Denied, "sns.certificate_url", "not trusted"), time.Minute, "alsoRefused=1"},
	} {
		said.Reset()
		now, answer = now.Add(step.after), step.answer
		if err := take(t.Context(), nil); !errors.Is(err, step.answer) {
			t.Errorf("%s: the answer became %v", step.name, err)
		}
		if got := said.String(); step.says == "" && got != "" || !strings.Contains(got, step.says) {
			t.Errorf("%s: said %q, want %q in it", step.name, got, step.says)
		}
	}
}

func TestAnUntrustedCertificateNamesItsRemedy(t *testing.T) {
	var said bytes.Buffer
	receiver := gamelift.NewReceiver(gamelift.ReceiverOptions{Topics: []string{topicARN}, Now: time.Now})
	take := newRefusals(slog.New(slog.NewTextHandler(&said, nil)), time.Now).watch(receiver.Handler(nil, nil))
	body := `{"Type":"Notification","MessageId":"1","TopicArn":"` + topicARN + `","SignatureVersion":"2","SigningCertURL":"http://127.0.0.1:4570/sns/x.pem"}`
	if err := take(t.Context(), []byte(body)); muster.KindOf(err) != muster.Denied || !strings.Contains(said.String(), "--sns-trust") {
		t.Errorf("answered %v and said %q", err, said.String())
	}
}

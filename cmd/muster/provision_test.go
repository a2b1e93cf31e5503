package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"muster/aws/gamelift"
)

// provision runs `muster provision` against the local GameLift of a house.
func (h *house) provisionBy(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &process{stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}
	code = run(t.Context(), p, append([]string{"provision", "--region", region, "--gamelift-endpoint", h.liftURL()}, args...))
	return code, out.String(), errs.String()
}

func TestProvisionMakesWhatTheConfigurationSpeaksOf(t *testing.T) {
	h := newLift(t)
	serveArgs, _ := h.serveArgs(t)
	conf := serveArgs[1]
	code, stdout, stderr := h.provisionBy(t, "--config", conf, "--topic", topicARN+"-2", "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	var made struct{ FleetID, QueueARN string }
	if err := json.Unmarshal([]byte(stdout), &made); err != nil || !strings.HasPrefix(made.FleetID, "fleet-") || !strings.HasSuffix(made.QueueARN, "/muster") {
		t.Errorf("it made %s, %v", stdout, err)
	}
	state, err := h.client.Matchmaker(t.Context(), "duel")
	if err != nil || state != (gamelift.MatchmakerState{NotificationTarget: topicARN + "-2", AcceptanceTimeoutSeconds: 20}) {
		t.Errorf("the configuration is %+v, %v", state, err)
	}
	_, again, _ := h.provisionBy(t, "--config", conf, "--json")
	if strings.Contains(again, `"made"`) || strings.Contains(again, `"changed"`) || !strings.Contains(again, made.FleetID) {
		t.Errorf("the second run, without a topic, did %s", again)
	}
	if state, err := h.client.Matchmaker(t.Context(), "duel"); err != nil || state.NotificationTarget != topicARN+"-2" {
		t.Errorf("without --topic the topic is %+v, %v", state, err)
	}
	if _, stdout, _ := h.provisionBy(t, "--config", conf); !strings.Contains(stdout, "unchanged  matchmaking configuration duel\n") {
		t.Errorf("in words: %s", stdout)
	}
	code, stdout, stderr = h.provisionBy(t, "--config", conf, "--queue-arn", h.fleet.QueueARN)
	if code != 0 || !strings.Contains(stdout, "2 matchmaking configurations") || !strings.Contains(stdout, h.fleet.QueueARN) {
		t.Errorf("with a queue that is there: %d %s%s", code, stdout, stderr)
	}
	if code, _, said := h.provisionBy(t, "--config", conf, "--queue-arn", "arn:aws:gamelift:us-west-2:123456789012:gamesessionqueue/gone"); code != 1 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "GameLift cannot be set up") {
		t.Errorf("with a queue that is not there: %d %s", code, said)
	}
}

func TestProvisionNamesWhatIsWrong(t *testing.T) {
	h := newHouse(t, config{})
	serveArgs, _ := h.serveArgs(t)
	conf := serveArgs[1]
	cases := []struct {
		name string
		args []string
		says string
	}{
		{"a configuration that is not there", []string{"--config", "gone.yaml"}, "gone.yaml"},
		{"a topic that is no ARN", []string{"--config", conf, "--topic", "matchmaking"}, `--topic "matchmaking" is not the ARN of a topic`},
		{"an endpoint that is none", []string{"--config", conf, "--gamelift-endpoint", "here"}, "--gamelift-endpoint"},
	}
	for _, c := range cases {
		if code, _, said := h.provisionBy(t, c.args...); code != 1 || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d %s", c.name, code, said)
		}
	}
}

// The variable that names the topics of muster serve may name several.
func TestProvisionTakesOneTopic(t *testing.T) {
	h := newHouse(t, config{})
	serveArgs, _ := h.serveArgs(t)
	cases := []struct {
		name, env string
		args      []string
		says      string
	}{
		{"two in the environment", topicARN + "," + topicARN + "-2", nil, "names 2 topics"},
		{"two as a flag", "", []string{"--topic", topicARN + "," + topicARN}, "names 2 topics"},
		{"no ARN", "", []string{"--topic", "matchmaking"}, `"matchmaking" is not the ARN of a topic`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("MUSTER_SNS_TOPICS", c.env)
			code, _, said := h.provisionBy(t, append([]string{"--config", serveArgs[1]}, c.args...)...)
			if code == 0 || !strings.Contains(said, c.says) {
				t.Errorf("code %d: %s", code, said)
			}
		})
	}
}

func TestALocalGameLiftKeepsGameServers(t *testing.T) {
	dir := t.TempDir()
	code, said := runGameLift(t, func() {
		waitFor(t, func() bool {
			logs, err := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
			return err == nil && len(logs) >= 2
		})
	}, "--data", dir, "--spare", "2", "--", "sleep", "60")
	if code != 0 {
		t.Errorf("it ended with %d: %s", code, said)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--", "./nope"}, "cannot be started"},
		{[]string{"--"}, "after --"},
		{[]string{"--location", "home", "--", "sleep", "60"}, "--location"},
		{[]string{"--spare", "9", "--max", "3"}, "--spare 9"},
	} {
		if code, said := runGameLift(t, func() {}, append([]string{"--data", dir}, c.args...)...); code == 0 || !strings.Contains(said, c.says) {
			t.Errorf("%q: %d %s", c.args, code, said)
		}
	}
}

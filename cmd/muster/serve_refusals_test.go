package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster"
	"muster/aws/caller"
)

// withoutRegion has the AWS SDK find no region.
func withoutRegion(t *testing.T) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
	} {
		t.Setenv(name, value)
	}
}

// ownDuel writes a configuration with a mode and more, and returns its file.
func ownDuel(t *testing.T, more string) (file string) {
	t.Helper()
	dir := t.TempDir()
	rules, err := builtin.ReadFile("builtin/duel.json")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "muster.yaml")
	body := "locations: [us-east-1]\nmodes:\n  - {name: duel, configuration: duel, ruleSet: duel.json}\n" + more
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "duel.json"), rules, 0o600), os.WriteFile(file, []byte(body), 0o600)); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAMissingRegionIsToldWithTheRestAndLeavesNoDatabase(t *testing.T) {
	withoutRegion(t)
	store := filepath.Join(t.TempDir(), "muster.db")
	var said bytes.Buffer
	p := &process{stdout: io.Discard, stderr: &said, getenv: func(string) string { return "" }}
	code := run(t.Context(), p, []string{"serve", "--config", ownDuel(t, ""), "--url", "https://play.example", "--store", "sqlite:" + store, "--create-table"})
	if code != 1 || !strings.Contains(said.String(), "no region") || !strings.Contains(said.String(), "there are no signing keys") {
		t.Errorf("exit %d: %s", code, said.String())
	}
	if _, err := os.Stat(store); err == nil {
		t.Error("a database is left behind")
	}
}

// Those of the file come in the order of its lines, whichever look finds them.
func TestSecretsThatDoNotDoAreToldWithTheOthersByTheirLines(t *testing.T) {
	file := ownDuel(t, `identity:
  providers:
    studio:
      kind: webhook
      url: https://accounts.studio.example/prove
      key: {env: SHORT}
    apple:
      clientIds: [com.example.game]
      teamId: ABCDE12345
      keyId: ABCDE12345
      privateKey: {env: SHORT}
    xbox:
      relyingParty: 'rp://game.example/'
      privateKey: {env: SHORT}
    steam:
      key: {env: NONE}
      appId: chess
`)
	c := &serveCmd{Config: file, URL: "https://play.example", awsFlags: awsFlags{Region: "us-east-1"}}
	_, err := c.settings(func(name string) string { return map[string]string{"SHORT": "topsecret"}[name] })
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Fatalf("it says %v", err)
	}
	rest := err.Error()
	for _, want := range []string{
		file + ":9: identity.providers.studio.key: is shorter than 32 bytes",
		file + ":14: identity.providers.apple.privateKey: is not a private key in PEM (PKCS#8)",
		file + ":17: identity.providers.xbox.privateKey: is not PEM of one to four private keys",
		file + ":19: identity.providers.steam.key: the environment variable NONE is not set",
		file + ":20: identity.providers.steam.appId:",
		"there are no signing keys",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is not told, or not in its place:\n%v", want, err)
		}
		rest = after
	}
}

func TestATabInTheConfigurationIsCalledSo(t *testing.T) {
	_, err := parseConfig("c.yaml", []byte("modes:\n  - name: a\n\truleSet: good.json\n"), files)
	if err == nil || err.Error() != "c.yaml:3: indent with spaces, not tabs" {
		t.Errorf("it says %v", err)
	}
	if _, err := parseConfig("c.yaml", []byte(oneMode+"identity: [\n"), files); err == nil || strings.Contains(err.Error(), "tabs") {
		t.Errorf("without a tab it says %v", err)
	}
}

func TestKeysInThePlaceOfHashesAreCalledByTheirKind(t *testing.T) {
	for _, whose := range []string{"server", "admin"} {
		if err := checkKeyHashes(whose, []string{"topsecret"}); err == nil || !strings.Contains(err.Error(), whose+" key 1: its hash is not") || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("of a %s key it says %v", whose, err)
		}
	}
}

func TestAKeyThatWasCutOffHasNoHash(t *testing.T) {
	var made bytes.Buffer
	if err := (&adminKeyCmd{}).Run(&process{stdout: &made}); err != nil {
		t.Fatal(err)
	}
	key := strings.Fields(made.String())[1]
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"a whole key":             {key, true},
		"one cut off":             {key[:len(key)-1], false},
		"one with more behind it": {key + "A", false},
		"a beginning alone":       {"msk_", false},
		"one of no kind":          {"x" + key, false},
	} {
		var said bytes.Buffer
		err := hashKeyCmd{}.Run(&process{stdin: strings.NewReader(c.text + "\n"), stdout: &said})
		if (err == nil) != c.good || said.Len() > 0 != c.good {
			t.Errorf("%s: %q, %v", name, said.String(), err)
		}
	}
}

func TestWhyGameLiftSaysNothing(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		says string
	}{
		"away":                {muster.Errorf(muster.Unavailable, "gamelift.unavailable", "x"), "GameLift does not answer"},
		"wrong credentials":   {muster.Errorf(muster.Unavailable, "gamelift.not_authorized", "x"), "GameLift refuses our AWS credentials"},
		"without credentials": {&muster.Error{Kind: muster.Unavailable, Code: "gamelift.not_authorized", Err: caller.ErrNoCredentials}, "there are no AWS credentials"},
	} {
		if got := withoutGameLift(c.err); !strings.HasPrefix(got, c.says) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestMailThatNobodyGetsIsWarnedOf(t *testing.T) {
	for text, warned := range map[string]bool{
		"mail: {console: true}":                true,
		"mail: {from: a@game.example}":         true,
		"mail: {console: true}, passwords: {}": false,
		"mail: {}":                             false,
	} {
		c, err := parseConfig("c.yaml", []byte(oneMode+"identity: {"+text+"}\n"), files)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		c.Identity.warnOfMail(slog.New(slog.NewTextHandler(&log, nil)))
		if log.Len() > 0 != warned {
			t.Errorf("%s: %q", text, log.String())
		}
	}
}

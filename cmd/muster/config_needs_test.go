package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAllThatIsMissingIsToldAtOnceWithLinesAndWholePaths(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := builtin.ReadFile("builtin/duel.json")
	if err != nil {
		t.Fatal(err)
	}
	write("duel.json", string(rules))
	write("blank.txt", " \n")
	write("here.txt", "topsecret")
	write("muster.yaml", `locations: [us-east-1]
modes:
  - {name: duel, configuration: duel, ruleSet: duel.json}
  - {name: other, configuration: other, ruleSet: gone.json}
identity:
  passwords:
    breached:
      file: nowhere/pwned.txt
  mail:
    from: no-reply@game.example
    smtp:
      address: smtp.example.com:587
      user: game
      password: {env: NO_MAIL_PASSWORD}
  providers:
    steam:
      appId: 480
      key: {file: secrets/steam.txt}
    discord:
      clientId: "1"
      redirectUris: ['https://game.example/']
      clientSecret: {file: blank.txt}
    playgames:
      applicationId: a
      clientId: c
      clientSecret: {file: here.txt}
`)
	file := filepath.Join(dir, "muster.yaml")
	c := &serveCmd{Config: file, URL: "https://play.example"}
	_, err = c.settings(func(string) string { return "" })
	if err == nil {
		t.Fatal("nothing is missing")
	}
	for _, want := range []string{
		file + ":4: modes[1].ruleSet: open " + filepath.Join(dir, "gone.json"),
		file + ":8: identity.passwords.breached.file: open ",
		filepath.Join("nowhere", "pwned.txt") + ": no such file",
		file + ":14: identity.mail.smtp.password: the environment variable NO_MAIL_PASSWORD is not set",
		file + ":18: identity.providers.steam.key: read " + filepath.Join(dir, "secrets", "steam.txt") + ": no such file",
		file + ":22: identity.providers.discord.clientSecret: " + filepath.Join(dir, "blank.txt") + " is empty",
		"there is no server key",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told", want)
		}
	}
	if strings.Contains(err.Error(), "playgames") || strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), " nowhere") {
		t.Errorf("told is what is there, or half a path")
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestAConfigurationIsReadWithoutWhatItNeedsAtTheStart(t *testing.T) {
	c, err := parseConfig("c.yaml", []byte(oneMode+"identity: {providers: {steam: {appId: 480, key: {env: STEAM_KEY}}}}\n"), files)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.missing(func(string) string { return "topsecret" }); err != nil {
		t.Errorf("with the secret, what is missing is %v", err)
	}
	if err := c.missing(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "identity.providers.steam.key: the environment variable STEAM_KEY is not set") {
		t.Errorf("without the secret, what is missing is %v", err)
	}
}

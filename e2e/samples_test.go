package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sampleClient makes the calls that Amazon's sample clients make.
type sampleClient struct {
	t      *testing.T
	base   string
	User   string `json:"user_id"`
	Secret string `json:"guest_secret"`
	Token  string `json:"auth_token"`
}

func (c *sampleClient) ask(method, path string, header http.Header, body string, into any) int {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK && into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			c.t.Fatalf("%s: %v in %s", path, err, answer)
		}
	}
	return res.StatusCode
}

// sampleGuest signs in as the guidance's clients do at their start.
func sampleGuest(t *testing.T, base string) *sampleClient {
	t.Helper()
	c := &sampleClient{t: t, base: base}
	if status := c.ask(http.MethodGet, "/login-as-guest", nil, "", c); status != http.StatusOK {
		t.Fatalf("sign-in: %d", status)
	}
	return c
}

// connection is where the clients go in the end.
type connection struct {
	Status  string `json:"MatchmakingStatus"`
	Address string `json:"IpAddress"`
	Port    string
	Seat    string `json:"PlayerSessionId"`
}

// poll asks until there is a connection.
func (c *sampleClient) poll(ask func() (connection, bool)) connection {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if found, there := ask(); there {
			return found
		}
		time.Sleep(100 * time.Millisecond) // as the clients do
	}
	c.t.Fatal("no match in a minute")
	return connection{}
}

func TestASampleClientOfEachKindMeetInOneMatch(t *testing.T) {
	folder := t.TempDir()
	rules, err := os.ReadFile("../cmd/muster/builtin/duel.json")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "muster.yaml")
	for name, text := range map[string]string{
		config:                             "modes: [{name: quick, ruleSet: duel.json, attributes: {skill: {from: rating}}}]\nidentity: {sampleClients: {mode: quick}}\n",
		filepath.Join(folder, "duel.json"): string(rules),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := up(t, t.TempDir(), "--config", config)
	ann, bob := sampleGuest(t, p.HTTP), sampleGuest(t, p.HTTP)

	guidance := http.Header{"Authorization": {ann.Token}}
	var ticket struct{ TicketID string }
	if status := ann.ask(http.MethodPost, "/request-matchmaking", guidance, `{"latencyInMs":{"custom-local":5}}`, &ticket); status != http.StatusOK {
		t.Fatalf("request-matchmaking: %d", status)
	}
	plugin := http.Header{"Auth": {bob.Token}}
	if status := bob.ask(http.MethodPost, "/start_game", plugin, `{"regionToLatencyMapping":{"custom-local":5}}`, nil); status != http.StatusAccepted {
		t.Fatalf("start_game: %d", status)
	}
	annSeat := ann.poll(func() (found connection, there bool) {
		if status := ann.ask(http.MethodGet, "/get-match-status?&ticketId="+url.QueryEscape(ticket.TicketID), guidance, "", &found); status != http.StatusOK {
			t.Fatalf("get-match-status: %d", status)
		}
		return found, found.Status == "MatchmakingSucceeded"
	})
	bobSeat := bob.poll(func() (found connection, there bool) {
		status := bob.ask(http.MethodPost, "/get_game_connection", plugin, "", &found)
		if status != http.StatusOK && status != http.StatusNoContent {
			t.Fatalf("get_game_connection: %d", status)
		}
		return found, status == http.StatusOK
	})
	if annSeat.Port != bobSeat.Port || annSeat.Seat == bobSeat.Seat {
		t.Errorf("the seats are %+v and %+v, want two at one server", annSeat, bobSeat)
	}
	for c, found := range map[*sampleClient]connection{ann: annSeat, bob: bobSeat} {
		port, err := strconv.Atoi(found.Port)
		if err != nil {
			t.Fatalf("the port is %q", found.Port)
		}
		// The demo's server wants a join token besides, which the samples know nothing of.
		var own seat
		if err := request(http.MethodGet, p.HTTP+"/v1/players/me/session", c.Token, nil, &own); err != nil {
			t.Fatal(err)
		}
		if kind, code, _ := join(t, seat{IPAddress: found.Address, Port: port}, found.Seat, own.JoinToken); kind != "welcome" {
			t.Errorf("the game server answers %s %s", kind, code)
		}
	}
	if strings.Contains(fmt.Sprint(p.stderr), ann.Secret) || strings.Contains(fmt.Sprint(p.stderr), ann.Token) {
		t.Error("a secret of the URL is in the log")
	}
}

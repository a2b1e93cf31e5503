package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// exampleServer builds the game server of the documentation and returns its path.
func exampleServer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", path, "muster/examples/server").CombinedOutput(); err != nil {
		t.Fatalf("build examples/server: %v\n%s", err, out)
	}
	return path
}

// rolled is what the example's game server answers.
type rolled struct {
	Roll    int
	Refused string
}

// roll shows a seat to the example's game server.
func roll(t *testing.T, s seat, playerSessionID, joinToken string) rolled {
	t.Helper()
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(s.IPAddress, strconv.Itoa(s.Port)), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the answer is read
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(conn).Encode(map[string]string{"playerSessionId": playerSessionID, "joinToken": joinToken}); err != nil {
		t.Fatal(err)
	}
	var answer rolled
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		t.Fatalf("the game server's answer: %v", err)
	}
	return answer
}

func TestTheExampleGameServerHostsAMatch(t *testing.T) {
	server := exampleServer(t)
	config, err := filepath.Abs("../cmd/muster/builtin/muster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	t.Chdir(folder)
	p := up(t, filepath.Join(folder, "data"), "--config", config, "--", server, "-port", "{port}")
	ann, bob := guest(t, p.HTTP), guest(t, p.HTTP)
	anns, bobs := seatBoth(t, ann, bob)

	if a := roll(t, anns, anns.PlayerSessionID, bobs.JoinToken); a.Refused == "" || a.Roll != 0 {
		t.Errorf("another's join token: %+v", a)
	}
	if a := roll(t, anns, bobs.PlayerSessionID, anns.JoinToken); a.Refused == "" || a.Roll != 0 {
		t.Errorf("another's player session: %+v", a)
	}
	first := roll(t, anns, anns.PlayerSessionID, anns.JoinToken)
	if again := roll(t, anns, anns.PlayerSessionID, anns.JoinToken); first.Roll < 1 || first.Roll > 6 || again != first {
		t.Errorf("ann rolled %+v and, coming back, %+v", first, again)
	}
	other := roll(t, bobs, bobs.PlayerSessionID, bobs.JoinToken)

	want := map[bool]string{true: "win", false: "loss"}[first.Roll > other.Roll]
	if first.Roll == other.Roll {
		want = "draw"
	}
	if m := firstMatch(t, ann); m.SessionID != anns.SessionID || m.Outcome != want {
		t.Errorf("ann rolled %d, bob %d, and ann's history says %+v", first.Roll, other.Roll, m)
	}
	if _, err := os.Stat(filepath.Join(folder, "logs")); err == nil {
		t.Error("the Server SDK has written logs into the working directory")
	}
}

type playedMatch struct{ SessionID, Outcome string }

// firstMatch waits for a player's first match in the history.
func firstMatch(t *testing.T, p *player) playedMatch {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-ticker.C {
		var page struct{ Matches []playedMatch }
		if err := p.call(http.MethodGet, "/v1/players/me/matches?limit=1", nil, &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Matches) > 0 {
			return page.Matches[0]
		}
	}
	t.Fatal("no result in a minute")
	return playedMatch{}
}

package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The storm: how long it lasts and how many play. Longer storms and more players are for
// nights: MUSTER_STORM is a duration, MUSTER_STORM_BOTS a number.
const (
	stormFor  = 40 * time.Second
	stormBots = 12
	killEvery = 5 * time.Second
)

const stormTopic = "arn:aws:sns:us-west-2:123456789012:storm"

// cluster is a backend of some replicas behind a load balancer, a local GameLift with
// demo game servers, and a store.
type cluster struct {
	t        *testing.T
	balancer *balancer
	env      []string // of the replicas and of those who read the store
	args     []string // of a replica
	config   string
	store    string

	mu       sync.Mutex
	replicas []*oneReplica
}

type oneReplica struct {
	*daemon
	HTTP string `json:"http"`
}

// runIn runs a command of the program with further environment to its end.
func runIn(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// newKeys makes a file of one signing key.
func newKeys(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "signing-keys.json")
	if _, errs, code := run(t, "keys", "signing", "--out", file); code != 0 {
		t.Fatal(errs)
	}
	return file
}

// newCluster starts everything but the players. store is what --store takes, keys a file.
func newCluster(t *testing.T, store, keys string, env []string, size int) *cluster {
	t.Helper()
	dir := t.TempDir()
	c := &cluster{t: t, balancer: newBalancer(t), store: store, config: demoConfig(t, dir)}
	var key struct{ Key, Hash string }
	stdout, errs, _ := run(t, "keys", "server", "--json")
	if err := json.Unmarshal([]byte(stdout), &key); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, errs)
	}

	var lift struct{ GameLift, Credentials string }
	start(t, []string{"MUSTER_URL=" + c.balancer.url, "MUSTER_SERVER_KEY=" + key.Key, "MUSTER_DEMO_ROUND=2s"}, &lift,
		"gamelift", "--addr", "127.0.0.1:0", "--data", filepath.Join(dir, "gamelift"), "--json", "--spare", "6", "--max", "40",
		"--subscribe", stormTopic+"="+c.balancer.url+"/v1/events/sns", "--", binary, "demo-server", "--port", "{port}")
	c.env = append([]string{
		"AWS_SHARED_CREDENTIALS_FILE=" + lift.Credentials, "AWS_REGION=us-west-2",
		"MUSTER_SIGNING_KEYS_FILE=" + keys, "MUSTER_SERVER_KEY_HASHES=" + key.Hash,
	}, env...)
	if _, errs, code := runIn(t, c.env, "provision", "--config", c.config, "--gamelift-endpoint", lift.GameLift, "--topic", stormTopic); code != 0 {
		t.Fatal(errs)
	}
	c.args = []string{
		"serve", "--json", "--config", c.config, "--url", c.balancer.url, "--store", store, "--create-table",
		"--http", "127.0.0.1:0", "--internal", "127.0.0.1:0", "--gamelift-endpoint", lift.GameLift,
		"--sns-topic", stormTopic, "--sns-trust", lift.GameLift + "/sns/", "--drain", "5s", "--drain-notice", "1s",
	}
	c.replicas = make([]*oneReplica, size)
	for i := range c.replicas {
		c.replace(i)
	}
	c.await("every replica is ready and GameLift's events arrive", time.Minute, func() bool {
		return c.balancer.healthy() == size && c.balancer.events.Load() > 0
	})
	return c
}

// demoConfig writes the demo game's configuration, without limits for this machine.
func demoConfig(t *testing.T, dir string) string {
	t.Helper()
	for _, name := range []string{"muster.yaml", "duel.json", "skirmish.json"} {
		body, err := os.ReadFile(filepath.Join("..", "cmd", "muster", "builtin", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "muster.yaml" { // the players of a test are on one machine
			body = append(body, "\nidentity:\n  limits: {exempt: [127.0.0.0/8, '::1']}\n"...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "muster.yaml")
}

// await waits until something is so.
func (c *cluster) await(what string, limit time.Duration, so func() bool) {
	c.t.Helper()
	late := time.After(limit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			c.t.Fatalf("not within %v: %s\n%s", limit, what, c.said())
		}
	}
}

// said is what the replicas wrote to standard error.
func (c *cluster) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all strings.Builder
	for _, r := range c.replicas {
		if r != nil && r.daemon != nil {
			all.WriteString(r.stderr.String())
		}
	}
	return all.String()
}

// replace starts a replica in the place of another, if there is one, which is killed
// first.
func (c *cluster) replace(i int) {
	c.t.Helper()
	c.mu.Lock()
	old := c.replicas[i]
	c.mu.Unlock()
	if old != nil {
		old.kill()
	}
	r := &oneReplica{}
	r.daemon = start(c.t, c.env, r, c.args...)
	c.mu.Lock()
	c.replicas[i] = r
	c.mu.Unlock()
	c.balancer.add(c.t, r.HTTP)
	if old != nil {
		c.balancer.remove(old.HTTP)
	}
}

// storm lets bots play while one replica after another is killed, and returns what they
// report and how many were killed.
func (c *cluster) storm(length time.Duration, bots int) (got stormReport, kills int) {
	c.t.Helper()
	ended := make(chan struct{})
	var stdout, errs string
	var code int
	go func() {
		defer close(ended)
		stdout, errs, code = runIn(c.t, nil, "bots", "--url", c.balancer.url, "-n", strconv.Itoa(bots), "--for", length.String(), "--json", "--log-level", "debug")
	}()
	tick := time.NewTicker(killEvery)
	defer tick.Stop()
	for alive := true; alive; {
		select {
		case <-tick.C:
			c.replace(kills % len(c.replicas))
			kills++
		case <-ended:
			alive = false
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
		c.t.Fatalf("bots: exit code %d, %v\n%s%s\n%s", code, err, stdout, errs, c.said())
	}
	got.wrong = wrongs(errs)
	return got, kills
}

// wrongs are the lines in which bots tell of attempts to play that came to nothing.
func wrongs(said string) (all []string) {
	for line := range strings.Lines(said) {
		if strings.Contains(line, `msg="a match went wrong"`) || strings.Contains(line, `msg="a match was cut off"`) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// stormReport is what `muster bots --json` prints, as far as it matters here.
type stormReport struct {
	report
	Retries  int `json:"retries"`
	Failures int `json:"failures"`

	wrong []string // what the bots say of each failure
}

// excused says that an attempt came to nothing before there was a match: the ticket's
// replica died before it told GameLift, and so did those who would have told it later.
func excused(wrong string) bool {
	return strings.Contains(wrong, `session=""`) && strings.Contains(wrong, "ticket.lost")
}

// settled waits until the books balance. A ticket that a dead replica left behind is
// asked about after half a minute.
func (c *cluster) settled(read func() books) books {
	c.t.Helper()
	late := time.After(75 * time.Second)
	for {
		b := read()
		problems := b.problems()
		if len(problems) == 0 {
			return b
		}
		select {
		case <-late:
			c.t.Fatalf("the books do not balance:\n%s\n%s", strings.Join(problems, "\n"), c.said())
		case <-time.After(3 * time.Second):
		}
	}
}

// judge checks what the storm was and how the bots fared; the books were checked before.
// Every match that was made was played to its result by everybody in it, and no attempt to
// play came to nothing without an excuse.
func (c *cluster) judge(got stormReport, kills int, b books) {
	c.t.Helper()
	c.t.Logf("%d replicas killed, %d matches in the store; the bots say %+v", kills, len(b.results), got)
	if unplayed := len(b.sessions) - len(b.results); unplayed > 2 {
		c.t.Errorf("%d sessions saw nobody: bots withdraw from one or two when the time is up", unplayed)
	}
	if kills < 3 || len(b.results) < 5 {
		c.t.Errorf("that was no storm: %d replicas killed, %d matches", kills, len(b.results))
	}
	if got.Matches != len(b.results) {
		c.t.Errorf("%d matches have a result, %d were whole", len(b.results), got.Matches)
	}
	if len(got.wrong) != got.Failures {
		c.t.Errorf("%d attempts to play came to nothing, the bots tell of %d", got.Failures, len(got.wrong))
	}
	for _, wrong := range got.wrong {
		if excused(wrong) {
			c.t.Logf("never became a match: %s", wrong)
			continue
		}
		c.t.Errorf("came to nothing: %s", wrong)
	}
}

func stormLength(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("MUSTER_STORM")
	if text == "" {
		return stormFor
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("MUSTER_STORM: %v", err)
	}
	return length
}

func stormPlayers(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MUSTER_STORM_BOTS")
	if text == "" {
		return stormBots
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("MUSTER_STORM_BOTS: %v", err)
	}
	return n
}

// sharedStore is a new table that replicas can share, and the environment to find it by.
func sharedStore(t *testing.T) (store string, env []string) {
	t.Helper()
	endpoint := os.Getenv("MUSTER_DYNAMODB")
	if endpoint == "" {
		t.Skipf("needs DynamoDB Local at the URL in MUSTER_DYNAMODB: scripts/dynamodb-local go test ./e2e -run %s", t.Name())
	}
	return "dynamodb:e2e-" + strings.ToLower(rand.Text()[:8]), []string{"MUSTER_DYNAMODB_ENDPOINT=" + endpoint, "AWS_ENDPOINT_URL_DYNAMODB=" + endpoint}
}

// TestReplicasDieUnderLoad kills one of three replicas every few seconds while bots play:
// every match that began ends with exactly one result.
func TestReplicasDieUnderLoad(t *testing.T) {
	store, env := sharedStore(t)
	c := newCluster(t, store, newKeys(t), env, 3)
	got, kills := c.storm(stormLength(t), stormPlayers(t))
	c.judge(got, kills, c.settled(func() books { return readBooks(t, c.env, store) }))
	if stdout, errs, code := runIn(t, c.env, "ratings", "replay", "--store", store, "--config", c.config, "--mode", "duel"); code != 0 {
		t.Errorf("the ratings are not those of the results: %s%s", stdout, errs)
	}
}

// TestTheOnlyReplicaDiesUnderLoad is the same with one replica on a file, which is away
// for a moment each time.
func TestTheOnlyReplicaDiesUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute: leave -short out")
	}
	file := filepath.Join(t.TempDir(), "muster.db")
	c := newCluster(t, "sqlite:"+file, newKeys(t), nil, 1)
	got, kills := c.storm(min(stormLength(t), 25*time.Second), stormPlayers(t))
	n := 0
	c.judge(got, kills, c.settled(func() books {
		n++
		copied := file + ".copy" + strconv.Itoa(n)
		if stdout, errs, code := runIn(t, c.env, "backup", "--data", file, copied); code != 0 {
			t.Fatalf("backup: %s%s", stdout, errs)
		}
		return readBooks(t, c.env, "sqlite:"+copied)
	}))
}

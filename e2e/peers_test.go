package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/smithy-go"
)

// needPeer leaves a test out when a peer is missing, unless MUSTER_PEERS says that all
// are to be there.
func needPeer(t *testing.T, present bool, what string) {
	t.Helper()
	if present {
		return
	}
	if os.Getenv("MUSTER_PEERS") != "" {
		t.Fatalf("%s is missing although MUSTER_PEERS is set", what)
	}
	t.Skipf("needs %s: scripts/peers installs it and runs this test", what)
}

// awsCLI finds an AWS CLI.
func awsCLI(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/aws", "aws"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	needPeer(t, false, "the AWS CLI")
	return ""
}

// awsEnv is an environment in which AWS's own clients find the running service's key.
func (p *program) awsEnv() []string {
	return append(os.Environ(), "AWS_SHARED_CREDENTIALS_FILE="+p.Credentials, "AWS_CONFIG_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_REGION="+p.Region, "AWS_PAGER=")
}

// liveTicket is a ticket that waits in the running service.
func liveTicket(t *testing.T, p *program) (id, playerID string) {
	t.Helper()
	ann := guest(t, p.HTTP)
	return ann.until(ann.queue("duel"), "searching").ID, ann.ID
}

// peerTicket is what every peer must say of a ticket.
type peerTicket struct {
	TicketID          string `json:"TicketId"`
	ConfigurationName string
	Status            string
	Players           []struct {
		PlayerID         string `json:"PlayerId"`
		PlayerAttributes map[string]struct{ N float64 }
	}
}

func (got peerTicket) check(t *testing.T, id, player string) {
	t.Helper()
	if got.TicketID != id || got.Status != "SEARCHING" || got.ConfigurationName != "duel" {
		t.Errorf("ticket is %+v, want %s searching for a duel", got, id)
	}
	if len(got.Players) != 1 || got.Players[0].PlayerID != player || got.Players[0].PlayerAttributes["skill"].N != 1500 {
		t.Errorf("players are %+v, want %s with skill 1500", got.Players, player)
	}
}

func TestPeerAWSCLIReadsTheTicketAndAWrongSignatureIsRefused(t *testing.T) {
	aws := awsCLI(t)
	p := up(t, t.TempDir())
	id, player := liveTicket(t, p)
	describe := func(env []string) ([]byte, string, error) {
		cmd := exec.Command(aws, "gamelift", "describe-matchmaking", "--ticket-ids", id, "--endpoint-url", p.GameLift, "--region", p.Region, "--output", "json")
		cmd.Env = env
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		return out, stderr.String(), err
	}
	out, stderr, err := describe(p.awsEnv())
	if err != nil {
		t.Fatalf("aws: %v\n%s", err, stderr)
	}
	var answer struct{ TicketList []peerTicket }
	if err := json.Unmarshal(out, &answer); err != nil || len(answer.TicketList) != 1 {
		t.Fatalf("answer %s: %v", out, err)
	}
	answer.TicketList[0].check(t, id, player)

	wrong := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(wrong, []byte(strings.Replace(readFile(t, p.Credentials), "aws_secret_access_key = ", "aws_secret_access_key = x", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, err = describe(append(p.awsEnv(), "AWS_SHARED_CREDENTIALS_FILE="+wrong))
	if err == nil || !strings.Contains(stderr, "InvalidSignatureException") {
		t.Errorf("with a wrong secret: %v\n%s\nwant InvalidSignatureException", err, stderr)
	}
}

// TestTheNewestGoSDKReadsTheTicket uses the SDK this module is built with, which sends
// CBOR.
func TestTheNewestGoSDKReadsTheTicket(t *testing.T) {
	p := up(t, t.TempDir())
	id, player := liveTicket(t, p)
	out, err := p.sdk(t, p.key(t)).DescribeMatchmaking(t.Context(), &gamelift.DescribeMatchmakingInput{TicketIds: []string{id}})
	if err != nil || len(out.TicketList) != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	body, err := json.Marshal(out.TicketList[0])
	if err != nil {
		t.Fatal(err)
	}
	var got peerTicket
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	got.check(t, id, player)

	forged := p.key(t)
	forged.SecretAccessKey += "x"
	_, err = p.sdk(t, forged).DescribeMatchmaking(t.Context(), &gamelift.DescribeMatchmakingInput{TicketIds: []string{id}})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidSignatureException" {
		t.Errorf("with a wrong secret: %v, want InvalidSignatureException", err)
	}
}

// TestPeerGoSDKOverJSONReadsTheTicket runs a program of a module of its own, built with
// the last SDK that sends AWS JSON.
func TestPeerGoSDKOverJSONReadsTheTicket(t *testing.T) {
	client := filepath.Join(t.TempDir(), "client")
	build := exec.Command("go", "build", "-o", client, ".")
	build.Dir = "gosdkjson"
	if out, err := build.CombinedOutput(); err != nil {
		needPeer(t, false, "the AWS SDK for Go v1.50.0 (go build: "+string(out)+")")
	}
	p := up(t, t.TempDir())
	id, player := liveTicket(t, p)
	key := p.key(t)
	cmd := exec.Command(client, "-endpoint", p.GameLift, "-region", p.Region, "-ticket", id)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("client: %v\n%s", err, out)
	}
	var answer struct{ Ticket peerTicket }
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("answer %s: %v", out, err)
	}
	answer.Ticket.check(t, id, player)
}

// key reads the access key that the running service made.
func (p *program) key(t *testing.T) aws.Credentials {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(readFile(t, p.Credentials)) {
		if name, value, ok := strings.Cut(line, "="); ok {
			found[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return aws.Credentials{AccessKeyID: found["aws_access_key_id"], SecretAccessKey: found["aws_secret_access_key"]}
}

func (p *program) sdk(t *testing.T, key aws.Credentials) *gamelift.Client {
	t.Helper()
	return gamelift.New(gamelift.Options{
		BaseEndpoint: &p.GameLift, Region: p.Region,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})
}

func TestBrowserPlaysAMatchFromTwoContexts(t *testing.T) {
	modules := os.Getenv("MUSTER_BROWSER_MODULES")
	_, nodeErr := exec.LookPath("node")
	_, chromiumErr := exec.LookPath("chromium")
	needPeer(t, modules != "" && nodeErr == nil && chromiumErr == nil, "node, chromium and playwright-core")
	p := up(t, t.TempDir(), "--round", "15s")
	pictures := os.Getenv("MUSTER_PICTURES")
	if pictures == "" {
		pictures = t.TempDir()
	}
	cmd := exec.Command("node", filepath.Join("browser", "play.mjs"), p.HTTP, pictures)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, stderr.String(), p.stderr)
	}
	var saw struct {
		Before   string
		Changes  []string
		Reloaded bool
		Problems []string
	}
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%+v", saw)
	if len(saw.Problems) > 0 {
		t.Errorf("the pages complained: %q", saw.Problems)
	}
	if len(saw.Changes) != 2 || saw.Changes[0] == saw.Changes[1] || !saw.Reloaded {
		t.Errorf("rating changes are %q, want one up and one down, and a reload in between", saw.Changes)
	}
	for _, name := range []string{"lobby", "match-found", "game", "result"} {
		if info, err := os.Stat(filepath.Join(pictures, name+".png")); err != nil || info.Size() < 10_000 {
			t.Errorf("picture %s: %v, %v", name, info, err)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

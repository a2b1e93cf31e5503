package gameliftlocal

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/gamelift"
	"github.com/aws/aws-sdk-go-v2/service/gamelift/types"

	"muster/gameliftlocal/wire"
)

// testTopic is the topic that the tests' configurations and queues notify.
const testTopic = "arn:aws:sns:us-west-2:123456789012:muster"

// signingKey is made once for all tests: it is the slowest part of a service.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// network is a set of in-memory hosts. Their connections count as idle in a bubble of
// testing/synctest, which real sockets never do.
type network struct {
	mu    sync.Mutex
	hosts map[string]*pipeListener // by host:port
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	name   string
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr(l.name) }

type pipeAddr string

func (a pipeAddr) Network() string { return "pipe" }
func (a pipeAddr) String() string  { return string(a) }

func (n *network) listen(name string) *pipeListener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{}), name: name}
	n.hosts[name] = l
	return l
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.hosts[address]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("no host %s", address)
	}
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// harness is a running service with a client of the real AWS SDK and a subscriber.
type harness struct {
	*gamelift.Client
	t          *testing.T
	ctx        context.Context
	service    *Service
	net        *network
	http       *http.Client
	subscriber *subscriber
	stop       func() // ends Run and waits for it
}

// inBubble runs a test in simulated time with a running service.
func inBubble(t *testing.T, o Options, test func(h *harness)) {
	t.Helper()
	signingKey()
	synctest.Test(t, func(t *testing.T) { test(newHarness(t, o)) })
}

func newHarness(t *testing.T, o Options) *harness {
	t.Helper()
	n := &network{hosts: map[string]*pipeListener{}}
	transport := &http.Transport{DialContext: n.dial}
	h := &harness{t: t, ctx: t.Context(), net: n, http: &http.Client{Transport: transport}}
	h.subscriber = &subscriber{http: h.http}
	backend := &http.Server{Handler: h.subscriber, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	backendAt, serviceAt := n.listen("backend.test:80"), n.listen("muster.test:4570")
	go func() { _ = backend.Serve(backendAt) }()

	o.BaseURL = "http://muster.test:4570"
	o.Credentials = testCredentials
	o.Subscriptions = map[string][]string{testTopic: {"http://backend.test/events"}}
	o.SNS.Key, o.SNS.Transport = signingKey(), transport
	service, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h.service = service
	api := &http.Server{Handler: service.Handler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = api.Serve(serviceAt) }()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := service.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	h.stop = func() { cancel(); <-ended }
	t.Cleanup(func() {
		h.stop()
		transport.CloseIdleConnections()
		_ = api.Close()
		_ = backend.Close()
		synctest.Wait()
	})
	h.Client = newClient(h.http, "AKIDTEST", "secret")
	synctest.Wait() // subscriptions are confirmed
	return h
}

func testCredentials(id string) (wire.Credentials, bool) {
	return wire.Credentials{Secret: "secret"}, id == "AKIDTEST"
}

func newClient(doer *http.Client, id, secret string) *gamelift.Client {
	return gamelift.New(gamelift.Options{
		Region: "us-west-2", BaseEndpoint: aws.String("http://muster.test:4570"), HTTPClient: doer,
		RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		}),
	})
}

// must fails the test on an error; it lets calls be chained.
func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// refused wants a typed exception whose message contains text.
func refused[E error](t *testing.T, err error, text string) {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("error %v, want a %T", err, want)
	}
	if !strings.Contains(err.Error(), text) {
		t.Fatalf("error %q does not say %q", err, text)
	}
}

// advance lets simulated time pass and everything come to rest.
func (h *harness) advance(d time.Duration) {
	h.t.Helper()
	<-time.After(d)
	synctest.Wait()
}

// site is a fleet with one compute, and a queue that leads to it.
type testSite struct {
	fleetID, fleetARN, queueARN string
	token, endpoint             string
}

const (
	testLocation = "custom-home"
	testCompute  = "box-1"
)

// makeSite makes location, fleet, compute and queue, and gets a token.
func (h *harness) makeSite(queue *gamelift.CreateGameSessionQueueInput) testSite {
	h.t.Helper()
	_, err := h.CreateLocation(h.ctx, &gamelift.CreateLocationInput{LocationName: aws.String(testLocation)})
	must(h.t, 0, err)
	fleet, err := h.CreateFleet(h.ctx, anywhereFleet("arena", testLocation))
	must(h.t, 0, err)
	site := testSite{fleetID: *fleet.FleetAttributes.FleetId, fleetARN: *fleet.FleetAttributes.FleetArn}
	c, err := h.RegisterCompute(h.ctx, &gamelift.RegisterComputeInput{
		FleetId: &site.fleetID, ComputeName: aws.String(testCompute), IpAddress: aws.String("127.0.0.1"), Location: aws.String(testLocation),
	})
	must(h.t, 0, err)
	site.endpoint = *c.Compute.GameLiftServiceSdkEndpoint
	token, err := h.GetComputeAuthToken(h.ctx, &gamelift.GetComputeAuthTokenInput{FleetId: &site.fleetID, ComputeName: aws.String(testCompute)})
	must(h.t, 0, err)
	site.token = *token.AuthToken
	if queue == nil {
		queue = &gamelift.CreateGameSessionQueueInput{}
	}
	queue.Name = aws.String("q")
	queue.NotificationTarget = aws.String(testTopic)
	queue.Destinations = []types.GameSessionQueueDestination{{DestinationArn: &site.fleetARN}}
	q, err := h.CreateGameSessionQueue(h.ctx, queue)
	must(h.t, 0, err)
	site.queueARN = *q.GameSessionQueue.GameSessionQueueArn
	return site
}

func anywhereFleet(name string, locations ...string) *gamelift.CreateFleetInput {
	in := &gamelift.CreateFleetInput{
		Name: &name, ComputeType: types.ComputeTypeAnywhere, AnywhereConfiguration: &types.AnywhereConfiguration{Cost: aws.String("0.1")},
	}
	for _, l := range locations {
		in.Locations = append(in.Locations, types.LocationConfiguration{Location: &l})
	}
	return in
}

// duelRules match two players whose skills are at most 10 apart from their average.
const duelRules = `{
 "name": "duel", "ruleLanguageVersion": "1.0",
 "playerAttributes": [{"name": "skill", "type": "number", "default": 10}],
 "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 1}, {"name": "blue", "minPlayers": 1, "maxPlayers": 1}],
 "rules": [{"name": "near", "type": "distance", "measurements": ["avg(teams[*].players.attributes[skill])"],
  "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))", "maxDistance": 10}]
}`

// brawlRules match one to four players in one team.
const brawlRules = `{
 "name": "brawl", "ruleLanguageVersion": "1.0",
 "teams": [{"name": "all", "minPlayers": 2, "maxPlayers": 4}]
}`

// makeMatchmaker makes a rule set and a configuration; edit may change the latter.
func (h *harness) makeMatchmaker(name, rules string, site testSite, edit func(*gamelift.CreateMatchmakingConfigurationInput)) {
	h.t.Helper()
	_, err := h.CreateMatchmakingRuleSet(h.ctx, &gamelift.CreateMatchmakingRuleSetInput{Name: aws.String(name + "-rules"), RuleSetBody: &rules})
	must(h.t, 0, err)
	in := &gamelift.CreateMatchmakingConfigurationInput{
		Name: &name, RuleSetName: aws.String(name + "-rules"), AcceptanceRequired: aws.Bool(false), RequestTimeoutSeconds: aws.Int32(60),
		NotificationTarget: aws.String(testTopic), GameSessionQueueArns: []string{site.queueARN},
	}
	if edit != nil {
		edit(in)
	}
	_, err = h.CreateMatchmakingConfiguration(h.ctx, in)
	must(h.t, 0, err)
}

func withAcceptance(in *gamelift.CreateMatchmakingConfigurationInput) {
	in.AcceptanceRequired, in.AcceptanceTimeoutSeconds = aws.Bool(true), aws.Int32(20)
}

func standalone(in *gamelift.CreateMatchmakingConfigurationInput) {
	in.GameSessionQueueArns, in.FlexMatchMode = nil, types.FlexMatchModeStandalone
}

// queueUp starts a ticket of the players, all of one skill.
func (h *harness) queueUp(configuration, ticketID string, skill float64, players ...string) *types.MatchmakingTicket {
	h.t.Helper()
	out, err := h.StartMatchmaking(h.ctx, startInput(configuration, ticketID, skill, players...))
	return must(h.t, out, err).MatchmakingTicket
}

func startInput(configuration, ticketID string, skill float64, players ...string) *gamelift.StartMatchmakingInput {
	in := &gamelift.StartMatchmakingInput{ConfigurationName: &configuration, TicketId: &ticketID}
	for _, id := range players {
		in.Players = append(in.Players, types.Player{
			PlayerId: &id, PlayerAttributes: map[string]types.AttributeValue{"skill": {N: &skill}},
		})
	}
	return in
}

func (h *harness) ticket(id string) types.MatchmakingTicket {
	h.t.Helper()
	out, err := h.DescribeMatchmaking(h.ctx, &gamelift.DescribeMatchmakingInput{TicketIds: []string{id}})
	must(h.t, out, err)
	if len(out.TicketList) != 1 {
		h.t.Fatalf("ticket %s is not described", id)
	}
	return out.TicketList[0]
}

func (h *harness) wantStatus(id string, want types.MatchmakingConfigurationStatus) types.MatchmakingTicket {
	h.t.Helper()
	got := h.ticket(id)
	if got.Status != want {
		h.t.Fatalf("ticket %s is %s, want %s", id, got.Status, want)
	}
	return got
}

func (h *harness) accept(ticketID string, how types.AcceptanceType, players ...string) error {
	_, err := h.AcceptMatch(h.ctx, &gamelift.AcceptMatchInput{TicketId: &ticketID, PlayerIds: players, AcceptanceType: how})
	return err
}

// subscriber is an HTTP endpoint as a backend would have it: it confirms, verifies
// every signature and keeps the events.
type subscriber struct {
	http *http.Client

	mu       sync.Mutex
	events   []receivedEvent
	problems []string
}

// receivedEvent is an event with its detail still encoded.
type receivedEvent struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Raw        json.RawMessage `json:"detail"`
	Detail     map[string]any  `json:"-"`
}

func (e receivedEvent) kind() string { return e.Detail["type"].(string) }

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.receive(r); err != nil {
		s.mu.Lock()
		s.problems = append(s.problems, err.Error())
		s.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (s *subscriber) receive(r *http.Request) error {
	var m map[string]string
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return err
	}
	if err := s.verify(m); err != nil {
		return err
	}
	if m["Type"] == "SubscriptionConfirmation" {
		answer, err := s.http.Get(m["SubscribeURL"])
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}
	var e receivedEvent
	if err := json.Unmarshal([]byte(m["Message"]), &e); err != nil {
		return err
	}
	if err := json.Unmarshal(e.Raw, &e.Detail); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return nil
}

// verify checks a signature of version 2 by Amazon's published steps.
func (s *subscriber) verify(m map[string]string) error {
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"} {
		if value, ok := m[name]; ok {
			text.WriteString(name + "\n" + value + "\n")
		}
	}
	answer, err := s.http.Get(m["SigningCertURL"])
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(body)
	if block == nil {
		return errors.New("the certificate is not PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(m["Signature"])
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(text.String()))
	return rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], signature)
}

// heard lists the events so far, oldest first by what happened, of the kinds asked
// for; none: all.
func (h *harness) heard(kinds ...string) []receivedEvent {
	h.t.Helper()
	synctest.Wait()
	h.subscriber.mu.Lock()
	defer h.subscriber.mu.Unlock()
	if len(h.subscriber.problems) > 0 {
		h.t.Fatalf("the subscriber refused a message: %s", h.subscriber.problems[0])
	}
	var out []receivedEvent
	for _, e := range h.subscriber.events {
		if len(kinds) == 0 || slices.Contains(kinds, e.kind()) {
			out = append(out, e)
		}
	}
	return out
}

// heardOne wants exactly one event of a kind.
func (h *harness) heardOne(kind string) receivedEvent {
	h.t.Helper()
	found := h.heard(kind)
	if len(found) != 1 {
		h.t.Fatalf("heard %d %s events, want 1", len(found), kind)
	}
	return found[0]
}

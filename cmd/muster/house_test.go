package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"muster"
)

// newHouse makes a house with listeners and secrets in a new folder.
func newHouse(t *testing.T, conf config) *house {
	t.Helper()
	h := &house{
		cmd: &upCmd{Data: t.TempDir()}, conf: conf, stack: newStack(),
		process: &process{log: slog.New(slog.DiscardHandler)},
	}
	t.Cleanup(func() {
		if err := h.stack.end(); err != nil {
			t.Errorf("the end says %v", err)
		}
	})
	for _, l := range []*net.Listener{&h.front, &h.lift} {
		var err error
		if *l, err = listenLoopback(t.Context(), "--http", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		h.stack.onEnd("listener", func() error { return ignoreClosed((*l).Close()) })
	}
	if err := h.openSecrets(); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestWhatTheLocalGameLiftRefusesIsToldInOneSentence(t *testing.T) {
	h := newHouse(t, config{Locations: []string{"not a location"}})
	var log bytes.Buffer
	h.process.log = slog.New(slog.NewTextHandler(&log, nil))
	if err := h.openGameLift(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.stack.run("address", func(ctx context.Context) error { return serve(ctx, h.lift, h.local.Handler(), nil) })
	err := h.provision(t.Context())
	if err == nil {
		t.Fatal("it was set up")
	}
	t.Log(err)
	for _, word := range []string{"\n", "RequestID", "StatusCode", "operation error", "gamelift.invalid_request"} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%q has %q in it", err, word)
		}
	}
	for _, word := range []string{"the local GameLift in " + h.liftFolder() + " cannot be set up: provision location not a location: ", "locationName"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if !strings.Contains(log.String(), "CreateLocation") {
		t.Errorf("the log does not name the operation: %s", log.String())
	}
}

// answer is an error as the AWS SDK has them.
type answer struct{ text string }

func (a answer) Error() string        { return "api error X: " + a.text }
func (a answer) ErrorMessage() string { return a.text }

func TestAProblemOfTheSetUpIsPut(t *testing.T) {
	refused := func(cause error) error {
		return fmt.Errorf("provision queue q: %w", &muster.Error{Code: "gamelift.x", Message: "GameLift refused", Err: cause})
	}
	h := &house{cmd: &upCmd{Data: "d"}, process: &process{log: slog.New(slog.DiscardHandler)}}
	cases := []struct {
		name string
		err  error
		want string
	}{
		{"in Amazon's words", refused(fmt.Errorf("https: %w", answer{"no\n  room"})), "provision queue q: no room"},
		{"in ours where Amazon says nothing", refused(answer{}), "provision queue q: GameLift refused"},
		{"in ours where nobody answered", refused(errors.New("dial tcp: no")), "provision queue q: GameLift refused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := h.notSetUp(c.err); !strings.HasSuffix(got.Error(), " cannot be set up: "+c.want) {
				t.Errorf("got %v", got)
			}
		})
	}
	if err := h.notSetUp(nil); err != nil {
		t.Errorf("no problem is put as %v", err)
	}
}

func TestOnlyCertificatesOfTheTopicsAreTrusted(t *testing.T) {
	h := newHouse(t, config{})
	if got := h.backendParts(nil).trustedCertificates; len(got) != 1 || got[0] != h.liftURL()+"/sns/" {
		t.Errorf("trusted are %q", got)
	}
}

func TestUpLeavesAFolderThatALocalGameLiftUses(t *testing.T) {
	h := newHouse(t, config{})
	if err := makeDataFolder(h.liftFolder()); err != nil {
		t.Fatal(err)
	}
	lock, err := lockFolder(h.liftFolder())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	if err := h.openGameLift(t.Context()); err == nil || !strings.Contains(err.Error(), h.liftFolder()+" is in use") {
		t.Errorf("got %v", err)
	}
}

func TestABackendThatDoesNotSubscribeIsToldInOneSentence(t *testing.T) {
	h := newHouse(t, config{})
	if err := h.openGameLift(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody runs the service: it never comes to it
	if err := h.awaitSubscriber(ctx); err == nil || err.Error() != "the backend did not subscribe to the local GameLift's events within 10s" {
		t.Errorf("got %v", err)
	}
}

package demo

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// news is one event about a player: exactly one field is set.
type news struct {
	ticket *ticketInfo
	seat   *seatInfo // from a snapshot
	result *resultInfo
}

// follower keeps a realtime connection open and passes on what it hears.
type follower struct {
	api   *botAPI
	log   *slog.Logger
	out   chan<- news
	live  chan struct{} // closed at the first hello: from then on nothing is missed
	epoch string
	after int64
}

// run follows until ctx ends. A connection that breaks is opened again where it was.
func (f *follower) run(ctx context.Context) {
	for delay := 50 * time.Millisecond; ctx.Err() == nil; delay = min(2*delay, 3*time.Second) {
		heard, err := f.once(ctx)
		if heard {
			delay = 50 * time.Millisecond
		}
		if ctx.Err() == nil {
			f.log.Debug("realtime connection broke", "error", err)
			f.api.life.retries.Add(1)
			_ = sleep(ctx, delay) // the loop looks at ctx
		}
	}
}

// once opens one connection and reads it to its end. heard says that it worked.
func (f *follower) once(ctx context.Context) (heard bool, err error) {
	var ticket struct {
		Ticket string `json:"ticket"`
	}
	if err := f.api.call(ctx, http.MethodPost, "/v1/auth/socket-ticket", nil, &ticket); err != nil {
		return false, err
	}
	query := url.Values{"ticket": {ticket.Ticket}}
	if f.epoch != "" {
		query.Set("epoch", f.epoch)
		query.Set("after", strconv.FormatInt(f.after, 10))
	}
	base := f.api.url()
	address := "ws" + strings.TrimPrefix(base, "http") + "/v1/realtime?" + query.Encode()
	ws, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: f.api.client}) //nolint:bodyclose // Dial's answer needs no closing
	if err != nil {
		f.api.leave(base)
		return false, err
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(maxAnswer)
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return heard, err
		}
		heard = true
		if err := f.receive(ctx, data); err != nil {
			return heard, err
		}
	}
}

func (f *follower) receive(ctx context.Context, data []byte) error {
	var m struct {
		Type string          `json:"type"`
		Seq  int64           `json:"seq"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	var n news
	var err error
	switch m.Type {
	case "hello":
		var hello struct {
			Epoch   string `json:"epoch"`
			Seq     int64  `json:"seq"`
			Resumed bool   `json:"resumed"`
		}
		err = json.Unmarshal(m.Data, &hello)
		if f.epoch == "" {
			close(f.live)
		}
		if !hello.Resumed {
			f.epoch, f.after = hello.Epoch, hello.Seq
		}
		return err
	case "ticket":
		err = json.Unmarshal(m.Data, &n.ticket)
	case "result":
		err = json.Unmarshal(m.Data, &n.result)
	case "snapshot":
		var snapshot struct {
			Ticket *ticketInfo `json:"ticket"`
			Seat   *seatInfo   `json:"seat"`
		}
		err = json.Unmarshal(m.Data, &snapshot)
		n.ticket, n.seat = snapshot.Ticket, snapshot.Seat
	}
	if err != nil {
		return err
	}
	f.after = max(f.after, m.Seq)
	if n == (news{}) {
		return nil
	}
	select {
	case f.out <- n:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

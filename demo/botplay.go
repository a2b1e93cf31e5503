package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"muster/demo/game"
)

// errSeatRefused says that the game server did not let a bot in.
var errSeatRefused = errors.New("the game server refused the seat")

// errCut says that the connection to the game server broke in the middle.
var errCut = errors.New("the connection to the game server broke")

// playSeat joins the game server of a seat and plays to the end of the match. seated
// is called with the length of a round when the server let the bot in.
func playSeat(ctx context.Context, client *http.Client, seat *seatInfo, name string, rng *rand.Rand, seated func(round time.Duration)) error {
	address := "ws://" + net.JoinHostPort(seat.IPAddress, strconv.Itoa(seat.Port)) + "/"
	ws, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // Dial's answer needs no closing
	if err != nil {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(maxAnswer)
	join := map[string]string{"type": "join", "playerSessionId": seat.PlayerSessionID, "joinToken": seat.JoinToken, "name": name}
	if err := ws.Write(ctx, websocket.MessageText, mustJSON(join)); err != nil {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	d := driver{rng: rng}
	for {
		kind, data, err := ws.Read(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errCut, err)
		}
		if kind == websocket.MessageText {
			if over, err := d.hear(data, seated); over || err != nil {
				return err
			}
			continue
		}
		in, changed, err := d.see(data)
		if err != nil {
			return err
		}
		if changed {
			msg := map[string]any{"type": "input", "x": in.X, "y": in.Y, "dash": in.Dash}
			if err := ws.Write(ctx, websocket.MessageText, mustJSON(msg)); err != nil {
				return fmt.Errorf("%w: %w", errCut, err)
			}
		}
	}
}

// driver is what a bot knows of the floor, and what it is up to.
type driver struct {
	rng     *rand.Rand
	welcome welcomeMessage
	tiles   []byte // '0' blank, '1' and '2' the teams
	aimX    float64
	aimY    float64
	until   uint32 // tick at which to look for another aim
	last    game.Input
}

// hear takes in a text message; over says that the match has ended.
func (d *driver) hear(data []byte, seated func(round time.Duration)) (over bool, err error) {
	var m struct {
		Type, Code, Message string
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return false, fmt.Errorf("read the game server's message: %w", err)
	}
	switch m.Type {
	case "welcome":
		if err := json.Unmarshal(data, &d.welcome); err != nil {
			return false, fmt.Errorf("read the game server's welcome: %w", err)
		}
		d.tiles = []byte(d.welcome.Tiles)
		if len(d.tiles) != d.welcome.Width*d.welcome.Height || len(d.welcome.Walls) != len(d.tiles) {
			return false, errors.New("the game server's floor has no shape")
		}
		seated(time.Duration(d.welcome.RoundSeconds) * time.Second)
	case "refused":
		if passing(m.Code) {
			return false, fmt.Errorf("%w: %s: %s", errCut, m.Code, m.Message)
		}
		return false, fmt.Errorf("%w: %s: %s", errSeatRefused, m.Code, m.Message)
	case "over":
		return true, nil
	}
	return false, nil
}

// passing says that a refusal is of the moment: the server could not ask whoever knows,
// or the bot's connection before this one has not ended yet.
func passing(code string) bool {
	return code == "seat.busy" || strings.HasSuffix(code, ".unverifiable")
}

// see takes in a frame and says what the bot wants now, and whether that is news.
func (d *driver) see(data []byte) (in game.Input, changed bool, err error) {
	f, err := decodeFrame(data)
	if err != nil {
		return in, false, err
	}
	if d.welcome.You >= len(f.Cars) || len(d.tiles) == 0 {
		return in, false, errors.New("a frame without the bot's own car")
	}
	for _, p := range f.Painted {
		if p.Tile < len(d.tiles) {
			d.tiles[p.Tile] = '1' + p.Team
		}
	}
	if f.Tick%3 != 0 { // ten decisions a second are plenty
		return d.last, false, nil
	}
	in = d.steer(f)
	changed = in != d.last
	d.last = in
	return in, changed, nil
}

// steer heads for the aim, and dashes at an opponent in front.
func (d *driver) steer(f game.Frame) game.Input {
	me := f.Cars[d.welcome.You]
	near := math.Hypot(d.aimX-me.X, d.aimY-me.Y) < 0.8
	stuck := math.Hypot(me.VX, me.VY) < 1 && d.rng.IntN(4) == 0
	if near || stuck || f.Tick >= d.until {
		d.aim(f, me)
		d.until = f.Tick + 20 + uint32(d.rng.IntN(30))
	}
	for _, c := range f.Cars {
		dx, dy := c.X-me.X, c.Y-me.Y
		if c.Team == me.Team || c.Gone || c.Immune || math.Hypot(dx, dy) > 3 || me.Charge < 1 {
			continue
		}
		d.aimX, d.aimY = c.X, c.Y
		return toward(dx, dy, !d.last.Dash)
	}
	return toward(d.aimX-me.X, d.aimY-me.Y, false)
}

// aim picks what to drive to: a pick-up close by, or the nearest of a few tiles that
// are not the bot's own.
func (d *driver) aim(f game.Frame, me game.Car) {
	best := math.Inf(1)
	consider := func(x, y, cost float64) {
		if cost < best {
			best, d.aimX, d.aimY = cost, x, y
		}
	}
	for _, p := range f.Pickups {
		x, y := float64(p.X)+0.5, float64(p.Y)+0.5
		if dist := math.Hypot(x-me.X, y-me.Y); dist < 9 {
			consider(x, y, dist-6)
		}
	}
	for range 24 {
		tile := d.rng.IntN(len(d.tiles))
		if d.welcome.Walls[tile] == '1' || d.tiles[tile] == '1'+me.Team {
			continue
		}
		x, y := float64(tile%d.welcome.Width)+0.5, float64(tile/d.welcome.Width)+0.5
		if dist := math.Hypot(x-me.X, y-me.Y); dist > 1.5 {
			consider(x, y, dist)
		}
	}
}

func toward(dx, dy float64, dash bool) game.Input {
	l := max(math.Hypot(dx, dy), 1e-6)
	return game.Input{X: int8(dx / l * 127), Y: int8(dy / l * 127), Dash: dash}
}

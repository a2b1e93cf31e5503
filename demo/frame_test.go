package demo

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"

	"muster/demo/game"
)

// knownFrame and knownBytes are also in the test of the browser's decoder
// (console/src/game/protocol.test.ts): change them together.
var knownFrame = game.Frame{
	Tick: 70000, Phase: game.Playing, Left: 900, Scores: [2]int{258, 7},
	Cars: []game.Car{
		{Team: 0, X: 2.5, Y: 8, VX: -1.5, VY: 0.25, Heading: math.Pi / 2, Charge: 1, Dashing: true, Roller: true},
		{Team: 1, X: 25.5, Y: 0.5, Stunned: true, Boosted: true, Immune: true, Gone: true},
	},
	Pickups: []game.Pickup{{ID: 9, Kind: game.Boost, X: 3, Y: 4}},
	Events:  []game.Event{{Kind: game.Shoved, Car: 1, X: 10.25, Y: 3}},
	Painted: []game.Paint{{Tile: 300, Team: 1}, {Tile: 5, Team: 0}},
}

const knownBytes = "01028403701101000201070002" + "0009000a002080fe400040ff" + "0136006600020000000000" + "00" +
	"01090203040102010029000c02002c01010500" + "00"

func TestFramesKeepTheirBytes(t *testing.T) {
	got := hex.EncodeToString(encodeFrame(knownFrame))
	if got != knownBytes {
		t.Fatalf("encoded\n%s, want\n%s", got, knownBytes)
	}
	back, err := decodeFrame(encodeFrame(knownFrame))
	if err != nil || !reflect.DeepEqual(back, knownFrame) {
		t.Fatalf("decoded %+v, %v", back, err)
	}
}

func TestHeadingsWrapAround(t *testing.T) {
	for _, heading := range []float64{-math.Pi, -0.01, 0, 0.01, math.Pi, 3 * math.Pi} {
		f := game.Frame{Cars: []game.Car{{Heading: heading}}}
		back, err := decodeFrame(encodeFrame(f))
		if err != nil {
			t.Fatal(err)
		}
		if off := math.Remainder(back.Cars[0].Heading-heading, 2*math.Pi); math.Abs(off) > math.Pi/128 {
			t.Errorf("heading %v came back %v off", heading, off)
		}
	}
}

func FuzzDecodeFrame(f *testing.F) {
	known, _ := hex.DecodeString(knownBytes)
	f.Add(known)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := decodeFrame(data)
		if err != nil {
			return
		}
		again, err := decodeFrame(encodeFrame(frame))
		if err != nil || len(again.Painted) != len(frame.Painted) || again.Tick != frame.Tick {
			t.Fatalf("%+v does not survive: %v", frame, err)
		}
	})
}

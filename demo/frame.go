package demo

import (
	"encoding/binary"
	"errors"
	"math"

	"muster/demo/game"
)

// frameVersion is the first byte of every frame.
const frameVersion = 1

// Flags of a car in a frame.
const (
	flagDashing = 1 << iota
	flagStunned
	flagBoosted
	flagRoller
	flagImmune
	flagGone
)

// encodeFrame writes a frame for the wire, little endian:
//
//	u8 version, u8 phase, u16 ticks left, u32 tick, u16 score of team 0, u16 of team 1
//	u8 cars,    each: u8 team, u8 flags, u16 x, u16 y, i16 vx, i16 vy, u8 heading, u8 charge
//	u8 pickups, each: u8 id, u8 kind, u8 x, u8 y
//	u8 events,  each: u8 kind, u8 car, u16 x, u16 y
//	u16 tiles,  each: u16 tile, u8 team
//
// Positions are in 1/1024 tile, velocities in 1/256 tile per second, heading in 1/256
// of a turn, charge in 1/255.
func encodeFrame(f game.Frame) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, 16+12*len(f.Cars)+4*len(f.Pickups)+6*len(f.Events)+3*len(f.Painted))
	b = append(b, frameVersion, byte(f.Phase))
	b = le.AppendUint16(b, uint16(min(f.Left, math.MaxUint16)))
	b = le.AppendUint32(b, f.Tick)
	b = le.AppendUint16(b, uint16(f.Scores[0]))
	b = le.AppendUint16(b, uint16(f.Scores[1]))
	b = append(b, byte(len(f.Cars)))
	for _, c := range f.Cars {
		b = append(b, c.Team, carFlags(c))
		b = le.AppendUint16(b, position(c.X))
		b = le.AppendUint16(b, position(c.Y))
		b = le.AppendUint16(b, uint16(int16(c.VX*256)))
		b = le.AppendUint16(b, uint16(int16(c.VY*256)))
		b = append(b, byte(int(math.Round(c.Heading*128/math.Pi))&0xff), byte(c.Charge*255))
	}
	b = append(b, byte(len(f.Pickups)))
	for _, p := range f.Pickups {
		b = append(b, p.ID, byte(p.Kind), byte(p.X), byte(p.Y))
	}
	events := f.Events[:min(len(f.Events), math.MaxUint8)]
	b = append(b, byte(len(events)))
	for _, e := range events {
		b = append(b, byte(e.Kind), byte(e.Car))
		b = le.AppendUint16(b, position(e.X))
		b = le.AppendUint16(b, position(e.Y))
	}
	b = le.AppendUint16(b, uint16(len(f.Painted)))
	for _, p := range f.Painted {
		b = le.AppendUint16(b, uint16(p.Tile))
		b = append(b, p.Team)
	}
	return b
}

func position(tiles float64) uint16 {
	return uint16(min(max(math.Round(tiles*1024), 0), math.MaxUint16))
}

func carFlags(c game.Car) byte {
	return bit(c.Dashing, flagDashing) | bit(c.Stunned, flagStunned) | bit(c.Boosted, flagBoosted) |
		bit(c.Roller, flagRoller) | bit(c.Immune, flagImmune) | bit(c.Gone, flagGone)
}

func bit(on bool, flag byte) byte {
	if on {
		return flag
	}
	return 0
}

var errFrame = errors.New("not a frame of a known version, or cut short")

// decodeFrame is the inverse of encodeFrame, within the precision of the wire.
func decodeFrame(b []byte) (game.Frame, error) {
	r := frameReader{b: b}
	if r.u8() != frameVersion {
		return game.Frame{}, errFrame
	}
	f := game.Frame{Phase: game.Phase(r.u8()), Left: int(r.u16())}
	f.Tick = uint32(r.u16()) | uint32(r.u16())<<16
	f.Scores = [2]int{int(r.u16()), int(r.u16())}
	for n := r.u8(); n > 0 && !r.short; n-- {
		f.Cars = append(f.Cars, r.car())
	}
	for n := r.u8(); n > 0 && !r.short; n-- {
		f.Pickups = append(f.Pickups, game.Pickup{ID: r.u8(), Kind: game.PickupKind(r.u8()), X: int(r.u8()), Y: int(r.u8())})
	}
	for n := r.u8(); n > 0 && !r.short; n-- {
		f.Events = append(f.Events, game.Event{Kind: game.EventKind(r.u8()), Car: int(r.u8()), X: float64(r.u16()) / 1024, Y: float64(r.u16()) / 1024})
	}
	for n := r.u16(); n > 0 && !r.short; n-- {
		f.Painted = append(f.Painted, game.Paint{Tile: int(r.u16()), Team: r.u8()})
	}
	if r.short || len(r.b) > 0 {
		return game.Frame{}, errFrame
	}
	return f, nil
}

// frameReader takes values off the front. Once short, everything is zero.
type frameReader struct {
	b     []byte
	short bool
}

func (r *frameReader) u8() uint8 {
	if len(r.b) < 1 {
		r.short = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *frameReader) u16() uint16 {
	lo := uint16(r.u8())
	return lo | uint16(r.u8())<<8
}

func (r *frameReader) car() game.Car {
	c := game.Car{Team: r.u8()}
	f := r.u8()
	c.Dashing, c.Stunned, c.Boosted = f&flagDashing > 0, f&flagStunned > 0, f&flagBoosted > 0
	c.Roller, c.Immune, c.Gone = f&flagRoller > 0, f&flagImmune > 0, f&flagGone > 0
	c.X, c.Y = float64(r.u16())/1024, float64(r.u16())/1024
	c.VX, c.VY = float64(int16(r.u16()))/256, float64(int16(r.u16()))/256
	c.Heading = float64(r.u8()) * math.Pi / 128
	c.Charge = float64(r.u8()) / 255
	return c
}

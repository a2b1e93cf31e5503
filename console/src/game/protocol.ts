/*
 * The game connection as the browser sees it. Text messages are JSON; binary messages
 * are frames, little endian:
 *
 *   u8 version, u8 phase, u16 ticks left, u32 tick, u16 score of team 0, u16 of team 1
 *   u8 cars,    each: u8 team, u8 flags, u16 x, u16 y, i16 vx, i16 vy, u8 heading, u8 charge
 *   u8 pickups, each: u8 id, u8 kind, u8 x, u8 y
 *   u8 events,  each: u8 kind, u8 car, u16 x, u16 y
 *   u16 tiles,  each: u16 tile, u8 team
 */

export const Phase = { Warmup: 0, Countdown: 1, Playing: 2, Over: 3 } as const;
export const EventKind = { Dashed: 1, Shoved: 2, Exploded: 3, Boosted: 4, Widened: 5, Appeared: 6 } as const;
export const PickupKind = { Bomb: 1, Boost: 2, Roller: 3 } as const;

export interface Car {
  team: number;
  x: number; // tiles
  y: number;
  vx: number; // tiles per second
  vy: number;
  heading: number; // radians
  charge: number; // 0 to 1
  dashing: boolean;
  stunned: boolean;
  boosted: boolean;
  roller: boolean;
  immune: boolean;
  gone: boolean;
}

export interface Pickup { id: number; kind: number; x: number; y: number }
export interface GameEvent { kind: number; car: number; x: number; y: number }
export interface Paint { tile: number; team: number }

export interface Frame {
  phase: number;
  left: number; // ticks
  tick: number;
  scores: [number, number];
  cars: Car[];
  pickups: Pickup[];
  events: GameEvent[];
  painted: Paint[];
}

export interface CarInfo { team: number; name: string; state: 'expected' | 'here' | 'away' | 'left' }

export interface Welcome {
  type: 'welcome';
  you: number;
  tickRate: number;
  roundSeconds: number;
  width: number;
  height: number;
  walls: string;
  tiles: string;
  teams: string[];
  cars: CarInfo[];
}

export interface GameOver { type: 'over'; reason: 'time' | 'forfeit' | 'nobody'; teams: { name: string; rank: number; score: number }[] }

export type ServerMessage =
  | Welcome
  | GameOver
  | { type: 'roster'; cars: CarInfo[] }
  | { type: 'recorded' }
  | { type: 'replaced' }
  | { type: 'pong'; t: number }
  | { type: 'refused'; code: string; message: string };

const turn = Math.PI / 128;

/** decodeFrame reads a binary message; it throws a RangeError when it is cut short. */
export function decodeFrame(data: ArrayBuffer): Frame {
  const v = new DataView(data);
  let at = 0;
  const u8 = () => v.getUint8(at++);
  const u16 = () => { at += 2; return v.getUint16(at - 2, true); };
  const i16 = () => { at += 2; return v.getInt16(at - 2, true); };
  const list = <T>(n: number, item: () => T): T[] => Array.from({ length: n }, item);
  if (u8() !== 1) throw new RangeError('a frame of an unknown version');
  const phase = u8();
  const left = u16();
  at += 4;
  const tick = v.getUint32(at - 4, true);
  const scores: [number, number] = [u16(), u16()];
  const cars = list(u8(), () => {
    const team = u8();
    const f = u8();
    return {
      team,
      x: u16() / 1024, y: u16() / 1024, vx: i16() / 256, vy: i16() / 256,
      heading: u8() * turn, charge: u8() / 255,
      dashing: (f & 1) > 0, stunned: (f & 2) > 0, boosted: (f & 4) > 0,
      roller: (f & 8) > 0, immune: (f & 16) > 0, gone: (f & 32) > 0,
    };
  });
  const pickups = list(u8(), () => ({ id: u8(), kind: u8(), x: u8(), y: u8() }));
  const events = list(u8(), () => ({ kind: u8(), car: u8(), x: u16() / 1024, y: u16() / 1024 }));
  const painted = list(u16(), () => ({ tile: u16(), team: u8() }));
  return { phase, left, tick, scores, cars, pickups, events, painted };
}

import type { Car, Frame } from './protocol';

/** View is what is drawn at one instant: cars between two frames, and what came to pass since the last view. */
export interface View { frame: Frame; cars: Car[]; passed: Frame[] }

const delay = 1.7; // ticks that the picture lags behind the newest frame, to be smooth
const maxLag = 12; // ticks after which the picture jumps instead of catching up

/**
 * Timeline turns frames that arrive unevenly into smooth motion: it plays them a moment
 * late and goes a little faster or slower to stay that moment behind.
 */
export class Timeline {
  #frames: Frame[] = [];
  #now = -1; // the tick that is shown, with a fraction

  constructor(private readonly rate: number) {}

  push(f: Frame): void {
    const last = this.#frames.at(-1);
    if (last && f.tick <= last.tick) return;
    this.#frames.push(f);
    if (this.#now < 0) this.#now = f.tick - delay;
  }

  /** advance moves on by dt seconds; null before the first frame. */
  advance(dt: number): View | null {
    const newest = this.#frames.at(-1);
    if (!newest) return null;
    const behind = newest.tick - delay - this.#now;
    if (Math.abs(behind) > maxLag) this.#now = newest.tick - delay;
    else this.#now += dt * this.rate * (1 + Math.max(-0.25, Math.min(0.25, behind * 0.08)));
    this.#now = Math.min(this.#now, newest.tick);
    const passed: Frame[] = [];
    while (this.#frames.length > 1 && this.#frames[1]!.tick <= this.#now) passed.push(this.#frames.shift()!);
    const a = this.#frames[0]!;
    const b = this.#frames[1] ?? a;
    const t = b === a ? 0 : Math.max(0, Math.min(1, (this.#now - a.tick) / (b.tick - a.tick)));
    return { frame: a, cars: a.cars.map((car, i) => between(car, b.cars[i] ?? car, t)), passed };
  }
}

function between(a: Car, b: Car, t: number): Car {
  if (Math.hypot(b.x - a.x, b.y - a.y) > 3) return b; // put somewhere else, not driven
  let turn = b.heading - a.heading;
  if (turn > Math.PI) turn -= 2 * Math.PI;
  if (turn < -Math.PI) turn += 2 * Math.PI;
  return { ...b, x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t, heading: a.heading + turn * t };
}

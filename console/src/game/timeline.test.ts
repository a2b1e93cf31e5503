import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from './protocol';
import { Timeline } from './timeline';

function frame(tick: number, x: number): Frame {
  const car = { team: 0, x, y: 0, vx: 0, vy: 0, heading: 0, charge: 1, dashing: false, stunned: false, boosted: false, roller: false, immune: false, gone: false };
  return { phase: 2, left: 0, tick, scores: [0, 0], cars: [car], pickups: [], events: [], painted: [{ tile: tick, team: 0 }] };
}

test('nothing is shown before the first frame', () => {
  assert.equal(new Timeline(30).advance(0.1), null);
});

test('cars glide forward and every frame passes exactly once, in order', () => {
  const t = new Timeline(30);
  const passed: number[] = [];
  let x = -1;
  for (let tick = 1; tick <= 90; tick++) {
    t.push(frame(tick, tick * 0.1));
    for (let i = 0; i < 2; i++) {
      const v = t.advance(1 / 60)!;
      assert.ok(v.cars[0]!.x >= x, `the car went back at tick ${tick}`);
      x = v.cars[0]!.x;
      passed.push(...v.passed.map((f) => f.tick));
    }
  }
  assert.deepEqual(passed, passed.map((_, i) => i + 1));
  assert.ok(passed.length > 80, `only ${passed.length} frames passed`);
  assert.ok(90 * 0.1 - x < 0.5, 'the picture is far behind');
});

test('after a gap the picture jumps to the present and still paints what it missed', () => {
  const t = new Timeline(30);
  t.push(frame(1, 0));
  t.advance(0.01);
  for (let tick = 2; tick <= 200; tick++) t.push(frame(tick, 0));
  assert.ok(t.advance(0.01)!.passed.length > 190);
});

test('frames that come twice or late are ignored', () => {
  const t = new Timeline(30);
  t.push(frame(5, 1));
  t.push(frame(5, 2));
  t.push(frame(4, 3));
  assert.equal(t.advance(1)!.cars[0]!.x, 1);
});

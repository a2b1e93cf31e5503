import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventKind, Phase, PickupKind, decodeFrame } from './protocol';

// The same bytes are in the game server's test (demo/frame_test.go): change them together.
const known =
  '010284037011010002010700020009000a002080fe400040ff01360066000200000000000001090203040102010029000c02002c0101050000';

function bytes(hex: string): ArrayBuffer {
  return Uint8Array.from(hex.match(/../g)!, (b) => parseInt(b, 16)).buffer;
}

test('a frame of the game server is decoded', () => {
  const f = decodeFrame(bytes(known));
  assert.equal(f.tick, 70000);
  assert.equal(f.phase, Phase.Playing);
  assert.equal(f.left, 900);
  assert.deepEqual(f.scores, [258, 7]);
  const [a, b] = f.cars;
  assert.deepEqual(a, { team: 0, x: 2.5, y: 8, vx: -1.5, vy: 0.25, heading: Math.PI / 2, charge: 1, dashing: true, stunned: false, boosted: false, roller: true, immune: false, gone: false });
  assert.ok(b && b.stunned && b.boosted && b.immune && b.gone && !b.dashing);
  assert.deepEqual(f.pickups, [{ id: 9, kind: PickupKind.Boost, x: 3, y: 4 }]);
  assert.deepEqual(f.events, [{ kind: EventKind.Shoved, car: 1, x: 10.25, y: 3 }]);
  assert.deepEqual(f.painted, [{ tile: 300, team: 1 }, { tile: 5, team: 0 }]);
});

test('a frame that is cut short, or of another version, is refused', () => {
  for (let n = 0; n < known.length / 2; n++) assert.throws(() => decodeFrame(bytes(known.slice(0, 2 * n) || '00')), RangeError);
  assert.throws(() => decodeFrame(bytes('09' + known.slice(2))), RangeError);
});

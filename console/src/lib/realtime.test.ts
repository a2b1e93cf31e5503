import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, final } from './realtime';
import type { Ticket } from './types';

test('waits between attempts grow, differ and have an end', () => {
  let last = 0;
  for (let n = 0; n < 6; n++) {
    const wait = backoff(n, () => 0.5);
    assert.ok(wait > last);
    last = wait;
  }
  assert.ok(backoff(1000, () => 1) <= 15_000 * 1.3);
  assert.ok(backoff(3, () => 0) < backoff(3, () => 1));
});

test('four statuses are final', () => {
  const all = ['queued', 'searching', 'requiresAcceptance', 'placing', 'completed', 'failed', 'cancelled', 'timedOut'];
  assert.deepEqual(all.filter((status) => final({ status } as Ticket)), ['completed', 'failed', 'cancelled', 'timedOut']);
});

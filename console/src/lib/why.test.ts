import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from './api';
import type { Explanation, TicketStatus } from './types';
import { askWhy, lineOf, type Clock } from './why';

function why(message: string, status: TicketStatus = 'searching'): Explanation {
  return { ticketId: 't1', status, message };
}

/** Hand is a clock in the test's hands: it keeps the one timer that is set. */
class Hand implements Clock {
  away = false;
  waits: number[] = [];
  due: (() => void) | null = null;
  set = (f: () => void, ms: number) => { this.waits.push(ms); this.due = f; return this.waits.length; };
  clear = () => { this.due = null; };
  hidden = () => this.away;
  async ring(): Promise<void> {
    this.due?.();
    await new Promise((done) => setImmediate(done));
  }
}

test('the first question comes late, the next in steps of five seconds', async () => {
  const clock = new Hand();
  const told: string[] = [];
  let n = 0;
  askWhy(async () => why(`line ${++n}`), (line) => told.push(line), clock);
  await clock.ring();
  await clock.ring();
  assert.deepEqual(told, ['line 1', 'line 2']);
  assert.deepEqual(clock.waits, [4000, 5000, 5000]);
});

test('a refusal slows the questions down, and what was said stands', async () => {
  const clock = new Hand();
  const told: string[] = [];
  const answers: (Explanation | Error)[] = [why('first'), new ApiError({ code: 'explanation.busy', title: '', detail: '', retryAfter: 30 }), new Error('no line'), new Error('no line'), why('last')];
  askWhy(async () => { const a = answers.shift()!; if (a instanceof Error) throw a; return a; }, (line) => told.push(line), clock);
  for (let i = 0; i < 5; i++) await clock.ring();
  assert.deepEqual(told, ['first', 'last']);
  assert.deepEqual(clock.waits, [4000, 5000, 30000, 60000, 60000, 5000]);
});

test('nobody is asked while the page is hidden', async () => {
  const clock = new Hand();
  let asked = 0;
  askWhy(async () => { asked++; return why('x'); }, () => {}, clock);
  clock.away = true;
  await clock.ring();
  assert.equal(asked, 0);
  clock.away = false;
  await clock.ring();
  assert.equal(asked, 1);
});

test('after the end nothing is told and no timer runs', async () => {
  const clock = new Hand();
  const told: string[] = [];
  let answer = (_: Explanation) => {};
  const stop = askWhy(() => new Promise((done) => { answer = done; }), (line) => told.push(line), clock);
  await clock.ring();
  stop();
  answer(why('too late'));
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(told, []);
  assert.equal(clock.due, null);
  assert.deepEqual(clock.waits, [4000]);
});

test('only a search is explained', () => {
  assert.equal(lineOf(why('Waiting for 1 more player.')), 'Waiting for 1 more player.');
  assert.equal(lineOf(why('It is matched.', 'completed')), '');
});

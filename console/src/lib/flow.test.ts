import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abandoned, apply, brokenOff, closed, connected, finished, givingUp, screenOf, start, toLobby, type Flow } from './flow';
import type { MatchResult, Seat, Ticket, TicketStatus } from './types';

const seat: Seat = { sessionId: 's1', mode: 'duel', team: 'red', ipAddress: '127.0.0.1', port: 1, playerSessionId: 'psess-1' };
const over = { type: 'over' as const, reason: 'time' as const, teams: [] };
const result: MatchResult = { sessionId: 's1', mode: 'duel', outcome: 'win', team: 'red', skillBefore: 1500, skillAfter: 1520, teams: [] };

function ticket(status: TicketStatus, version: number, more: Partial<Ticket> = {}): Ticket {
  return { id: 't1', mode: 'duel', status, version, createdAt: '', updatedAt: '', players: [], ...more };
}

function after(f: Flow, ...tickets: Ticket[]): Flow {
  return tickets.reduce((g, data) => apply(g, { type: 'ticket', data }), f);
}

test('a whole match goes through every screen', () => {
  const screens = [];
  let f = start;
  const see = () => screens.push(screenOf(f));
  see();
  for (const t of [ticket('queued', 1), ticket('searching', 2), ticket('requiresAcceptance', 3), ticket('placing', 4), ticket('completed', 5, { seat })]) {
    f = after(f, t);
    see();
  }
  f = finished(f, over);
  see();
  f = apply(f, { type: 'result', data: result });
  assert.equal(f.result?.skillAfter, 1520);
  f = toLobby(f);
  see();
  assert.deepEqual(screens, ['lobby', 'searching', 'searching', 'accept', 'placing', 'game', 'result', 'lobby']);
});

test('old news does not turn a ticket back', () => {
  const f = after(start, ticket('requiresAcceptance', 3), ticket('searching', 2));
  assert.equal(screenOf(f), 'accept');
});

test('the end of an earlier ticket does not end the present one', () => {
  const f = after(start, ticket('searching', 2), ticket('cancelled', 9, { id: 't0' }));
  assert.equal(screenOf(f), 'searching');
});

test('a reload in mid-game goes straight back to the seat', () => {
  assert.equal(screenOf(apply(start, { type: 'snapshot', data: { ticket: null, seat } })), 'game');
});

test('the seat of a match that was played is not taken again', () => {
  const f = toLobby(finished(after(start, ticket('completed', 5, { seat })), over));
  assert.equal(screenOf(apply(f, { type: 'snapshot', data: { ticket: null, seat } })), 'lobby');
  assert.equal(screenOf(after(f, ticket('completed', 5, { seat }))), 'lobby');
});

test('a result that comes before the final score waits for the game to end', () => {
  const playing = after(start, ticket('completed', 5, { seat }));
  const told = apply(playing, { type: 'result', data: result });
  assert.equal(screenOf(told), 'game');
  assert.equal(screenOf(finished(told, over)), 'result');
});

test('a result that is told again does not come back to the screen', () => {
  const f = toLobby(apply(finished(after(start, ticket('completed', 5, { seat })), over), { type: 'result', data: result }));
  assert.equal(screenOf(apply(f, { type: 'result', data: result })), 'lobby');
});

test('the complaint about the connection goes when it works again', () => {
  const lost = { ...start, problem: { code: 'backend.unreachable', title: '', detail: '' } };
  assert.equal(connected(lost).problem, null);
  const other = { ...start, problem: { code: 'other', title: '', detail: '' } };
  assert.equal(connected(other).problem?.code, 'other');
});

test('results of other matches are not shown', () => {
  assert.equal(screenOf(apply(start, { type: 'result', data: result })), 'lobby');
});

test('a ticket that ends badly says why, one that the player cancelled does not', () => {
  const failed = after(start, ticket('searching', 1), ticket('failed', 2, { reason: { code: 'x', message: 'No server was free.' } }));
  assert.equal(failed.problem?.detail, 'No server was free.');
  assert.equal(after(start, ticket('searching', 1), ticket('timedOut', 2)).problem?.code, 'ticket.timed_out');
  const searching = after(start, ticket('searching', 1));
  assert.equal(after(givingUp(searching, 't1'), ticket('cancelled', 2)).problem, null);
  assert.equal(after(searching, ticket('cancelled', 2)).problem?.code, 'ticket.cancelled');
});

test('every reason for the end of a ticket has words of its own', () => {
  const reasons: Record<string, [TicketStatus, RegExp]> = {
    'ticket.timed_out': ['timedOut', /^Nobody was found in time/],
    'ticket.no_server': ['timedOut', /A match was found, but no game server was free/],
    'ticket.lost': ['failed', /place in the queue was lost/],
    'ticket.failed': ['failed', /could not be started/],
    'ticket.refused': ['failed', /did not take your search/],
    'ticket.cancelled': ['cancelled', /search was cancelled/],
    'match.declined': ['cancelled', /You declined/],
    'match.not_accepted': ['cancelled', /not accepted by everybody/],
  };
  for (const [code, [status, words]] of Object.entries(reasons)) {
    const p = after(start, ticket('searching', 1), ticket(status, 2, { reason: { code, message: 'm' } })).problem;
    assert.equal(p?.code, code);
    assert.match(`${p?.title} ${p?.detail}`, words);
  }
});

test('a match that was declined is not called found any more', () => {
  const found = after(start, ticket('requiresAcceptance', 3));
  assert.equal(screenOf(givingUp(found, 't1')), 'leaving');
  assert.equal(screenOf(givingUp(givingUp(found, 't1'), '')), 'accept'); // declining did not work
  const match = { id: 'm', acceptanceRequired: true, playerCount: 2, acceptedCount: 0, you: 'declined' as const };
  assert.equal(screenOf(after(start, ticket('requiresAcceptance', 3, { match }))), 'leaving');
});

test('the answer to declining may come after the end of the ticket', () => {
  const f = after(givingUp(after(start, ticket('requiresAcceptance', 3)), 't1'), ticket('cancelled', 5), ticket('requiresAcceptance', 4));
  assert.equal(screenOf(f), 'lobby');
});

test('a match that ended without a word is lost, unless it has a result', () => {
  const f = after(start, ticket('completed', 5, { seat }));
  assert.equal(brokenOff(f, 's1', null).problem?.title, 'The match was lost');
  assert.equal(screenOf(brokenOff(f, 's1', { ...result, sessionId: 's0' })), 'lobby');
  assert.equal(screenOf(brokenOff(f, 's1', result)), 'result');
  assert.equal(brokenOff(toLobby(finished(f, over)), 's1', null).problem, null);
});

test('a game that breaks off leads to the lobby with a reason', () => {
  const f = abandoned(after(start, ticket('completed', 5, { seat })), { code: 'c', title: 't', detail: 'd' });
  assert.equal(screenOf(f), 'lobby');
  assert.equal(f.problem?.code, 'c');
});

test('a seat on a server of another game is left with its result, or when its session ends', () => {
  const seated = after(start, ticket('completed', 1, { seat }));
  assert.equal(screenOf(closed(seated)), 'game');
  const told = closed(apply(seated, { type: 'result', data: result }));
  assert.equal(screenOf(told), 'result');
  const ended = closed(apply(seated, { type: 'session', data: { sessionId: 's1', state: 'ended' } }));
  assert.equal(screenOf(ended), 'lobby');
  assert.equal(screenOf(closed(apply(ended, { type: 'result', data: result }))), 'result');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOf, standingOf, verdictOf } from './standing';
import type { MatchResult, Rating } from './types';

const games = { games: 1, wins: 1, losses: 0, draws: 0 };
const match: MatchResult = { sessionId: 's1', mode: 'duel', outcome: 'win', team: 'red', teams: [] };

test('during placement games the lobby shows how far they are, and no skill', () => {
  const r: Rating = { mode: 'duel', placement: { played: 1, needed: 2 }, ...games };
  assert.deepEqual(standingOf(r), { tag: 'Placement', value: '1 of 2', note: 'Your skill shows after 1 more match' });
});

test('otherwise the lobby shows the skill', () => {
  assert.equal(standingOf({ mode: 'duel', skill: 1477, ...games }).value, '1477');
  assert.equal(standingOf(undefined).value, '1500');
});

test('a match of the placement games shows no change', () => {
  const r: Rating = { mode: 'duel', placement: { played: 1, needed: 2 }, ...games };
  assert.deepEqual(verdictOf(match, [r]), { tag: 'Placement', text: '1 of 2' });
  assert.deepEqual(verdictOf(match, []), { tag: 'Placement', text: 'This match counts' });
  assert.equal(changeOf(match), '');
});

test('the last of them reveals the skill without a change', () => {
  const last = { ...match, skillAfter: 1477 };
  assert.deepEqual(verdictOf(last, []), { tag: 'Your first skill', text: '1477' });
  assert.equal(changeOf(last), '');
});

test('any other match counts from one skill to the next, an unrated one not at all', () => {
  const rated = { ...match, skillBefore: 1500, skillAfter: 1520 };
  assert.deepEqual(verdictOf(rated, []), { from: 1500, to: 1520 });
  assert.equal(changeOf(rated), '1500 → 1520');
  assert.deepEqual(verdictOf({ ...match, unrated: true }, []), { tag: 'Skill', text: 'This match does not count' });
});

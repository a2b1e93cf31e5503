import type { MatchResult, Rating } from './types';

/*
 * What the page says of a player's skill, which the backend hides during placement games.
 */

/** Standing is a large number and what it is. */
export interface Standing { tag: string; value: string; note: string }

/** standingOf is what the lobby shows; newcomers without a rating stand where everybody begins. */
export function standingOf(r: Rating | undefined): Standing {
  if (!r?.placement) return { tag: 'Skill', value: String(r?.skill ?? 1500), note: '' };
  const { played, needed } = r.placement;
  return { tag: 'Placement', value: `${played} of ${needed}`, note: `Your skill shows after ${count(needed - played)}` };
}

/** Verdict is what a finished match did to the skill: where it counts from and to, or words alone. */
export type Verdict = { from: number; to: number } | { tag: string; text: string };

/** verdictOf reads a result, with the ratings as they are after it. */
export function verdictOf(m: MatchResult, ratings: Rating[]): Verdict {
  if (m.skillAfter !== undefined && m.skillBefore !== undefined) return { from: m.skillBefore, to: m.skillAfter };
  if (m.skillAfter !== undefined) return { tag: 'Your first skill', text: String(m.skillAfter) };
  if (m.unrated) return { tag: 'Skill', text: 'This match does not count' };
  const placement = ratings.find((r) => r.mode === m.mode)?.placement;
  return { tag: 'Placement', text: placement ? `${placement.played} of ${placement.needed}` : 'This match counts' };
}

/** changeOf is a match's change of skill for a tooltip, empty where nothing is shown. */
export function changeOf(m: MatchResult): string {
  return m.skillBefore === undefined || m.skillAfter === undefined ? '' : `${m.skillBefore} → ${m.skillAfter}`;
}

function count(n: number): string {
  return n === 1 ? '1 more match' : `${n} more matches`;
}

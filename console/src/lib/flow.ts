import type { MatchResult, Problem, Seat, Ticket } from './types';
import type { Update } from './realtime';
import type { GameOver } from '../game/protocol';
import { unreachable } from './api';
import { final } from './realtime';

/*
 * What the page shows, as a pure function of what it knows.
 */

export type Screen = 'lobby' | 'searching' | 'accept' | 'placing' | 'game' | 'result';

/** Flow is where the player stands. */
export interface Flow {
  ticket: Ticket | null; // one that is not over
  seat: Seat | null; // to be played in
  session: string; // of the match that is played or was just played
  over: GameOver | null; // the game server's final score
  result: MatchResult | null; // the backend's word on it
  givenUp: string; // the ticket that the player cancelled or declined
  played: string[]; // sessions that ended; their seats are of no use any more
  problem: Problem | null;
}

export const start: Flow = { ticket: null, seat: null, session: '', over: null, result: null, givenUp: '', played: [], problem: null };

export function screenOf(f: Flow): Screen {
  if (f.seat) return 'game';
  if (f.over || f.result) return 'result';
  switch (f.ticket?.status) {
    case 'queued':
    case 'searching':
      return 'searching';
    case 'requiresAcceptance':
      return 'accept';
    case 'placing':
      return 'placing';
  }
  return 'lobby';
}

/** apply takes in news from the backend. News that is older than what is known changes nothing. */
export function apply(f: Flow, u: Update): Flow {
  switch (u.type) {
    case 'snapshot': {
      const next = u.data.ticket ? withTicket(f, u.data.ticket) : { ...f, ticket: null };
      return u.data.seat ? withSeat(next, u.data.seat) : next;
    }
    case 'ticket':
      return withTicket(f, u.data);
    case 'result':
      if (u.data.sessionId !== f.session) return f;
      return { ...f, result: u.data };
    case 'session':
      return u.data.state === 'ended' ? { ...f, played: played(f, u.data.sessionId) } : f;
  }
}

function withTicket(f: Flow, t: Ticket): Flow {
  if (f.ticket && f.ticket.id === t.id && t.version < f.ticket.version) return f;
  if (f.ticket && f.ticket.id !== t.id && final(t)) return f; // an earlier one's end
  if (t.status === 'completed') return t.seat ? withSeat({ ...f, ticket: null }, t.seat) : { ...f, ticket: null };
  if (!final(t)) return { ...f, ticket: t };
  const surprise = f.ticket?.id === t.id && f.givenUp !== t.id;
  return { ...f, ticket: null, problem: surprise ? endOf(t) : f.problem };
}

/** givingUp notes that the player wants a ticket to end, so that its end is no news. */
export function givingUp(f: Flow, ticket: string): Flow {
  return { ...f, givenUp: ticket };
}

/** endOf explains a ticket that ended without a seat. */
function endOf(t: Ticket): Problem {
  const detail = t.reason?.message;
  switch (t.status) {
    case 'timedOut':
      return { code: 'ticket.timed_out', title: 'Nobody to play with', detail: detail ?? 'No match came together in time. Try again.' };
    case 'cancelled':
      return { code: t.reason?.code ?? 'ticket.cancelled', title: 'The match fell through', detail: 'Not everybody accepted in time. Play again to look for another one.' };
  }
  return { code: t.reason?.code ?? 'ticket.failed', title: 'The match fell through', detail: detail ?? 'The match could not be started. Try again.' };
}

/** withSeat starts the game, unless that match is over already. A renewed seat replaces the old one. */
export function withSeat(f: Flow, seat: Seat): Flow {
  if (f.played.includes(seat.sessionId)) return f;
  if (f.seat?.sessionId === seat.sessionId) return { ...f, seat };
  return { ...f, ticket: null, seat, session: seat.sessionId, over: null, result: null, problem: null };
}

/** finished leaves the game with its final score. */
export function finished(f: Flow, over: GameOver): Flow {
  return { ...f, seat: null, over, played: played(f, f.session) };
}

/** abandoned leaves a game that did not reach its end, and says why. */
export function abandoned(f: Flow, problem: Problem | null): Flow {
  return { ...f, seat: null, over: null, played: played(f, f.session), problem };
}

/** toLobby puts the last match away: news of it is not shown again. */
export function toLobby(f: Flow): Flow {
  return { ...f, session: '', over: null, result: null, problem: null };
}

/** connected takes back the complaint that the backend does not answer. */
export function connected(f: Flow): Flow {
  return f.problem?.code === unreachable ? { ...f, problem: null } : f;
}

function played(f: Flow, session: string): string[] {
  return f.played.includes(session) ? f.played : [...f.played, session].slice(-20);
}

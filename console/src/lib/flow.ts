import type { MatchResult, Problem, Seat, Ticket, TicketStatus } from './types';
import type { Update } from './realtime';
import type { GameOver } from '../game/protocol';
import { unreachable } from './api';
import { final } from './realtime';

/*
 * What the page shows, as a pure function of what it knows.
 */

export type Screen = 'lobby' | 'searching' | 'accept' | 'leaving' | 'placing' | 'game' | 'result';

/** Flow is where the player stands. */
export interface Flow {
  ticket: Ticket | null; // one that is not over
  seat: Seat | null; // to be played in
  session: string; // of the match that is played or was just played
  over: GameOver | null; // the game server's final score
  result: MatchResult | null; // the backend's word on it
  ended: string; // the latest ticket that is over; older news of it may still come
  givenUp: string; // the ticket that the player cancelled or declined
  played: string[]; // sessions that ended; their seats are of no use any more
  problem: Problem | null;
}

export const start: Flow = { ticket: null, seat: null, session: '', over: null, result: null, ended: '', givenUp: '', played: [], problem: null };

export function screenOf(f: Flow): Screen {
  if (f.seat) return 'game';
  if (f.over || f.result) return 'result';
  switch (f.ticket?.status) {
    case 'queued':
    case 'searching':
      return 'searching';
    case 'requiresAcceptance':
      return f.givenUp === f.ticket.id || f.ticket.match?.you === 'declined' ? 'leaving' : 'accept';
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
  if (t.id === f.ended && !final(t)) return f;
  const over = { ...f, ticket: null, ended: t.id };
  if (t.status === 'completed') return t.seat ? withSeat(over, t.seat) : over;
  if (!final(t)) return { ...f, ticket: t };
  const surprise = f.ticket?.id === t.id && f.givenUp !== t.id;
  return { ...over, problem: surprise ? endOf(t) : f.problem };
}

/** givingUp notes that the player wants a ticket to end, so that its end is no news. */
export function givingUp(f: Flow, ticket: string): Flow {
  return { ...f, givenUp: ticket };
}

const ends: Record<string, { title: string; detail: string }> = {
  'ticket.timed_out': { title: 'Nobody was found in time', detail: 'Play again to keep looking.' },
  'ticket.no_server': { title: 'No game server was free', detail: 'A match was found, but no game server was free. Play again in a moment.' },
  'ticket.cancelled': { title: 'The search was cancelled', detail: 'Play again to start a new one.' },
  'ticket.lost': { title: 'Your place in the queue was lost', detail: 'Matchmaking does not know your search any more. Play again to start a new one.' },
  'ticket.refused': { title: 'Matchmaking did not take your search', detail: 'Nothing was changed. Try again, or choose another mode.' },
  'ticket.failed': { title: 'The match could not be started', detail: 'Play again to look for another one.' },
  'match.declined': { title: 'You declined the match', detail: 'Play again when you are ready.' },
  'match.not_accepted': { title: 'The match was not accepted by everybody', detail: 'Play again to look for another one.' },
};
const endCodes: Partial<Record<TicketStatus, string>> = { timedOut: 'ticket.timed_out', cancelled: 'ticket.cancelled' };

/** endOf explains a ticket that ended without a seat. */
function endOf(t: Ticket): Problem {
  const code = t.reason?.code ?? endCodes[t.status] ?? 'ticket.failed';
  const known = ends[code];
  if (known) return { code, ...known };
  return { code, title: ends['ticket.failed']!.title, detail: t.reason?.message ?? ends['ticket.failed']!.detail };
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

/**
 * brokenOff leaves a game that the backend calls ended although the game server never
 * said so. With the backend's result that is all there is to show; without, it was lost.
 */
export function brokenOff(f: Flow, session: string, result: MatchResult | null): Flow {
  if (f.session !== session || !f.seat) return f;
  if (result?.sessionId === session) return { ...f, seat: null, result, played: played(f, session) };
  return abandoned(f, { code: 'match.lost', title: 'The match was lost', detail: 'Its server went away. Play again to look for another one.' });
}

/**
 * closed leaves the seat in a session of a game server that the page does not speak to,
 * once the backend has its result or calls it ended.
 */
export function closed(f: Flow): Flow {
  const over = f.seat && (f.result?.sessionId === f.session || f.played.includes(f.session));
  return over ? { ...f, seat: null, played: played(f, f.session) } : f;
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

import type { MatchResult, Seat, Ticket } from './types';
import type { Api } from './api';

/** Update is news about the player, in the order it happened. */
export type Update =
  | { type: 'snapshot'; data: { ticket: Ticket | null; seat: Seat | null } }
  | { type: 'ticket'; data: Ticket }
  | { type: 'result'; data: MatchResult }
  | { type: 'session'; data: { sessionId: string; state: string } };

/** Link is how news comes: not yet, at once, by asking for it, or not at all for now. */
export type Link = 'connecting' | 'live' | 'polling' | 'away';

const socketTries = 2; // failures in a row before polling starts
const pollWait = 20; // seconds that the backend may hold a poll
const pollPause = 1500; // ms between polls that need no waiting

/** backoff is how long to wait before attempt n (from 1), in ms. */
export function backoff(n: number, random: () => number = Math.random): number {
  return Math.min(15_000, 300 * 2 ** Math.min(n, 6)) * (0.7 + 0.6 * random());
}

/**
 * Realtime follows one player's events: over a WebSocket that resumes where it was, and
 * by polling while the socket does not work.
 */
export class Realtime {
  #epoch = '';
  #seq = 0;
  #failures = 0;
  #socket: WebSocket | null = null;
  #polling = false;
  #ticket: Ticket | null = null; // the latest that was seen
  #stopped = false;

  constructor(
    private readonly api: Api,
    private readonly update: (u: Update) => void,
    private readonly link: (l: Link) => void,
  ) {}

  start(): void { void this.#connect(); }

  stop(): void {
    this.#stopped = true;
    this.#socket?.close();
  }

  /** watch tells of a ticket that the page learned of by itself. */
  watch(t: Ticket): void { if (!this.#ticket || t.id !== this.#ticket.id || t.version > this.#ticket.version) this.#ticket = t; }

  async #connect(): Promise<void> {
    if (this.#stopped) return;
    try {
      const query = new URLSearchParams({ ticket: await this.api.socketTicket() });
      if (this.#epoch) {
        query.set('epoch', this.#epoch);
        query.set('after', String(this.#seq));
      }
      const url = new URL('/v1/realtime?' + query, location.href);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      this.#listen(new WebSocket(url));
    } catch {
      this.#again();
    }
  }

  #listen(socket: WebSocket): void {
    this.#socket = socket;
    socket.onmessage = (e) => { if (typeof e.data === 'string') this.#receive(e.data); };
    socket.onclose = () => { if (this.#socket === socket) this.#again(); };
  }

  #receive(text: string): void {
    let m: { type: string; seq?: number; data?: unknown };
    try {
      m = JSON.parse(text);
    } catch {
      return; // not for us
    }
    if (m.type === 'hello') {
      const hello = m.data as { epoch: string; seq: number; resumed: boolean };
      this.#epoch = hello.epoch;
      if (!hello.resumed) this.#seq = hello.seq;
      this.#failures = 0;
      this.link('live');
      return;
    }
    if (m.seq !== undefined) this.#seq = Math.max(this.#seq, m.seq);
    if (m.type === 'ticket') this.#ticket = m.data as Ticket;
    if (m.type === 'snapshot') this.#ticket = (m.data as { ticket: Ticket | null }).ticket;
    if (m.type === 'ticket' || m.type === 'snapshot' || m.type === 'result' || m.type === 'session') this.update(m as Update);
  }

  #again(): void {
    if (this.#stopped) return;
    this.#socket = null;
    this.#failures++;
    if (this.#failures < socketTries) this.link(this.#epoch ? 'away' : 'connecting');
    else if (!this.#polling) void this.#poll();
    setTimeout(() => void this.#connect(), backoff(this.#failures));
  }

  /** #poll stands in for the socket until it works again. */
  async #poll(): Promise<void> {
    this.#polling = true;
    let last: MatchResult | null | undefined; // undefined: not asked yet
    let failures = 0;
    while (this.#failures > 0 && !this.#stopped) {
      try {
        if (last === undefined || failures > 0) {
          const latest = await this.#latestResult(); // quick to answer, unlike a ticket
          last ??= latest;
          if (this.#failures > 0) this.link('polling');
          failures = 0;
        }
        const t = this.#ticket;
        if (t && !final(t)) {
          const next = await this.api.ticket(t.id, pollWait, t.version);
          if (next.version > t.version) {
            this.#ticket = next;
            this.update({ type: 'ticket', data: next });
          }
        } else {
          const latest = await this.#latestResult();
          if (latest && latest.sessionId !== last?.sessionId) {
            last = latest;
            this.update({ type: 'result', data: latest });
          }
          await pause(pollPause);
        }
      } catch {
        if (this.#failures > 0) this.link('away');
        await pause(backoff(++failures));
      }
    }
    this.#polling = false;
  }

  async #latestResult(): Promise<MatchResult | null> {
    return (await this.api.matches(1))[0] ?? null;
  }
}

/** final says whether a ticket can still change. */
export function final(t: Ticket): boolean {
  return t.status === 'completed' || t.status === 'failed' || t.status === 'cancelled' || t.status === 'timedOut';
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

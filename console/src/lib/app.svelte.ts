import { Api, ApiError, problemOf } from './api';
import { abandoned, apply, brokenOff, closed, connected, finished, givingUp, screenOf, start, toLobby, withSeat, type Flow } from './flow';
import { ownServer } from './game';
import { forget, isKept, keep, remember, restore } from './identity';
import { Realtime, backoff, pause, type Link, type Update } from './realtime';
import type { MatchResult, Mode, Player, Problem, Rating, Seat, Ticket } from './types';
import type { GameOver } from '../game/protocol';

/** App is everything the page knows, and what its buttons do. */
export class App {
  player = $state<Player | null>(null);
  ratings = $state<Rating[]>([]);
  matches = $state<MatchResult[]>([]);
  modes = $state<Mode[]>([]);
  latency = $state<Record<string, number>>({});
  link = $state<Link>('connecting');
  flow = $state.raw<Flow>(start);
  busy = $state(false); // a request of the player is under way
  kept = $state(false);
  mode = $state(''); // the chosen one
  preferences = $state<Record<string, string>>({});
  startup = $state<Problem | null>(null); // why the page cannot start yet

  screen = $derived(screenOf(this.flow));
  playable = $derived(this.modes.filter((m) => m.kind !== 'queue')); // nobody is matched in the others
  current = $derived(this.modes.find((m) => m.name === this.mode));
  rating = $derived(this.ratings.find((r) => r.mode === this.mode));

  readonly api = new Api();
  #realtime: Realtime | null = null;

  /** run signs in and follows the player's events. It tries until the backend answers. */
  async run(): Promise<void> {
    for (let n = 1; ; n++) {
      try {
        await this.#signIn();
        break;
      } catch (e) {
        this.startup = problemOf(e);
        await pause(backoff(n));
      }
    }
    this.startup = null;
    this.#realtime = new Realtime(this.api, (u) => this.#update(u), (l) => {
      this.link = l;
      if (l === 'live') this.flow = connected(this.flow);
    });
    this.#realtime.start();
    void this.#rejoin();
    void this.#measure();
  }

  async #signIn(): Promise<void> {
    const guest = await restore();
    let signed;
    try {
      signed = await this.api.signIn(guest);
    } catch (e) {
      const refused = guest && e instanceof ApiError && (e.problem.status === 401 || e.problem.status === 403 || e.problem.status === 404);
      if (!refused) throw e;
      forget(); // the backend was started afresh: so are we
      signed = await this.api.signIn(null);
    }
    await remember(signed);
    this.kept = isKept(signed.id);
    const [player, modes] = await Promise.all([this.api.me(), this.api.modes()]);
    this.modes = modes;
    this.mode ||= this.playable[0]?.name ?? '';
    await this.#standing();
    this.player = player;
  }

  /** #rejoin goes back to what the player was doing without waiting for the socket. */
  async #rejoin(): Promise<void> {
    const activity = this.player?.activity;
    try {
      if (activity?.kind === 'ticket' && activity.ticketId) this.#took(await this.api.ticket(activity.ticketId, 0, 0));
      if (activity?.kind !== 'session') return;
      const seat = await this.api.seat();
      if (seat) this.flow = withSeat(this.flow, seat);
    } catch {
      // the socket's snapshot says the same
    }
  }

  async #standing(): Promise<void> {
    const [ratings, matches] = await Promise.all([this.api.ratings(), this.api.matches(8)]);
    this.ratings = ratings;
    this.matches = matches;
  }

  async #measure(): Promise<void> {
    try {
      await pause(300); // the page is busy appearing
      const [locations, ms] = await Promise.all([this.api.locations(), this.api.latency()]);
      this.latency = Object.fromEntries(locations.map((l) => [l.name, ms]));
    } catch {
      this.latency = {}; // modes that need it will say so
    }
  }

  #update(u: Update): void {
    if (u.type === 'snapshot' && !u.data.ticket && !u.data.seat && this.flow.ticket) {
      void this.#missed(this.flow.ticket.id, u);
      return;
    }
    this.flow = apply(this.flow, u);
    if (ownServer) this.flow = closed(this.flow);
    if (u.type === 'result') void this.#standing().catch(() => {});
  }

  /** #missed asks how a ticket ended whose end was not told, because the line was down. */
  async #missed(id: string, snapshot: Update): Promise<void> {
    try {
      this.#took(await this.api.ticket(id, 0, 0));
    } catch {
      if (this.flow.ticket?.id === id) this.flow = apply(this.flow, snapshot);
    }
  }

  /** #do runs what a button asked for and shows what went wrong. */
  async #do(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await work();
    } catch (e) {
      const p = problemOf(e);
      if (p.seat && !this.flow.played.includes(p.seat.sessionId)) this.flow = withSeat(this.flow, p.seat);
      else if (p.code === 'ticket.already_queued' && p.ticketId) this.#took(await this.api.ticket(p.ticketId, 0, 0));
      else if (p.seat) this.flow = { ...this.flow, problem: { ...p, title: 'Your last match is still going on', detail: 'It must end before you can play another one.' } };
      else this.flow = { ...this.flow, problem: p };
    } finally {
      this.busy = false;
    }
  }

  #took(t: Ticket): void {
    this.#realtime?.watch(t);
    this.flow = apply(this.flow, { type: 'ticket', data: t });
  }

  play(): Promise<void> {
    return this.#do(async () => {
      this.flow = toLobby(this.flow);
      const chosen: Record<string, string> = {};
      for (const [key, values] of Object.entries(this.current?.choices ?? {})) {
        const value = this.preferences[key] ?? values[0];
        if (value) chosen[key] = value;
      }
      this.#took(await this.api.queue(this.mode, this.latency, chosen));
    });
  }

  cancel(): Promise<void> {
    return this.#onTicket((id) => this.#giveUp(id, this.api.cancel));
  }

  accept(): Promise<void> {
    return this.#onTicket((id) => this.api.accept(id));
  }

  decline(): Promise<void> {
    return this.#onTicket((id) => this.#giveUp(id, this.api.decline));
  }

  async #giveUp(id: string, call: (id: string) => Promise<Ticket>): Promise<Ticket> {
    this.flow = givingUp(this.flow, id);
    try {
      return await call(id);
    } catch (e) {
      this.flow = givingUp(this.flow, ''); // it goes on
      throw e;
    }
  }

  #onTicket(call: (id: string) => Promise<Ticket>): Promise<void> {
    const id = this.flow.ticket?.id;
    return id ? this.#do(async () => this.#took(await call(id))) : Promise.resolve();
  }

  rename(name: string): Promise<void> {
    return this.#do(async () => { this.player = await this.api.rename(name); });
  }

  setKept(on: boolean): void {
    keep(on);
    this.kept = on;
  }

  /** someoneElse starts over as a new guest. */
  someoneElse(): void {
    forget();
    location.reload();
  }

  /** giveSeatUp leaves a session that the page cannot play. */
  giveSeatUp(): Promise<void> {
    return this.#do(async () => {
      await this.api.leaveSeat();
      this.flow = abandoned(this.flow, null);
    });
  }

  renewSeat = (): Promise<Seat | null> => this.api.seat();

  gameOver(over: GameOver): void { this.flow = finished(this.flow, over); }

  gameGone(problem: Problem | null): void { this.flow = abandoned(this.flow, problem); }

  /** gameEnded leaves a match that the backend calls ended, with its result if there is one. */
  async gameEnded(session: string): Promise<void> {
    const latest = await this.api.matches(1).catch(() => []);
    this.flow = brokenOff(this.flow, session, latest[0] ?? null);
  }

  home(): void { this.flow = toLobby(this.flow); }

  dismiss(): void { this.flow = { ...this.flow, problem: null }; }
}

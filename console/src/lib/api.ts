import type { Explanation, Grant, Guest, MatchResult, Mode, Player, Problem, Rating, Seat, Ticket } from './types';

/** ApiError carries the backend's problem, or one of ours when it was not reached. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

/** problemOf makes any thrown thing presentable. */
export function problemOf(e: unknown): Problem {
  if (e instanceof ApiError) return e.problem;
  return { code: 'page.error', title: 'Something went wrong', detail: e instanceof Error ? e.message : String(e) };
}

/** unreachable is the code of the problem that the backend does not answer. */
export const unreachable = 'backend.unreachable';

const refreshMargin = 60_000; // ms before its end at which an access token is renewed

/**
 * Api is the backend's HTTP interface for one player. It signs in with the guest's
 * secret, renews the access token in time, and repeats a call once after a 401.
 */
export class Api {
  player = '';
  #guest: Guest | null = null;
  #access = '';
  #refresh = '';
  #renewAt = 0;
  #renewing: Promise<void> | null = null;

  /** signIn signs a guest in, or makes one. It returns the guest's credentials. */
  async signIn(guest: Guest | null): Promise<Guest> {
    const grant = await this.#call<Grant>('POST', '/v1/auth/guest', guest ? { guest } : {}, false);
    const id = grant.guest?.id ?? guest?.id ?? '';
    this.#guest = { id, secret: grant.guest?.secret ?? guest?.secret ?? '' };
    this.#take(grant);
    return this.#guest;
  }

  me = () => this.#call<Player>('GET', '/v1/players/me');
  rename = (displayName: string) => this.#call<Player>('PATCH', '/v1/players/me', { displayName });
  ratings = async () => (await this.#call<{ ratings: Rating[] | null }>('GET', '/v1/players/me/ratings')).ratings ?? [];
  matches = async (limit: number) => (await this.#call<{ matches: MatchResult[] | null }>('GET', `/v1/players/me/matches?limit=${limit}`)).matches ?? [];
  modes = async () => (await this.#call<{ modes: Mode[] | null }>('GET', '/v1/modes')).modes ?? [];
  locations = async () => (await this.#call<{ locations: { name: string }[] | null }>('GET', '/v1/locations')).locations ?? [];
  socketTicket = async () => (await this.#call<{ ticket: string }>('POST', '/v1/auth/socket-ticket')).ticket;
  ticket = (id: string, wait: number, after: number) => this.#call<Ticket>('GET', `/v1/matchmaking/tickets/${encodeURIComponent(id)}?wait=${wait}&after=${after}`);
  explanation = (id: string) => this.#call<Explanation>('GET', `/v1/matchmaking/tickets/${encodeURIComponent(id)}/explanation`);
  cancel = (id: string) => this.#call<Ticket>('DELETE', `/v1/matchmaking/tickets/${encodeURIComponent(id)}`);
  accept = (id: string) => this.#call<Ticket>('POST', `/v1/matchmaking/tickets/${encodeURIComponent(id)}/accept`);
  decline = (id: string) => this.#call<Ticket>('POST', `/v1/matchmaking/tickets/${encodeURIComponent(id)}/decline`);
  queue = (mode: string, latencyInMs: Record<string, number>, preferences: Record<string, string>) =>
    this.#call<Ticket>('POST', '/v1/matchmaking/tickets', { mode, latencyInMs, preferences });

  leaveSeat = () => this.#call<void>('DELETE', '/v1/players/me/session');

  /** seat is the player's live seat, or null. */
  async seat(): Promise<Seat | null> {
    try {
      return await this.#call<Seat>('GET', '/v1/players/me/session');
    } catch (e) {
      if (e instanceof ApiError && e.problem.status === 404) return null;
      throw e;
    }
  }

  /** latency is the shortest of a few round trips to the backend in whole milliseconds, 1 or more. */
  async latency(): Promise<number> {
    let best = Infinity;
    for (let i = 0; i < 5; i++) {
      const path = '/healthz?ping=' + i;
      const start = performance.now();
      const resp = await fetch(path, { cache: 'no-store' });
      await resp.arrayBuffer();
      const elapsed = performance.now() - start;
      const timing = performance.getEntriesByName(new URL(path, location.href).href).at(-1) as PerformanceResourceTiming | undefined;
      const onTheWire = timing && timing.requestStart > 0 ? timing.responseStart - timing.requestStart : elapsed; // without what the page itself took
      best = Math.min(best, onTheWire);
    }
    return Math.max(1, Math.round(best));
  }

  #take(grant: Grant): void {
    this.player = grant.player.id;
    this.#access = grant.accessToken;
    this.#refresh = grant.refreshToken;
    this.#renewAt = Date.now() + grant.expiresInSeconds * 1000 - refreshMargin;
  }

  /** #renew gets a new access token, once however many calls ask for it. */
  #renew(): Promise<void> {
    this.#renewing ??= (async () => {
      try {
        this.#take(await this.#call<Grant>('POST', '/v1/auth/refresh', { refreshToken: this.#refresh }, false));
      } catch (e) {
        if (!(e instanceof ApiError) || !e.problem.status || e.problem.status >= 500) throw e;
        await this.signIn(this.#guest); // the refresh token is used up: the secret still works
      }
    })().finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  async #call<T>(method: string, path: string, body?: unknown, signed = true): Promise<T> {
    if (signed && Date.now() > this.#renewAt) await this.#renew();
    let resp = await this.#send(method, path, body, signed);
    if (resp.status === 401 && signed) {
      await this.#renew();
      resp = await this.#send(method, path, body, signed);
    }
    const text = await resp.text();
    if (!resp.ok) throw new ApiError(readProblem(resp, text));
    return (text ? JSON.parse(text) : undefined) as T;
  }

  async #send(method: string, path: string, body: unknown, signed: boolean): Promise<Response> {
    const headers: Record<string, string> = {};
    if (signed) headers['Authorization'] = `Bearer ${this.#access}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    try {
      return await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store' });
    } catch {
      throw new ApiError({ code: unreachable, title: 'No connection', detail: 'The backend does not answer. Is it running?' });
    }
  }
}

function readProblem(resp: Response, text: string): Problem {
  const retryAfter = Number(resp.headers.get('Retry-After')) || undefined;
  const fallback = { code: 'http.' + resp.status, title: 'Request refused', detail: `The backend answered ${resp.status}.`, status: resp.status, retryAfter };
  try {
    return { ...fallback, ...(JSON.parse(text) as Partial<Problem>), status: resp.status };
  } catch {
    return fallback;
  }
}

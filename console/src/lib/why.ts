import { ApiError } from './api';
import type { Explanation } from './types';

/*
 * Why a search takes so long: asked politely, while it lasts.
 */

const firstAfter = 4_000; // ms: a short search needs no reasons
const every = 5_000; // ms
const slowest = 60_000; // ms, between questions that are refused

/** Clock is what asking needs of the world. */
export interface Clock {
  set(f: () => void, ms: number): unknown;
  clear(timer: unknown): void;
  hidden(): boolean;
}

const browser: Clock = {
  set: (f, ms) => setTimeout(f, ms),
  clear: (timer) => clearTimeout(timer as number),
  hidden: () => document.hidden,
};

/**
 * askWhy asks again and again why a search takes long, and tells what it hears. It
 * pauses while nobody looks, and slows down when it is refused. It returns how to stop.
 */
export function askWhy(ask: () => Promise<Explanation>, tell: (line: string) => void, clock: Clock = browser): () => void {
  let stopped = false;
  let wait = every;
  let timer = clock.set(look, firstAfter);
  async function look(): Promise<void> {
    if (!clock.hidden()) wait = await once();
    if (!stopped) timer = clock.set(look, wait);
  }
  async function once(): Promise<number> {
    try {
      const why = await ask();
      if (!stopped) tell(lineOf(why));
      return every;
    } catch (e) {
      const retry = e instanceof ApiError ? (e.problem.retryAfter ?? 0) * 1000 : 0;
      return Math.min(slowest, Math.max(retry, wait * 2)); // what was said last stands
    }
  }
  return () => {
    stopped = true;
    clock.clear(timer);
  };
}

/** lineOf is what to say of an explanation; nothing where the page says it already. */
export function lineOf(why: Explanation): string {
  const searching = why.status === 'queued' || why.status === 'searching';
  return searching ? why.message : '';
}

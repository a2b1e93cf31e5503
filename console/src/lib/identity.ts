import type { Guest } from './types';

/*
 * Who this tab is. Every tab is a player of its own, so that two tabs can play each
 * other; a reload stays the same player. The credentials therefore live in
 * sessionStorage. A player that is kept lives in localStorage as well and is taken up
 * by the next fresh tab, unless another tab plays it right now.
 */

const tabKey = 'muster.tab';
const keptKey = 'muster.kept';

function read(storage: Storage, key: string): Guest | null {
  try {
    const v = JSON.parse(storage.getItem(key) ?? 'null') as Guest | null;
    return v && typeof v.id === 'string' && typeof v.secret === 'string' ? v : null;
  } catch {
    return null;
  }
}

/** restore finds the guest this tab should be, or null for a new one. */
export async function restore(): Promise<Guest | null> {
  for (const guest of [read(sessionStorage, tabKey), read(localStorage, keptKey)]) {
    if (guest && await claim(guest.id)) return guest;
  }
  sessionStorage.removeItem(tabKey); // a duplicated tab: its copy belongs to the original
  return null;
}

/** remember keeps the guest for this tab, and answers for it to other tabs. */
export async function remember(guest: Guest): Promise<void> {
  sessionStorage.setItem(tabKey, JSON.stringify(guest));
  await claim(guest.id);
}

export function forget(): void {
  if (isKept(read(sessionStorage, tabKey)?.id ?? '')) localStorage.removeItem(keptKey);
  sessionStorage.removeItem(tabKey);
}

export function isKept(id: string): boolean {
  return id !== '' && read(localStorage, keptKey)?.id === id;
}

export function keep(on: boolean): void {
  const guest = read(sessionStorage, tabKey);
  if (on && guest) localStorage.setItem(keptKey, JSON.stringify(guest));
  else localStorage.removeItem(keptKey);
}

const patience = 400; // ms for a page that reloads to let go, or another tab to answer
const self = Math.random().toString(36).slice(2);
let held = '';

/** claim tries to be the only tab that plays a guest, for as long as the page lives. */
async function claim(id: string): Promise<boolean> {
  if (held === id) return true;
  const ours = navigator.locks ? await lock(id) : await ask(id);
  if (ours) held = id;
  return ours;
}

function lock(id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(patience);
    navigator.locks
      .request('muster.guest.' + id, { signal }, () => {
        resolve(true);
        return new Promise(() => {}); // held until the page goes
      })
      .catch(() => resolve(false));
  });
}

/** ask is for pages without locks (plain http from another machine). */
function ask(id: string): Promise<boolean> {
  const channel = new BroadcastChannel('muster.guest');
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), patience / 2);
    channel.onmessage = (e: MessageEvent<{ kind: string; id: string; from: string }>) => {
      const { kind, id: about, from } = e.data;
      if (from === self) return;
      if (kind === 'taken' && about === id && held !== id) {
        clearTimeout(timer);
        resolve(false);
      }
      if (kind === 'whose' && about === held) channel.postMessage({ kind: 'taken', id: about, from: self });
    };
    channel.postMessage({ kind: 'whose', id, from: self });
  });
}

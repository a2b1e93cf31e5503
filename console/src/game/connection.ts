import type { Seat } from '../lib/types';
import { decodeFrame, type Frame, type ServerMessage } from './protocol';
import { backoff } from '../lib/realtime';

export interface Handlers {
  frame(f: Frame): void;
  message(m: ServerMessage): void;
  lost(): void; // the connection went; another try is under way
  gone(code: string, message: string): void; // there is no coming back
  foreign(): void; // nothing that the demo's game server would say was heard for a while
  renew(): Promise<Seat | null>; // the seat as the backend knows it now
}

export interface Wish { x: number; y: number; dash: boolean }

const attempts = 6; // about 19 s: longer than a game server keeps a seat for the player
const repeatEvery = 500; // ms after which an unchanged wish is sent again
const foreignAfter = 6000; // ms without a word of the demo's protocol
const retryable = new Set(['token.unverifiable', 'seat.unverifiable', 'token.invalid', 'seat.busy', 'session.none']);

/** Connection is one player's way to the game server. It joins, and joins again when it is cut off. */
export class Connection {
  #socket: WebSocket | null = null;
  #failures = 0;
  #closed = false;
  #sent: Wish = { x: 0, y: 0, dash: false };
  #sentAt = 0;
  #retry = 0;
  #heard = false; // a word of the demo's protocol, ever
  #backendAway = false;
  #doubt = 0;

  constructor(private seat: Seat, private readonly name: string, private readonly on: Handlers) {
    this.#doubt = window.setTimeout(() => this.#wonder(), foreignAfter);
    this.#open();
  }

  /** steer sends what the player wants, when it changed or was long ago. */
  steer(w: Wish): void {
    const now = performance.now();
    const same = w.x === this.#sent.x && w.y === this.#sent.y && w.dash === this.#sent.dash;
    if ((same && now - this.#sentAt < repeatEvery) || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#sent = w;
    this.#sentAt = now;
    this.#send({ type: 'input', ...w });
  }

  leave(): void {
    this.#send({ type: 'leave' });
    this.close();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#doubt);
    this.#socket?.close();
  }

  #open(): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const host = scheme === 'wss' && this.seat.dnsName ? this.seat.dnsName : this.seat.ipAddress;
    const socket = new WebSocket(`${scheme}://${host}:${this.seat.port}/`);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => this.#send({ type: 'join', playerSessionId: this.seat.playerSessionId, joinToken: this.seat.joinToken, name: this.name });
    socket.onmessage = (e) => this.#receive(e.data as string | ArrayBuffer);
    socket.onclose = () => { if (this.#socket === socket) void this.#again(); };
  }

  #send(m: unknown): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(m));
  }

  #receive(data: string | ArrayBuffer): void {
    let m: ServerMessage;
    try {
      if (typeof data !== 'string') {
        if (this.#heard) this.on.frame(decodeFrame(data));
        return;
      }
      m = JSON.parse(data) as ServerMessage;
    } catch {
      return; // not of the demo's protocol
    }
    if (m?.type === 'welcome' ? typeof m.walls === 'string' : m?.type === 'refused' && typeof m.code === 'string') this.#heard = true;
    if (!this.#heard) return;
    if (m.type === 'welcome') this.#failures = 0;
    if (m.type === 'over') this.#closed = true; // nothing to come back to
    if (m.type === 'replaced') this.#end('seat.replaced', 'You play this match in another tab now.');
    else if (m.type === 'refused' && !m.code.startsWith('message.') && !retryable.has(m.code)) this.#end(m.code, m.message);
    else this.on.message(m);
  }

  #end(code: string, message: string): void {
    if (this.#closed) return;
    this.close();
    this.on.gone(code, message);
  }

  /** #wonder gives up on a game server that never said a word of the demo's protocol. */
  #wonder(): void {
    if (this.#closed || this.#heard || this.#backendAway) return;
    this.close();
    this.on.foreign();
  }

  async #again(): Promise<void> {
    if (this.#closed) return;
    if (this.#heard) this.on.lost();
    if (++this.#failures > attempts) return this.#end('game.unreachable', 'The game server does not answer any more.');
    await new Promise((resolve) => { this.#retry = window.setTimeout(resolve, backoff(this.#failures - 1)); });
    if (this.#closed) return;
    try {
      const seat = await this.on.renew();
      if (this.#closed) return;
      if (!seat || seat.sessionId !== this.seat.sessionId) return this.#end('session.over', 'This match has ended.');
      this.seat = seat;
      this.#backendAway = false;
    } catch {
      this.#backendAway = true;
      // the backend is away as well: the seat at hand may still do
    }
    if (!this.#closed) this.#open();
  }
}
